"""The log as C2SP tlog-tiles: what a monitor reads there gives the root that was signed."""

import pytest

from audit import merkle
from audit.models import AuditEvent
from audit.notes import parse_checkpoint, verify_note
from audit.services import vkey
from audit.testing import sequence_now
from audit.tiles import WIDTH, index_path

pytestmark = pytest.mark.usefixtures("home")

LOG = "audit/log"


@pytest.fixture
def admin(make_account, principal):
    return principal(make_account("root", is_server_admin=True))


@pytest.fixture
def grown(make_event, admin):
    """`grown(300)`: at least so many entries, all in the log; and how many they are."""

    def grow(count):
        for _ in range(count):
            make_event()
        sequence_now()
        return AuditEvent.objects.count()

    return grow


def entries_of(bundle):
    """Bodies of an entry bundle, as the specification packs them."""
    found = []
    while bundle:
        size = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + size])
        bundle = bundle[2 + size :]
    return found


def split(tile):
    return [tile[at : at + 32] for at in range(0, len(tile), 32)]


def test_tiles_and_entries_give_the_root_that_was_signed(api, admin, grown):
    grown(WIDTH + 20)
    client = api(admin)  # a token, and so one more event, which is not in the log yet
    head = parse_checkpoint(verify_note(client.get(f"{LOG}/checkpoint").content.decode(), vkey()))
    rest = head.size - WIDTH

    full = client.get(f"{LOG}/tile/0/000").content
    part = client.get(f"{LOG}/tile/0/001.p/{rest}").content
    above = client.get(f"{LOG}/tile/1/000.p/1").content
    entries = [
        *entries_of(client.get(f"{LOG}/tile/entries/000").content),
        *entries_of(client.get(f"{LOG}/tile/entries/001.p/{rest}").content),
    ]

    leaves = split(full) + split(part)
    assert [merkle.leaf_hash(entry) for entry in entries] == leaves
    assert merkle.root(leaves) == head.root
    assert above == merkle.root(split(full))


def test_a_tile_may_be_kept_for_ever(api, admin, grown):
    grown(2)

    answer = api(admin).get(f"{LOG}/tile/0/000.p/2")

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",  # not full yet
        "tile/0/000.p/200",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/02",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "tile/63/000.p/1",
        "tile/entries/000",
        "tile/entries/../000",
        "tile/entries/x999/x999/x999/x999/x999/999",
    ],
)
def test_what_is_no_tile_of_this_log_is_not_found(api, admin, grown, path):
    grown(2)

    answer = api(admin).get(f"{LOG}/{path}")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_members_keep_hashes_and_only_administrators_entries(api, alice, grown):
    grown(2)

    assert api(alice).get(f"{LOG}/tile/0/000.p/2").status_code == 200
    assert api(alice).get(f"{LOG}/tile/entries/000.p/2").status_code == 403


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (999, "999"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")]
)
def test_numbers_are_spelled_in_groups_of_three(number, path):
    assert index_path(number) == path
