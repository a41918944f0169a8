from pathlib import Path

import pytest

from config import database
from config.database import settings_for
from config.environment import TABLE, BadSetting, number


def test_without_a_url_the_database_is_a_file_in_the_home():
    assert settings_for("", Path("/home/x"))["NAME"] == "/home/x/db.sqlite3"


def test_a_postgresql_url_is_taken_apart():
    settings = settings_for("postgresql://ann:s%40fe@db.example:5433/lineal?sslmode=require", Path("/home/x"))

    assert {key: settings[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "lineal", "USER": "ann", "PASSWORD": "s@fe", "HOST": "db.example", "PORT": "5433",
    }  # fmt: skip
    assert settings["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "nonsense", "sqlite://"])
def test_other_urls_are_refused_with_an_example(url):
    with pytest.raises(BadSetting, match="postgresql://"):
        settings_for(url, Path("/home/x"))


def test_a_number_that_is_none_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("LINEAL_TRUSTED_PROXIES", "many")

    with pytest.raises(BadSetting, match="LINEAL_TRUSTED_PROXIES has to be a whole number"):
        number("LINEAL_TRUSTED_PROXIES")


def test_every_setting_says_what_it_means():
    assert all(variable.name.startswith("LINEAL_") and variable.meaning.endswith(".") for variable in TABLE.values())


@pytest.fixture
def as_work(monkeypatch):
    """`as_work("web")["OPTIONS"]`: the settings of a process of that kind."""

    def settings(kind, url="postgresql://app@db/lineal", **variables):
        monkeypatch.setattr(database, "work", kind)
        for name, value in {"LINEAL_DATABASE_URL": url, **variables}.items():
            monkeypatch.setenv(name, value)
        return database.databases(Path("/home/x"))

    return settings


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("web", "statement_timeout=15000 lock_timeout=8000 idle_in_transaction_session_timeout=60000"),
        ("jobs", "statement_timeout=600000 lock_timeout=20000 idle_in_transaction_session_timeout=900000"),
        ("migration", "statement_timeout=0 lock_timeout=10000 idle_in_transaction_session_timeout=0"),
    ],
)
def test_each_kind_of_work_has_its_limits(as_work, kind, limits):
    options = as_work(kind)["default"]["OPTIONS"]

    assert options["options"] == " ".join(f"-c {limit}" for limit in limits.split()) + " -c jit=off -c timezone=UTC"
    assert options["application_name"] == f"lineal-{kind}"


def test_a_pool_is_bounded_and_asks_its_connections_before_it_hands_them_out(as_work):
    settings = as_work("web", LINEAL_DATABASE_POOL="7", LINEAL_DATABASE_POOL_WAIT="3")["default"]

    assert {key: settings["OPTIONS"]["pool"][key] for key in ("max_size", "timeout")} == {"max_size": 7, "timeout": 3}
    assert settings["CONN_HEALTH_CHECKS"] is True
    assert settings["OPTIONS"]["connect_timeout"] == 5
    assert settings["OPTIONS"]["keepalives_idle"] == 30


def test_behind_a_pooler_nothing_is_kept_in_a_session(as_work):
    settings = as_work("web", LINEAL_DATABASE_POOLER="1")["default"]

    assert "options" not in settings["OPTIONS"]
    assert settings["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_several_hosts_are_tried_until_one_takes_writes(as_work):
    settings = as_work("web", "postgresql://app@a.example:5432,b.example:5433/lineal")["default"]

    assert (settings["HOST"], settings["PORT"]) == ("a.example,b.example", "5432,5433")
    assert settings["OPTIONS"]["target_session_attrs"] == "read-write"


def test_what_the_url_says_of_the_connection_wins(as_work):
    settings = as_work("web", "postgresql://app@db/lineal?connect_timeout=9&sslmode=verify-full&host=/run/pg")[
        "default"
    ]

    assert settings["HOST"] == "/run/pg"
    assert {key: settings["OPTIONS"][key] for key in ("connect_timeout", "sslmode")} == {
        "connect_timeout": "9", "sslmode": "verify-full",
    }  # fmt: skip


def test_a_replica_is_for_reading_and_given_up_on_quickly(as_work):
    replica = {"LINEAL_DATABASE_REPLICA_URL": "postgresql://app@replica/lineal"}
    settings = as_work("web", **replica)["replica"]

    assert settings["OPTIONS"]["options"].endswith("default_transaction_read_only=on")
    assert settings["OPTIONS"]["pool"]["timeout"] == 2
    assert "replica" not in as_work("migration", **replica)


def test_migrations_go_to_the_owner_and_grants_to_the_role_that_serves(as_work):
    two = {"LINEAL_DATABASE_MIGRATE_URL": "postgresql://owner@db/lineal"}

    assert as_work("migration", **two)["default"]["USER"] == "owner"
    assert as_work("web", **two)["default"]["USER"] == "app"
    assert database.app_role() == "app"
    as_work("web", "postgresql://owner@db/lineal", **two)
    assert database.app_role() == ""


def test_a_url_that_cannot_be_read_is_named_without_its_password(as_work):
    with pytest.raises(BadSetting, match="LINEAL_DATABASE_REPLICA_URL") as caught:
        as_work("web", LINEAL_DATABASE_REPLICA_URL="postgresql://app:s3cret@db/lineal?nonsense=1")

    assert "s3cret" not in str(caught.value)
