"""`lineal backup` and `lineal restore` as operators meet them: what is refused, what it says, and the exit code."""

import json
import shutil
import subprocess
import sys

import lineal
import pytest

from config.processes import take_lock
from tests import s3
from tests.config import drill
from tests.server import running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a run and its files, which goes on running."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder) as running:
        running.run_id = drill.make_history(lineal.Client(url=running.url, token=running.token), folder)
        yield running


@pytest.fixture(scope="module")
def taken(server, tmp_path_factory):
    """A place with one backup of it, in the clear."""
    place = tmp_path_factory.mktemp("place")
    server.cli("backup", "--home", server.home, "--to", place)
    return place


@pytest.fixture
def place(taken, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(taken, tmp_path / "place")


@pytest.fixture
def elsewhere(tmp_path):
    """A machine without a server: `elsewhere("restore", …, code=4)`; on SQLite."""

    def run(*arguments, code=0):
        return drill.server_on(tmp_path, None).cli(*arguments, code=code)

    return run


def newest(place):
    return max(path for path in place.iterdir() if path.name != "objects")


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def an_object(place):
    return max((place / "objects").glob("*/*"), key=lambda path: path.stat().st_size)


def test_a_sound_backup_is_called_sound_without_a_server(place, elsewhere, tmp_path):
    found = json.loads(elsewhere("restore", "--from", place, "--dry-run", "--verify", "--json").stdout)

    assert found["sound"]
    assert (found["objects"], found["ledger"]["size"] > 5) == (2, True)
    assert not (tmp_path / "home").exists()


def test_the_backup_is_signed_by_the_key_that_people_know(server, place, elsewhere):
    vkey = (server.home / "keys" / "log.vkey").read_text().strip()
    other = vkey.partition("+")[0] + "+5f5dcdc1+AX18sRJ4+SBpw9tFyLgM1vQl6uDCkqXNIcYuyR3jv7Bd"

    elsewhere("restore", "--from", place, "--dry-run", "--key", vkey)
    refused = elsewhere("restore", "--from", place, "--dry-run", "--key", other, code=1)
    assert "key" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("file", ["tables/tracking_run.rows.zst", "objects.rows.zst", "keys.json", "manifest.json"])
@pytest.mark.parametrize("dry_run", [True, False], ids=["checked", "restored"])
def test_a_damaged_file_is_named(place, elsewhere, tmp_path, file, dry_run):
    spoil(newest(place) / file)

    options = ["--dry-run"] if dry_run else ["--home", tmp_path / "home"]
    refused = elsewhere("restore", "--from", place, *options, code=1)

    assert file in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "home" / "restore.json").exists(), "nothing was begun"
    assert not (tmp_path / "home" / "keys" / "log.key").exists()


def test_a_missing_file_is_named(place, elsewhere):
    (newest(place) / "tables" / "tracking_run.rows.zst").unlink()

    assert "tracking_run.rows.zst is missing" in elsewhere("restore", "--from", place, "--dry-run", code=1).stderr


def test_a_damaged_object_is_named_and_the_same_command_goes_on_once_it_is_mended(taken, place, elsewhere, tmp_path):
    """In between no server starts on the half of it."""
    home, spoilt = tmp_path / "home", an_object(place)
    spoil(spoilt)

    assert spoilt.name in elsewhere("restore", "--from", place, "--dry-run", code=1).stderr
    assert spoilt.name in elsewhere("restore", "--from", place, "--home", home, code=1).stderr
    assert "has not ended" in elsewhere("up", "--home", home, "--no-browser", code=1).stderr
    assert list((home / "blobs" / "staging").iterdir()) == []

    shutil.copy(an_object(taken), spoilt)
    done = json.loads(elsewhere("restore", "--from", place, "--home", home, "--verify", "--json").stdout)
    assert done["findings"] == []
    assert not (home / "restore.json").exists()


def test_a_restore_that_died_after_the_database_was_filled_goes_on(place, elsewhere, tmp_path):
    """The keys are put in place and the restore is on the ledger once."""
    home = tmp_path / "home"
    spoilt = an_object(place)
    content = spoilt.read_bytes()
    spoilt.rename(tmp_path / "away")
    elsewhere("restore", "--from", place, "--home", home, code=1)
    marker = (home / "restore.json").read_text()
    spoilt.write_bytes(content)
    elsewhere("restore", "--from", place, "--home", home)
    (home / "keys" / "log.key").unlink()
    (home / "restore.json").write_text(marker)

    elsewhere("restore", "--from", place, "--home", home, "--verify")

    assert (home / "keys" / "log.key").exists()
    assert count_restores(home) == 1


def test_what_was_to_be_proven_is_proven_by_whoever_goes_on(place, elsewhere, tmp_path):
    """`--verify` was asked for once; the command that ends the restore need not say it again."""
    home, spoilt = tmp_path / "home", an_object(place)
    content = spoilt.read_bytes()
    spoilt.rename(tmp_path / "away")
    elsewhere("restore", "--from", place, "--home", home, "--verify", code=1)
    spoilt.write_bytes(content)

    done = json.loads(elsewhere("restore", "--from", place, "--home", home, "--json").stdout)

    assert done["verified"]


def count_restores(home):
    import sqlite3

    with sqlite3.connect(home / "db.sqlite3") as database:
        return database.execute("SELECT count(*) FROM audit_event WHERE action = 'store.restore'").fetchone()[0]


def test_a_home_that_is_in_use_is_refused(server, place, elsewhere, tmp_path):
    running = elsewhere("restore", "--from", place, "--home", server.home, code=4)
    assert "already runs" in running.stderr

    elsewhere("restore", "--from", place, "--home", tmp_path / "home")
    again = elsewhere("restore", "--from", place, "--home", tmp_path / "home", code=4)
    assert "is the home of a server already" in again.stderr


def test_a_database_that_is_not_empty_is_refused(server, place, tmp_path):
    """The one that the server runs on, with an empty home beside it."""
    url = server.env.get("LINEAL_DATABASE_URL") or f"sqlite://{server.home / 'db.sqlite3'}"
    refused = server.cli(
        "restore", "--from", place, "--home", tmp_path / "new", code=4, env={"LINEAL_DATABASE_URL": url}
    )

    assert "The database is not empty" in refused.stderr


def test_a_lock_is_held_while_it_restores(place, elsewhere, tmp_path):
    (tmp_path / "home" / "run").mkdir(parents=True)
    with take_lock(tmp_path / "home"):
        assert "already runs" in elsewhere("restore", "--from", place, "--home", tmp_path / "home", code=4).stderr


def test_a_backup_of_a_newer_release_is_refused(place, elsewhere, tmp_path):
    rewrite_manifest(newest(place), lambda said: said["migrations"]["tracking"].append("0099_from_the_future"))

    refused = elsewhere("restore", "--from", place, "--home", tmp_path / "home", code=4)

    assert "tracking.0099_from_the_future" in refused.stderr


def rewrite_manifest(folder, change):
    """As somebody would who can write to the place, without the key."""
    from hashlib import sha256

    path = folder / "manifest.json"
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    total = sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.sum").write_text(f"lineal-backup/1\n{folder.name}\nsha256 {total}\n")


def test_rows_that_the_manifest_does_not_speak_of_are_not_restored(place, elsewhere, tmp_path):
    def one_less(said):
        (table,) = [each for each in said["tables"] if each["name"] == "tracking_param"]
        table["rows"] -= 1

    rewrite_manifest(newest(place), one_less)

    refused = elsewhere("restore", "--from", place, "--home", tmp_path / "home", code=1)

    assert "tracking_param" in refused.stderr
    assert "has not ended" in elsewhere("up", "--home", tmp_path / "home", "--no-browser", code=1).stderr


def test_keys_are_sealed_and_need_their_passphrase(server, elsewhere, tmp_path):
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    made = server.cli("backup", "--home", server.home, "--to", tmp_path / "place", "--passphrase-file", right)
    source = ("restore", "--from", tmp_path / "place", "--home", tmp_path / "home")

    assert "SECRET KEYS" not in made.stderr
    assert not list((tmp_path / "place").rglob("keys.json"))
    assert "--passphrase-file" in elsewhere(*source, code=1).stderr
    assert "does not open" in elsewhere(*source, "--passphrase-file", wrong, code=1).stderr
    elsewhere(*source, "--passphrase-file", right, "--verify")


def test_a_backup_without_keys_needs_those_that_were_kept(server, elsewhere, tmp_path):
    server.cli("backup", "--home", server.home, "--to", tmp_path / "place", "--without-keys")
    kept = shutil.copytree(server.home / "keys", tmp_path / "kept")
    source = ("restore", "--from", tmp_path / "place", "--home", tmp_path / "home")

    assert "--keys" in elsewhere(*source, code=1).stderr
    (tmp_path / "others").mkdir()
    assert "None of the keys" in elsewhere(*source, "--keys", tmp_path / "others", code=1).stderr
    elsewhere(*source, "--keys", kept, "--verify")


def test_the_loud_line_is_there_by_default(server, tmp_path):
    made = server.cli("backup", "--home", server.home, "--to", tmp_path / "place")

    assert "SECRET KEYS IN THE CLEAR" in made.stderr
    assert (newest(tmp_path / "place") / "keys.json").stat().st_mode & 0o077 == 0


def test_an_object_that_the_store_has_lost_is_named_and_the_backup_kept(server, elsewhere, tmp_path):
    project = next(path for path in (server.home / "blobs").iterdir() if path.name != "staging")
    lost = max(project.glob("*/*"), key=lambda path: path.stat().st_size)
    lost.rename(tmp_path / "away")
    try:
        made = server.cli("backup", "--home", server.home, "--to", tmp_path / "place", "--json", code=3)
    finally:
        (tmp_path / "away").rename(lost)

    (absent,) = json.loads(made.stdout)["absent"]
    assert absent["sha256"] == lost.name
    assert not absent["expected"]
    done = elsewhere("restore", "--from", tmp_path / "place", "--home", tmp_path / "home", "--verify", "--json")
    assert json.loads(done.stdout)["absent_objects"] == 1


def test_no_space_is_said_plainly(server, tmp_path):
    """A folder that cannot be written stands for a disk that is full: both are the system's word, and the file's name."""
    (tmp_path / "place").write_text("a file, not a folder")

    refused = server.cli("backup", "--home", server.home, "--to", tmp_path / "place", code=1)

    assert str(tmp_path / "place") in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bucket_does_as_well(server, tmp_path):
    """A backup, another that copies no object again, and a restore from the newest."""
    with s3.s3_server() as endpoint:
        env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}
        s3.make_bucket(endpoint, "backups", locked=False)
        to = ("backup", "--home", server.home, "--to", "s3://backups/prod", "--json")
        first, second = (json.loads(server.cli(*to, env=env).stdout) for _ in range(2))
        restored = drill.server_on(tmp_path, None)
        done = json.loads(
            restored.cli(
                "restore", "--from", "s3://backups/prod", "--home", restored.home, "--verify", "--json", env=env
            ).stdout
        )

    assert (first["copied_objects"], second["copied_objects"]) == (2, 0)
    assert (done["backup"], done["findings"]) == (second["backup"], [])


def test_old_backups_go_with_the_objects_that_only_they_had(server, place, elsewhere):
    server.cli("backup", "--home", server.home, "--to", place)
    orphan = place / "objects" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"of a backup that is gone")
    first, second = sorted(path.name for path in place.iterdir() if path.name != "objects")

    would = json.loads(elsewhere("backup", "prune", "--from", place, "--keep", "1", "--dry-run", "--json").stdout)
    assert orphan.exists()
    done = json.loads(elsewhere("backup", "prune", "--from", place, "--keep", "1", "--json").stdout)

    assert would == done == {"kept": [second], "removed": [first], "removed_objects": 1, "removed_drafts": 0}
    assert not (place / first).exists()
    listed = json.loads(elsewhere("backup", "list", "--from", place, "--json").stdout)
    assert [each["backup"] for each in listed] == [second]
    elsewhere("restore", "--from", place, "--dry-run")


def test_tokens_that_were_to_end_do_so_by_whoever_goes_on(place, elsewhere, tmp_path):
    home, spoilt = tmp_path / "home", an_object(place)
    content = spoilt.read_bytes()
    spoilt.rename(tmp_path / "away")
    elsewhere("restore", "--from", place, "--home", home, "--revoke-tokens", code=1)
    spoilt.write_bytes(content)

    done = json.loads(elsewhere("restore", "--from", place, "--home", home, "--json").stdout)

    assert done["revoked_tokens"] >= 1
    assert not (home / "owner.token").exists()


def test_tokens_end_when_asked_and_the_owner_gets_a_new_one(server, place, elsewhere, tmp_path):
    done = elsewhere("restore", "--from", place, "--home", tmp_path / "home", "--revoke-tokens", "--json")

    assert json.loads(done.stdout)["revoked_tokens"] >= 1
    assert not (tmp_path / "home" / "owner.token").exists()
    restored = drill.server_on(tmp_path, None)
    restored.start()
    try:
        assert restored.token != server.token
        assert json.loads(restored.cli("whoami", "--json", "--url", restored.url).stdout)["account"]["name"] == "owner"
    finally:
        restored.stop()


def test_usage_is_2(server, elsewhere, tmp_path):
    elsewhere("backup", code=2)
    elsewhere("restore", "--from", tmp_path, "--accept-loss", code=2)
    assert "is not the home" in elsewhere("backup", "--home", tmp_path / "none", "--to", tmp_path, code=1).stderr
    assert "no complete backup" in elsewhere("restore", "--from", tmp_path, "--dry-run", code=1).stderr


def test_a_killed_restore_leaves_nothing_that_looks_whole(place, elsewhere, tmp_path):
    """Killed as soon as it has begun to write, it goes on when it is asked again."""
    home = tmp_path / "home"
    command = [sys.executable, "-m", "lineal.cli", "restore", "--from", str(place), "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    drill.wait_until(lambda: (home / "restore.json").exists() or process.poll() is not None, "the restore to begin")
    process.kill()
    process.wait()

    if (home / "restore.json").exists():  # else it was done before we looked
        assert "has not ended" in elsewhere("up", "--home", home, "--no-browser", code=1).stderr
        elsewhere("restore", "--from", place, "--home", home, "--verify")
    assert not (home / "restore.json").exists()
    assert count_restores(home) == 1
