import random
import subprocess
import sys
from hashlib import sha256

import pytest
from lineal import _entrypoint, _environment, _git, _settings, _starting


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
        "folder": None,
        "untracked": 0,
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

    code = _git.capture(folder)

    assert code["dirty"]
    assert (code["diff"], code["untracked"]) == (None, 1)


def test_the_recorded_diff_brings_the_changes_back(repository):
    """To the byte: blank lines at its end, a file that is no text, and a last line without an end."""
    folder, git = repository
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    git("add", "weights.bin")
    git("commit", "--quiet", "--message", "Weights.")
    changed = {
        "train.py": b"print('hello')\nprint('again')\n\n\n",
        "weights.bin": bytes(reversed(range(256))),
        "end.txt": b"no end",
    }
    for name, content in changed.items():
        (folder / name).write_bytes(content)
    git("add", "--intent-to-add", "end.txt")
    diff = _git.capture(folder)["diff"]
    git("reset", "--quiet", "--hard")
    (folder / "end.txt").unlink(missing_ok=True)

    subprocess.run(["git", "-C", folder, "apply"], input=diff.encode(), check=True)

    assert {name: (folder / name).read_bytes() for name in changed} == changed


def test_the_recorded_diff_applies_whatever_git_is_configured_to_show(repository, monkeypatch):
    """The script lies in a folder of its own, and a change beside it; only the context tells which of the equal lines has changed."""
    folder, git = repository
    (folder / "jobs").mkdir()
    lines = [f"{place}\nsame\n" for place in range(20)]
    for name in ("jobs/fit.py", "train.py"):
        (folder / name).write_text("".join(lines))
    git("add", ".")
    git("commit", "--quiet", "--message", "Jobs.")
    wanted = "".join([*lines[:9], "new\nsame\n", *lines[9:]])
    for name in ("jobs/fit.py", "train.py"):
        (folder / name).write_text(wanted)
    for option in ("noprefix=true", "mnemonicPrefix=true", "relative=true", "context=0", "submodule=log"):
        git("config", *f"diff.{option}".split("="))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=0")

    diff = _git.capture(folder / "jobs")["diff"]
    git("reset", "--quiet", "--hard")
    subprocess.run(["git", "-C", folder, "apply"], input=diff.encode(), check=True)

    assert [(folder / name).read_text() for name in ("jobs/fit.py", "train.py")] == [wanted, wanted]


@pytest.fixture
def with_weights(repository):
    """A large binary file that has changed, beside a changed script."""
    folder, git = repository
    for seed in (1, 2):
        (folder / "weights.bin").write_bytes(random.Random(seed).randbytes(_git.DIFF_LIMIT_BYTES + 1))
        if seed == 1:
            git("add", "weights.bin")
            git("commit", "--quiet", "--message", "Weights.")
    (folder / "train.py").write_text("print('goodbye')\n")
    return folder


def test_a_large_binary_change_leaves_the_text_of_the_others(with_weights):
    code = _git.capture(with_weights)

    assert code["dirty"]
    assert "+print('goodbye')" in code["diff"]
    assert code["diff"].endswith("\n# cut here: what changed in binary files is left out\n")


@pytest.mark.parametrize(("unanswered", "has_diff"), [("--binary", True), ("diff", False)])
def test_a_tree_whose_diff_takes_too_long_is_not_called_clean(with_weights, monkeypatch, unanswered, has_diff):
    run = subprocess.run

    def slow(command, **options):
        if unanswered in command:
            raise subprocess.TimeoutExpired(command, options["timeout"])
        return run(command, **options)

    monkeypatch.setattr(_git.subprocess, "run", slow)

    code = _git.capture(with_weights)

    assert code["dirty"]
    assert ("+print('goodbye')" in (code["diff"] or "")) == has_diff


def test_half_a_secret_is_not_left_where_a_diff_is_cut(repository):
    folder, _ = repository
    address = "https://alice:hunter2@example.org/\n"
    (folder / "train.py").write_text(address * (_git.DIFF_LIMIT_BYTES // len(address) + 1))

    assert "hunter" not in _git.capture(folder)["diff"]


def test_files_that_git_was_never_told_of_count_wherever_they_lie(repository):
    folder, git = repository
    (folder / "jobs").mkdir()
    (folder / "jobs" / "fit.py").touch()
    git("add", "jobs")
    git("commit", "--quiet", "--message", "Jobs.")
    (folder / "beside.py").touch()

    code = _git.capture(folder / "jobs")

    assert (code["dirty"], code["untracked"]) == (True, 1)


def test_tokens_in_the_diff_are_masked(repository):
    folder, _ = repository
    (folder / "train.py").write_text("TOKEN = 'ghp_0123456789abcdef0123456789abcdef0123'\n")

    diff = _git.capture(folder)["diff"]

    assert "+TOKEN = '***'" in diff
    assert "0123456789" not in diff


@pytest.mark.parametrize(("below", "told"), [("", ""), ("src/deep", "src/deep")])
def test_where_in_the_repository_the_job_was_started(repository, monkeypatch, below, told):
    folder, _ = repository
    (folder / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder / below)

    assert _git.capture(folder)["folder"] == told


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


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["train.py", "--name", "a b"], "train.py --name 'a b'"),
        (["train.py", "--api-key", "x", "it's"], """train.py --api-key *** 'it'"'"'s'"""),
        (["train.py", "x" * 2_000], "train.py " + "x" * 990 + "…"),
    ],
    ids=["quoted", "masked", "cut"],
)
def test_a_command_is_one_that_a_shell_reads_back(words, command):
    assert _entrypoint.capture(words) == command


def test_a_module_is_started_by_its_name_again(tmp_path):
    (tmp_path / "train.py").write_text("from lineal import _entrypoint\nprint(_entrypoint.capture())\n")

    done = subprocess.run(
        [sys.executable, "-m", "train", "--lr", "1"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "-m train --lr 1\n"


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("", set()),
        ("command, host", {"entry_point", "host", "user"}),
        ("environment", {"environment"}),
        ("code", {"code"}),
    ],
    ids=["nothing", "command and host", "environment", "code"],
)
def test_what_is_not_to_be_recorded_is_not(repository, monkeypatch, left_out, missing):
    folder, _ = repository
    monkeypatch.setenv("LINEAL_DO_NOT_RECORD", left_out)
    monkeypatch.setattr(_entrypoint, "code_folder", lambda: folder)

    assert {"entry_point", "host", "user", "environment", "code"} - set(_starting._origin()) == missing


def test_the_diff_alone_can_be_left_out(repository, monkeypatch):
    folder, git = repository
    (folder / "train.py").write_text("print('secret plan')\n")
    monkeypatch.setenv("LINEAL_DO_NOT_RECORD", "diff")
    monkeypatch.setattr(_entrypoint, "code_folder", lambda: folder)

    code = _starting._origin()["code"]

    assert (code["commit"], code["dirty"], code["diff"]) == (git("rev-parse", "HEAD"), True, None)


def test_an_opt_out_that_is_misspelled_is_told(monkeypatch, caplog):
    monkeypatch.setenv("LINEAL_DO_NOT_RECORD", "dif")

    assert "diff" in _settings.recorded()
    assert "not dif" in caplog.text
