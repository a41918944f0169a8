"""Secrets at rest: a database alone opens none, and what was altered does not open."""

import stat

import pytest

from core.sealing import SealBroken, seal, unseal

pytestmark = pytest.mark.usefixtures("home")


def test_what_is_sealed_opens_again():
    assert unseal(seal("whsec_cänary")) == "whsec_cänary"
    assert unseal(memoryview(seal(""))) == ""


def test_the_secret_is_not_in_what_is_stored():
    first, second = seal("canary"), seal("canary")

    assert b"canary" not in first
    assert first != second, "equal secrets do not show as equal"


def test_the_key_is_its_owners_alone(home):
    seal("x")

    assert stat.S_IMODE((home / "keys" / "sealing.key").stat().st_mode) == 0o600
    assert [path.name for path in (home / "keys").iterdir()] == ["sealing.key"]


def test_another_key_opens_nothing(home):
    sealed = seal("canary")
    (home / "keys" / "sealing.key").unlink()

    with pytest.raises(SealBroken, match="give it anew"):
        unseal(sealed)


@pytest.mark.parametrize("place", [0, 10, -1])
def test_what_was_altered_does_not_open(place):
    sealed = bytearray(seal("canary"))
    sealed[place] ^= 1

    with pytest.raises(SealBroken):
        unseal(bytes(sealed))


def test_nothing_is_no_secret():
    """A deleted trigger's column."""
    with pytest.raises(SealBroken):
        unseal(b"")
