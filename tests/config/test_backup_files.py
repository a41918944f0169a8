"""The files of a backup: what is written reads back, and what was changed since is named."""

import os

import pytest
from django.apps import apps

from audit.notes import Signer
from config.backups import columns, keys, manifest, marker
from config.backups.failures import BackupFailed, Damaged, Refused
from config.backups.frames import Counted, Measured, Unpacked, pack
from config.backups.manifest import File, Ledger, Manifest, Objects
from config.backups.places import LAST_FILE, Folder, chosen, place_at
from config.backups.progress import Silent
from config.backups.pruning import prune
from config.home import CannotStart, open_home, prepare_home

COLUMNS = [("id", "int"), ("payload", "bytes"), ("note", "text")]
ROWS = [[number, os.urandom(40_000), f"row {number} \u2192"] for number in range(300)]
NAME = "2026-11-26T143000Z"


@pytest.fixture
def place(tmp_path):
    return Folder(tmp_path / "backups")


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS], ids=["none", "one", "several frames"])
def test_rows_read_back_equal(rows):
    counted = Counted(rows)
    packed = list(pack(COLUMNS, counted))

    unpacked = Unpacked(packed, "x")

    assert unpacked.columns == COLUMNS
    assert list(unpacked.rows()) == rows
    assert counted.count == len(rows)


def test_the_same_rows_give_the_same_bytes():
    assert b"".join(pack(COLUMNS, ROWS)) == b"".join(pack(COLUMNS, iter(ROWS)))


def test_rows_read_back_from_chunks_of_any_size():
    whole = b"".join(pack(COLUMNS, ROWS[:20]))

    assert list(Unpacked((whole[at : at + 1_000] for at in range(0, len(whole), 1_000)), "x").rows()) == ROWS[:20]


@pytest.mark.parametrize("left", [0, 3, 0.5, 0.99], ids=["nothing", "three bytes", "half", "all but the end"])
def test_a_file_that_was_cut_is_named(left):
    whole = b"".join(pack(COLUMNS, ROWS))
    cut = whole[: int(left * len(whole)) if left < 1 else left]

    with pytest.raises(Damaged, match=r"runs\.rows"):
        list(Unpacked([cut], "runs.rows").rows())


def test_a_file_with_a_flipped_bit_is_named_or_has_another_digest():
    """Not every flip breaks the compression; the manifest's digest finds the others."""
    whole = b"".join(pack(COLUMNS, ROWS[:50]))
    measured = Measured([whole])
    list(measured)
    for at in range(4, len(whole), len(whole) // 20):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        again = Measured([bytes(flipped)])
        try:
            list(Unpacked(again, "runs.rows").rows())
        except Damaged:
            continue
        list(again)
        assert again.sha256 != measured.sha256


def test_every_column_of_every_table_can_be_kept():
    """A new kind of column has to be made known in config/backups/columns.py before it is released."""
    for model in apps.get_models(include_auto_created=True):
        for field in columns.stored_fields(model):
            assert columns.kind_of(field)


# --- places ----------------------------------------------------------------------------------------------------------


def test_a_file_is_there_whole_or_not_at_all(place):
    def breaks_off():
        yield b"half"
        raise OSError(28, "No space left on device")

    place.write("a/b", [b"old"])
    with pytest.raises(OSError, match="No space"):
        place.write("a/b", breaks_off())

    assert b"".join(place.read("a/b")) == b"old"
    assert list(place.names()) == ["a/b"]
    assert [path.name for path in (place.root / "a").iterdir()] == ["b"]


def test_files_are_closed_to_others(place):
    place.write("a/keys.json", [b"secret"])

    assert [path.stat().st_mode & 0o077 for path in (place.root, *place.root.rglob("*"))] == [0, 0, 0]


def test_a_place_gives_its_newest_complete_backup(place):
    for name in ("2026-11-25T000000Z", "2026-11-26T000000Z", "2026-11-26T000000Z-2"):
        place.write(f"{name}/{LAST_FILE}", [b"x"])
    place.write("2026-11-27T000000Z/manifest.json", [b"x"])  # one that broke off

    assert place.backups()[-1] == chosen(str(place.root))[1] == "2026-11-26T000000Z-2"
    assert chosen(f"{place.root}/2026-11-25T000000Z")[1] == "2026-11-25T000000Z"
    with pytest.raises(BackupFailed, match="no complete backup"):
        chosen(f"{place.root}/2026-11-27T000000Z")


def test_an_empty_place_has_no_backup(tmp_path):
    with pytest.raises(BackupFailed, match="no complete backup in"):
        chosen(str(tmp_path))


def test_other_addresses_are_refused():
    with pytest.raises(BackupFailed, match="s3://bucket/prefix"):
        place_at("ftp://backups.example.org/lineal")


def test_a_place_without_a_complete_backup_is_not_pruned(place):
    """Its first one may be under way."""
    place.write("objects/ab/1", [b"x"])
    place.write(f"{NAME}/tables/x", [b"x"])

    with pytest.raises(BackupFailed, match="nothing is pruned"):
        prune(place, keep=1, dry_run=False, progress=Silent())

    assert len(list(place.names())) == 2


@pytest.mark.parametrize("enter", [prepare_home, open_home])
def test_no_process_starts_on_a_home_into_which_a_restore_has_not_ended(tmp_path, enter):
    marker.mark(tmp_path, marker.Marker(NAME, "0" * 64))
    tmp_path.chmod(0o700)

    with pytest.raises(CannotStart, match=f"{NAME} into .* has not ended"):
        enter(tmp_path)

    marker.clear(tmp_path)
    assert enter(tmp_path) == tmp_path


# --- keys ------------------------------------------------------------------------------------------------------------

FILES = {"keys/log.key": b"secret\n", "owner.token": b"lnl_x\n"}


def test_keys_open_with_their_passphrase_alone():
    sealed = keys.pack(FILES, "correct horse")

    assert keys.unpack(sealed, "correct horse", sealed=True) == FILES
    assert b"secret" not in sealed
    with pytest.raises(BackupFailed, match="does not open"):
        keys.unpack(sealed, "battery staple", sealed=True)
    with pytest.raises(BackupFailed, match="--passphrase-file"):
        keys.unpack(sealed, None, sealed=True)


def test_keys_are_written_for_their_owner_alone(tmp_path):
    keys.put(tmp_path, {**FILES, "keys/log.vkey": b"public\n"})

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {"log.key": 0o600, "owner.token": 0o600, "log.vkey": 0o644}


@pytest.mark.parametrize("name", ["../evil", "keys/../../evil", "/etc/passwd", "keys/.ssh", "db.sqlite3"])
def test_keys_are_written_nowhere_else(tmp_path, name):
    with pytest.raises(Damaged, match="which is none"):
        keys.put(tmp_path / "home", {name: b"x"})


@pytest.mark.parametrize("name", ["../evil", "db.sqlite3"])
def test_a_file_of_keys_that_names_another_file_is_damaged(name):
    with pytest.raises(Damaged, match="which is none"):
        keys.unpack(keys.pack({name: b"x"}, None), None, sealed=False)


def test_what_an_editor_left_beside_the_keys_is_left_out(tmp_path):
    keys.put(tmp_path, FILES)
    for name in (".log.key.swp", "log.key~", "notes.txt copy", "log.next.key.part"):
        (tmp_path / "keys" / name).write_bytes(b"x")

    assert keys.take(tmp_path) == FILES


# --- the manifest ----------------------------------------------------------------------------------------------------


def make_manifest(signer, **changes):
    file = {"file": "x.rows.zst", "size": 1, "sha256": "0" * 64}
    ledger = Ledger(origin=signer.name, vkey=signer.vkey, size=3, root="00", note="", waiting=0, rotations=[])
    given = {
        "format": manifest.FORMAT, "name": NAME, "made_at": "2026-11-26T14:30:00.000000Z", "server_version": "0.1.0",
        "database": "sqlite", "migrations": {}, "tables": [], "objects": Objects(**file, count=0, bytes=0), "absent": [],
        "ledger": ledger, "anchors": File(**file), "keys": None,
    }  # fmt: skip
    return Manifest(**{**given, **changes})


@pytest.fixture
def signer():
    return Signer.generate("log.example/audit/default")


def test_a_signed_manifest_reads_back_with_its_key(place, signer):
    made = make_manifest(signer)
    manifest.write(place, made, signer)

    assert manifest.read(place, NAME) == made
    assert manifest.read(place, NAME, trusted_vkey=signer.vkey) == made


def test_another_key_trusts_no_backup_of_this_log(place, signer):
    manifest.write(place, make_manifest(signer), signer)

    with pytest.raises(Damaged, match="does not lead"):
        manifest.read(place, NAME, trusted_vkey=Signer.generate(signer.name).vkey)


def test_an_unsigned_backup_is_not_trusted_where_a_key_is_given(place, signer):
    manifest.write(place, make_manifest(signer), None)

    assert manifest.read(place, NAME).name == NAME
    with pytest.raises(Damaged, match="not signed"):
        manifest.read(place, NAME, trusted_vkey=signer.vkey)


def test_a_changed_manifest_is_named(place, signer):
    manifest.write(place, make_manifest(signer), signer)
    path = place.root / NAME / "manifest.json"
    path.write_text(path.read_text().replace('"sqlite"', '"sqlate"'))

    with pytest.raises(Damaged, match=r"manifest\.json is not what its sum says"):
        manifest.read(place, NAME)


def test_a_sum_that_was_made_to_fit_is_not_signed(place, signer):
    """Whoever can write to the place can make a new digest, and no signature."""
    manifest.write(place, make_manifest(signer), signer)
    signature = (place.root / NAME / LAST_FILE).read_text().partition("\n\n")[2]
    manifest.write(place, make_manifest(signer, database="postgresql"), None)
    forged = (place.root / NAME / LAST_FILE).read_text() + "\n" + signature
    (place.root / NAME / LAST_FILE).write_text(forged)

    with pytest.raises(Damaged, match="does not hold"):
        manifest.read(place, NAME)


def test_a_later_format_is_refused(place, signer):
    manifest.write(place, make_manifest(signer, format="lineal-backup/9"), None)

    with pytest.raises(Refused, match="lineal-backup/9"):
        manifest.read(place, NAME)


@pytest.mark.parametrize("file", ["../elsewhere/x.zst", "/etc/passwd", "tables/../../x.zst"])
def test_a_manifest_that_names_files_elsewhere_is_damaged(place, signer, file):
    manifest.write(place, make_manifest(signer, anchors=File(file=file, size=1, sha256="0" * 64)), signer)

    with pytest.raises(Damaged, match="not of it"):
        manifest.read(place, NAME)


def test_a_renamed_backup_is_not_taken_for_another(place, signer):
    manifest.write(place, make_manifest(signer), signer)
    (place.root / NAME).rename(place.root / "2026-12-31T000000Z")

    with pytest.raises(Damaged, match="renamed"):
        manifest.read(place, "2026-12-31T000000Z")
