import subprocess
from hashlib import sha256

import pytest
from lineal import _entrypoint, _environment, _git


@pytest.fixture
def repository(tmp_path):
    """A work tree with one commit."""
    folder = tmp_path / "code"
    folder.mkdir()

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Alice", "-c", "user.email=alice@example.org")
        return subprocess.run(
            ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("remote", "add", "origin", "https://alice:hunter2@git.example.org/team/fraud.git")
    (folder / "train.py").write_text("print('hello')\n")
    git("add", "train.py")
    git("commit", "--quiet", "--message", "Begin.")
    return folder, git


def test_a_clean_tree_is_named_by_its_commit(repository):
    folder, git = repository

    assert _git.capture(folder) == {
        "repository": "https://git.example.org/team/fraud.git",
        "commit": git("rev-parse", "HEAD"),
        "branch": "main",
        "dirty": False,
        "diff": None,
    }


def test_uncommitted_changes_come_along(repository):
    folder, _ = repository
    (folder / "train.py").write_text("print('goodbye')\n")

    code = _git.capture(folder)

    assert code["dirty"]
    assert "+print('goodbye')" in code["diff"]


def test_an_untracked_file_makes_the_tree_dirty(repository):
    folder, _ = repository
    (folder / "new.py").touch()

    assert _git.capture(folder)["dirty"]


def test_a_huge_diff_is_cut_and_says_so(repository):
    folder, _ = repository
    (folder / "train.py").write_text("x\n" * _git.DIFF_LIMIT_BYTES)

    diff = _git.capture(folder)["diff"]

    assert len(diff) < _git.DIFF_LIMIT_BYTES + 100
    assert diff.endswith("bytes\n")


def test_a_detached_head_has_no_branch(repository):
    folder, git = repository
    git("checkout", "--quiet", "--detach")

    assert _git.capture(folder)["branch"] == ""


def test_outside_a_repository_there_is_nothing_to_say(tmp_path):
    assert _git.capture(tmp_path) is None


def test_without_git_there_is_nothing_to_say(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert _git.capture(repository[0]) is None


def test_the_environment_is_a_lock_under_its_digest():
    environment = _environment.capture()

    described = environment["python"] + "\n" + environment["lock"]
    assert environment["digest"] == f"sha256:{sha256(described.encode()).hexdigest()}"
    assert "msgspec==" in environment["lock"]
    assert environment["lock"].splitlines() == sorted(environment["lock"].splitlines())
    assert environment == _environment.capture()


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["train.py", "--lr", "0.1"], "train.py --lr 0.1"),
        (["train.py", "--api-token", "abc", "--lr", "0.1"], "train.py --api-token *** --lr 0.1"),
        (["train.py", "--password=abc"], "train.py --password=***"),
        (["train.py", "--use-auth", "--lr=0.1"], "train.py --use-auth --lr=0.1"),
        (["train.py", "lnl_abcdef_ghijkl"], "train.py ***"),
        (["train.py", "s3://key:secret@host/x"], "train.py s3://***@host/x"),
    ],
)
def test_secrets_of_the_command_line_are_masked(argv, shown):
    assert _entrypoint.capture(argv) == shown


def test_a_command_line_is_bounded():
    assert len(_entrypoint.capture(["x" * 5_000])) == 1_000
