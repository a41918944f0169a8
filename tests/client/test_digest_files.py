"""`lineal.digest.file`, `directory` and the manifest: what coreutils says, we say, and what it cannot check is refused."""

import hashlib
import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineal import digest


def make_tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


FILES = {"b.txt": b"b", "a/z": b"", "a b/ö.bin": b"\x00\xff", "a.txt": b"a" * 100_000, "*star": b"s", " space": b"p"}


def coreutils_accepts(manifest: str, folder: Path) -> bool:
    return (
        subprocess.run(
            ["sha256sum", "--strict", "-c", "-"], input=manifest.encode(), cwd=folder, capture_output=True, check=False
        ).returncode
        == 0
    )


def test_file_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    path = make_tree(tmp_path, FILES) / "a.txt"
    printed = subprocess.run(["sha256sum", str(path)], capture_output=True, check=True, text=True).stdout

    assert digest.file(path) == f"sha256:{printed.split()[0]}"


def test_sha256sum_accepts_the_manifest_and_sees_a_changed_byte(tmp_path: Path) -> None:
    manifest = digest.directory_manifest(make_tree(tmp_path, FILES))

    assert coreutils_accepts(manifest, tmp_path)
    (tmp_path / "a b/ö.bin").write_bytes(b"\x00\xfe")
    assert not coreutils_accepts(manifest, tmp_path)


def test_directory_digest_is_that_of_its_manifest(tmp_path: Path) -> None:
    manifest = digest.directory_manifest(make_tree(tmp_path, FILES))

    assert digest.directory(tmp_path) == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    assert [line[66:] for line in manifest.splitlines()] == sorted(FILES, key=str.encode)


@given(st.permutations(sorted(FILES)), st.sampled_from([0o022, 0o077, 0o002]), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_manifest_ignores_creation_order_umask_and_times(order: list[str], umask: int, mtime: int) -> None:
    import tempfile

    expected = (
        "sha256:"
        + hashlib.sha256(
            "".join(
                f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES, key=str.encode)
            ).encode()
        ).hexdigest()
    )
    before = os.umask(umask)
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = make_tree(Path(folder), {name: FILES[name] for name in order})
            (root / "empty").mkdir()
            for name in order:
                os.utime(root / name, (mtime, mtime))
            assert digest.directory(root) == expected
    finally:
        os.umask(before)


def test_symbolic_links_are_refused_unless_followed(tmp_path: Path) -> None:
    inside = make_tree(tmp_path / "inside", {"a": b"a"})
    (tmp_path / "target").write_bytes(b"t")
    (inside / "link").symlink_to(tmp_path / "target")

    with pytest.raises(ValueError, match=r"'link' is a symbolic link"):
        digest.directory(inside)
    followed = digest.directory_manifest(inside, follow=True)
    assert followed.splitlines()[1] == f"{hashlib.sha256(b't').hexdigest()}  link"


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a/b": b""})
    (tmp_path / "a" / "up").symlink_to(tmp_path)

    with pytest.raises(ValueError, match="links back"):
        digest.directory(tmp_path, follow=True)


@pytest.mark.parametrize("name", ["line\nbreak", "back\\slash", "carriage\r"])
def test_names_that_sha256sum_cannot_check_are_refused(tmp_path: Path, name: str) -> None:
    make_tree(tmp_path, {name: b""})

    with pytest.raises(ValueError, match="cannot check"):
        digest.directory(tmp_path)


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")

    with pytest.raises(ValueError, match="not valid UTF-8"):
        digest.directory(tmp_path)


def test_names_equal_after_normalisation_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"\u00e9": b"", "e\u0301": b""})

    with pytest.raises(ValueError, match="NFC"):
        digest.directory(tmp_path)


def test_pipes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="'pipe'"):
        digest.directory(tmp_path)


def age(path: Path, seconds: int = 10) -> None:
    """Let a file look settled. Its ctime is now whatever we do, so the test moves the clock's edge instead."""
    past = time.time() - seconds
    os.utime(path, (past, past))


def test_cached_digest_saves_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tree(tmp_path, {"a": b"one"}) / "a"
    monkeypatch.setattr(digest._cache, "RACY_NS", -1)
    first = digest.cached_file(path)
    monkeypatch.setattr(digest._cache, "file", lambda _: pytest.fail("read again"))

    assert digest.cached_file(path) == first == digest.file(path)


def test_rehash_reads_the_bytes_whatever_the_cache_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tree(tmp_path, {"a": b"one"}) / "a"
    monkeypatch.setattr(digest._cache, "RACY_NS", -1)
    digest.cached_file(path)
    digest._cache._keep(digest._cache._stamp(path.stat()), "sha256:wrong")

    assert digest.cached_file(path) == "sha256:wrong"
    assert digest.cached_file(path, rehash=True) == digest.file(path)


def test_a_file_just_written_is_not_cached(tmp_path: Path) -> None:
    """Two writes within one tick of the clock leave the same mtime; git calls such an entry racy."""
    path = make_tree(tmp_path, {"a": b"one"}) / "a"

    digest.cached_file(path)

    assert digest._cache._find(digest._cache._stamp(path.stat())) is None


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tree(tmp_path, {"a": b"one"}) / "a"
    monkeypatch.setattr(digest._cache, "RACY_NS", -1)
    digest.cached_file(path)
    path.write_bytes(b"two")

    assert digest.cached_file(path) == digest.file(path)


def test_cache_is_for_its_owner_alone_and_never_in_the_way(tmp_path: Path, client_home: Path) -> None:
    path = make_tree(tmp_path, {"a": b"one"}) / "a"
    digest._cache._keep(digest._cache._stamp(path.stat()), "sha256:x")
    database = client_home / "cache" / "digests.sqlite3"
    assert database.stat().st_mode & 0o077 == 0

    database.write_bytes(b"this is no database at all, " * 40)

    assert digest.cached_file(path) == digest.file(path)
