"""What LINEAL_BROKER_URL may be, what it becomes, and what is said of one that cannot work."""

import ssl
from pathlib import Path

import pytest

from config.broker import make_folders, settings_for
from config.environment import BadSetting

HOME = Path("/nowhere")
BAD = {
    "another kind": ("kafka://user:canary@host", "begins with 'kafka'"),
    "no scheme": ("canary@host:6379", "begins with something else"),
    "no host": ("redis://:canary@/0", "lacks the broker's host"),
    "a port that is none": ("redis://:canary@host:port/0", "port that is no number"),
    "a port beyond the last": ("amqp://user:canary@host:70000//", "port that is no number"),
    "a Redis database by name": ("redis://:canary@host/jobs", "names a Redis database"),
    "an option that we do not know": ("rediss://:canary@host/0?ssl_cert_reqs=none", "not 'ssl_cert_reqs'"),
    "a certificate that is not there": ("amqps://user:canary@host//?ssl_ca_certs=/nowhere/ca.pem", "/nowhere/ca.pem"),
}


@pytest.mark.parametrize("name", BAD, ids=[name.replace(" ", "-") for name in BAD])
def test_what_cannot_work_is_said_without_the_password(name):
    url, words = BAD[name]

    with pytest.raises(BadSetting) as refused:
        settings_for(url, HOME)

    assert words in str(refused.value)
    assert "LINEAL_BROKER_URL" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_without_one_a_folder_in_the_home_is_polled(tmp_path):
    made = settings_for("", tmp_path)

    make_folders(made)

    assert made["celery"]["broker_url"] == "folder://"
    assert {path.name for path in (tmp_path / "broker").iterdir()} == {"queue", "control"}
    assert (tmp_path / "broker" / "queue").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("scheme", "key"), [("rediss", "ssl_cert_reqs"), ("amqps", "cert_reqs")])
def test_over_tls_the_certificate_is_always_checked(tmp_path, scheme, key):
    authority = tmp_path / "ca.pem"
    authority.write_text("")

    celery = settings_for(f"{scheme}://:secret@host/0?ssl_ca_certs={authority}", HOME)["celery"]

    assert celery["broker_use_ssl"][key] is ssl.CERT_REQUIRED
    assert str(authority) in celery["broker_use_ssl"].values()
    assert celery["broker_url"] == f"{scheme}://:secret@host/0"


def test_a_redis_that_does_not_answer_is_given_up_soon():
    made = settings_for("redis://host:6379/0", HOME)

    assert made["celery"]["broker_transport_options"]["socket_connect_timeout"] <= 2
    assert made["ring_options"]["socket_timeout"] <= 5
