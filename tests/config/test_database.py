from pathlib import Path

import pytest

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
