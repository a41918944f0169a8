"""Stored objects on their way back: each project gets its own, and what lies there is believed for nothing but its size."""

import os
from hashlib import sha256

import pytest

from audit.notes import Signer
from config.backups import manifest, objects, restoring
from config.backups.frames import Counted, Measured, pack
from config.backups.manifest import Absent, File, Ledger, Manifest, Objects
from config.backups.places import Folder, object_name
from config.backups.progress import Silent
from config.backups.pruning import Pruned, prune
from core.ids import uuid7
from core.storage import LocalStore

NAME = "2026-11-26T143000Z"
BYTES = b"weights of two projects"
DIGEST = sha256(BYTES).hexdigest()


@pytest.fixture
def place(tmp_path):
    return Folder(tmp_path / "backups")


@pytest.fixture
def store(tmp_path, settings):
    """The store that a restore fills."""
    settings.BLOBS_URL = f"file://{tmp_path / 'blobs'}"
    return LocalStore(tmp_path / "blobs")


@pytest.fixture
def make_backup(place):
    """`make_backup([(project, content)], absent=[(project, digest)])`: its list and its objects; the manifest."""

    def make(wanted, *, absent=()):
        rows = Counted([project.hex, sha256(content).hexdigest(), len(content)] for project, content in wanted)
        packed = Measured(pack(objects.COLUMNS, rows))
        place.write(f"{NAME}/objects.rows.zst", packed)
        for _, content in wanted:
            place.write(object_name(sha256(content).hexdigest()), [content])
        listed = Objects(
            file="objects.rows.zst", size=packed.size, sha256=packed.sha256, count=rows.count,
            bytes=sum(len(content) for _, content in wanted),
        )  # fmt: skip
        signer = Signer.generate("log.example/audit/default")
        return Manifest(
            format=manifest.FORMAT, name=NAME, made_at="2026-11-26T14:30:00.000000Z", server_version="0.1.0",
            database="sqlite", migrations={}, tables=[], objects=listed, anchors=File(file="a.zst", size=1, sha256="0"),
            absent=[Absent(project=of.hex, sha256=digest, reason="missing", expected=True) for of, digest in absent],
            ledger=Ledger(origin=signer.name, vkey=signer.vkey, size=0, root="", note="", waiting=0, rotations=[]),
            keys=None,
        )  # fmt: skip

    return make


def test_of_two_projects_with_the_same_bytes_one_that_lacks_them_takes_nothing_from_the_other(
    place, store, make_backup
):
    has, lacks = uuid7(), uuid7()
    backup = make_backup([(has, BYTES), (lacks, BYTES), (lacks, b"own")], absent=[(lacks, DIGEST)])

    assert restoring._put_objects(place, backup, Silent()) == 2

    assert b"".join(store.open(has, DIGEST)) == BYTES
    assert not store.exists(lacks, DIGEST)
    assert store.exists(lacks, sha256(b"own").hexdigest())
    assert restoring._put_objects(place, backup, Silent()) == 0


def test_what_killed_backups_left_half_written_is_pruned(place, make_backup):
    """A killed process has no time to clear up, and its drafts are no files of any backup."""
    manifest.write(place, make_backup([(uuid7(), BYTES)]), None)
    before = sorted(place.names())
    left, fresh, hidden = (
        place.root / name
        for name in (f"objects/ab/.{'ab' * 32}.00ff00ff.part", f"{NAME}/.x.rows.zst.01ff00ff.part", ".nfs0001")
    )
    for path in (left, fresh, hidden):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    long_ago = path.stat().st_mtime - 2 * 3_600
    os.utime(left, (long_ago, long_ago))

    would = prune(place, keep=1, dry_run=True, progress=Silent())
    assert left.exists()
    done = prune(place, keep=1, dry_run=False, progress=Silent())

    assert would == done == Pruned([NAME], [], 0, 1)
    assert [path.exists() for path in (left, fresh, hidden)] == [False, True, True]
    assert sorted(place.names()) == before


def test_an_object_that_was_cut_short_is_replaced(place, store, make_backup):
    """A store that was filled by halves: publishing keeps what is there, so it has to go first."""
    project = uuid7()
    backup = make_backup([(project, BYTES)])
    restoring._put_objects(place, backup, Silent())
    path = next(store.root.glob(f"{project.hex}/*/{DIGEST}"))
    path.chmod(0o600)
    path.write_bytes(BYTES[:5])

    assert restoring._put_objects(place, backup, Silent()) == 1

    assert b"".join(store.open(project, DIGEST)) == BYTES
