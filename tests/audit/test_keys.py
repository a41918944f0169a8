import stat

import pytest

from audit import keys, notes
from audit.keys import WrongKey
from audit.services import vkey
from audit.testing import sequence_now


@pytest.mark.django_db
def test_the_secret_key_is_readable_by_its_owner_alone(home):
    keys.ensure_key()

    assert stat.S_IMODE((home / "keys" / "log.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700


@pytest.mark.django_db
def test_the_key_is_made_once(home):
    keys.ensure_key()
    first = vkey()
    keys.ensure_key()

    assert vkey() == first == keys.load_signer().vkey


@pytest.mark.django_db
def test_a_public_key_that_went_missing_is_written_again(home):
    keys.ensure_key()
    first = vkey()
    (home / "keys" / "log.vkey").unlink()
    keys.ensure_key()

    assert vkey() == first


@pytest.mark.django_db
def test_without_a_log_there_is_no_key(home):
    assert vkey() == ""


@pytest.mark.django_db
def test_a_process_without_the_key_folder_learns_the_public_key_from_checkpoints(home, make_event):
    make_event()
    sequence_now()
    known = vkey()
    (home / "keys" / "log.vkey").unlink()

    assert vkey() == known


@pytest.mark.django_db
def test_a_lost_key_is_not_replaced_by_a_new_one(home, make_event):
    """A new key would start a second log under the old one's name."""
    make_event()
    sequence_now()
    (home / "keys" / "log.key").unlink()

    with pytest.raises(WrongKey, match="backup"):
        keys.load_signer()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("configured", "public_url", "origin"),
    [
        ("", "", "lineal.local/audit/default"),
        ("", "https://ml.example.org:8443/x", "ml.example.org/audit/default"),
        ("ml.example.org/audit/risk", "https://elsewhere.example.org", "ml.example.org/audit/risk"),
    ],
)
def test_the_origin_names_host_and_organisation(home, settings, configured, public_url, origin):
    settings.AUDIT_ORIGIN, settings.PUBLIC_URL = configured, public_url

    assert keys.load_signer().name == origin == keys.origin() == notes.parse_vkey(vkey()).name


@pytest.mark.django_db
def test_the_origin_stays_when_the_public_address_changes(home, settings):
    keys.ensure_key()
    settings.PUBLIC_URL = "https://moved.example.org"

    assert keys.load_signer().name == "lineal.local/audit/default"


@pytest.mark.django_db
def test_a_configured_origin_that_contradicts_the_key_stops_the_sequencer(home, settings):
    keys.ensure_key()
    settings.AUDIT_ORIGIN = "other.example.org/audit/default"

    with pytest.raises(WrongKey, match=r"other\.example\.org"):
        keys.load_signer()
