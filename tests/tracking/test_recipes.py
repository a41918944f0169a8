"""How a run could be made again: the steps, what each lacks, and that nothing recorded becomes a command of its own."""

import os
import re
import shlex
import subprocess
from uuid import uuid4

import pytest

from core.ids import uuid7
from tests.web.run_story import put_file
from tracking.models import EnvironmentLock, Run
from tracking.recipes import Ingredients, Kept, recipe_of
from tracking.selectors.datasets import UsedVersion
from tracking.services import create_run, delete_run, record_datasets
from tracking.services.datasets import Direction
from tracking.services.runs import Origin
from tracking.uses import DatasetUse

HEX = "ab" * 32
COMMIT = "1a2b3c4d" * 5


def a_run(**fields):
    lock = EnvironmentLock(digest="sha256:" + HEX, lock="numpy==2.0\n", python="CPython 3.12.3", platform="Linux")
    usual = {
        "uuid": uuid7(), "code_commit": COMMIT, "code_repository": "https://git.example.org/a/b.git", "code_dirty": False,
        "code_folder": "", "code_untracked": 0, "entry_point": "train.py --lr 0.1", "environment": lock,
    }  # fmt: skip
    return Run(**usual | fields)


def an_input(**fields):
    usual = {
        "run_id": 1, "context": "train", "version": uuid4(), "name": "train", "digest": f"sha256:{HEX}", "kind": "file",
        "strength": "content", "rows": 3, "bytes": 9, "uri": "s3://bucket/train.csv",
    }  # fmt: skip
    return UsedVersion(**usual | fields)


def made(run=None, **more):
    usual = {"inputs": [an_input()], "has_lock": True, "kept": {HEX: Kept("f" * 32, "data/train.csv")}}
    return recipe_of(Ingredients(run=run or a_run(), project="default", **usual | more))


def test_a_run_of_which_all_is_recorded_has_a_complete_recipe():
    run = a_run()
    recipe = made(run)

    assert recipe.is_complete
    assert f"git clone -- https://git.example.org/a/b.git run-{run.uuid.hex[:12]}" in recipe.script
    assert f"git checkout --detach {COMMIT}" in recipe.script
    assert "python3.12 -m venv .venv" in recipe.script
    assert f"lineal runs lock {run.uuid.hex} > .venv/lock.txt" in recipe.script
    assert f"lineal artifacts download {'f' * 32} data/train.csv --to data" in recipe.script
    assert recipe.script.rstrip().endswith("\n.venv/bin/python train.py --lr 0.1")


@pytest.mark.parametrize(
    ("fields", "more", "missing"),
    [
        ({"code_commit": ""}, {}, "The commit is not recorded"),
        ({"code_repository": ""}, {}, "The repository has no recorded address"),
        ({"code_dirty": True}, {}, "There were changes, and they are not recorded."),
        ({"code_dirty": True, "code_untracked": 3}, {}, "3 files or folders that git was never told of"),
        ({"code_dirty": True}, {"diff_size": 9, "diff_is_cut": True}, "too large and is cut"),
        ({"code_dirty": True}, {"diff_size": 9, "diff_is_masked": True}, "secrets that were masked"),
        ({"environment": None}, {}, "The environment is not recorded."),
        ({}, {"has_lock": False}, "Of the environment only the digest is recorded"),
        ({}, {"inputs": []}, "The run declared no dataset that it read."),
        ({}, {"kept": {}}, "Lineal keeps its digest and not its bytes"),
        ({}, {"kept": {}, "inputs": [an_input(strength="path", digest=None, uri="")]}, "known by no content digest (path)"),
        ({"entry_point": ""}, {}, "The command is not recorded."),
        ({"entry_point": "train.py --key ***"}, {}, "secrets that were masked"),
        ({"entry_point": "train.py it's"}, {}, "without its quotes"),
        ({"entry_point": "train.py " + "x" * 990 + "…"}, {}, "too long and is cut"),
        ({"code_folder": None}, {}, "The folder it was started in is not recorded."),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(fields, more, missing):
    recipe = made(a_run(**fields), **more)

    assert not recipe.is_complete
    assert any(missing in reason for reason in recipe.missing)
    assert "# missing: " in recipe.script


def test_the_command_runs_in_the_folder_it_was_started_in():
    recipe = made(a_run(code_folder="src/deep", entry_point="-m churn.train 'a b'"))

    assert recipe.script.endswith("cd src/deep\n../../.venv/bin/python -m churn.train 'a b'\n")


HOSTILE = "x'; touch owned; echo $(touch owned) `touch owned`\ntouch owned\r\u2028touch owned # \u202e"


def test_nothing_that_was_recorded_becomes_a_command(tmp_path):
    """A real shell runs the script, with every tool of it replaced by one that does nothing: no word of an attacker is obeyed."""
    run = a_run(
        code_repository=HOSTILE, code_commit=HOSTILE, entry_point=f"train.py {HOSTILE}", code_folder=HOSTILE.replace("/", ""),
        code_dirty=True, code_untracked=1,
        environment=EnvironmentLock(digest=HOSTILE, lock="x", python=f"CPython 3.12 {HOSTILE}", platform=HOSTILE),
    )  # fmt: skip
    use = an_input(name=HOSTILE, uri=HOSTILE, digest=HOSTILE, kind=HOSTILE, strength="content")
    kept = {HOSTILE: Kept("f" * 32, f"{HOSTILE}.csv")}
    script = recipe_of(
        Ingredients(
            run=run, project=HOSTILE, inputs=[use, use._replace(digest="other")], kept=kept, diff_size=3, has_lock=True
        )
    ).script
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "lineal", "python3.12"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    (tmp_path / ".venv").mkdir()
    body = "cd() { :; }\n" + re.sub(r"^(\S*\.venv/\S+)", "true", script, flags=re.MULTILINE)
    path = f"{tools}:{os.environ['PATH']}"

    done = subprocess.run(["sh", "-c", body], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "owned").exists()
    for line in script.splitlines():
        shlex.split(line, comments=True)


# ---- gathered from the store, and over the wire


@pytest.fixture
def run(home, project, bob):
    origin = Origin(
        entry_point="train.py",
        code={
            "commit": COMMIT,
            "repository": "r",
            "dirty": True,
            "diff": "--- a\n+++ b\n",
            "folder": "src",
            "untracked": 0,
        },
        environment={"digest": f"sha256:{HEX}", "lock": "numpy==2.0\n", "python": "CPython 3.12.3"},
    )
    return create_run(project=project, experiment="e", actor=bob, origin=origin)[0]


@pytest.mark.django_db
def test_a_dataset_whose_bytes_are_a_file_of_the_project_is_fetched_by_its_digest(api, alice, bob, run, project):
    from hashlib import sha256

    other, _ = create_run(project=project, experiment="prepare", actor=bob)
    put_file(other, "out/train.csv", b"a,b\n")
    digest = f"sha256:{sha256(b'a,b' + bytes([10])).hexdigest()}"
    use = DatasetUse(name="train", digest=digest, kind="file", strength="content")
    record_datasets(run=run, uses=[use], direction=Direction.INPUT)
    recipe = api(alice).get(f"runs/{run.uuid.hex}/recipe").json()

    assert recipe["complete"], recipe["missing"]
    assert f"lineal artifacts download {other.uuid.hex} out/train.csv --to data" in recipe["script"]

    delete_run(run=other, actor=bob)

    assert not api(alice).get(f"runs/{run.uuid.hex}/recipe").json()["complete"]


@pytest.mark.django_db
def test_diff_and_lock_come_as_they_were_recorded(api, alice, run):
    diff, lock = (api(alice).get(f"runs/{run.uuid.hex}/{name}") for name in ("diff", "lock"))

    assert diff.content == b"--- a\n+++ b\n"
    assert lock.content == b"numpy==2.0\n"
    assert diff.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert diff.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.django_db
def test_what_was_not_recorded_is_not_found(api, alice, bob, home, project):
    bare, _ = create_run(project=project, experiment="e", actor=bob)

    for name in ("diff", "lock"):
        answer = api(alice).get(f"runs/{bare.uuid.hex}/{name}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-recorded")
    assert api(alice).get(f"runs/{bare.uuid.hex}/recipe").json()["complete"] is False


@pytest.mark.django_db
def test_a_run_tells_where_in_the_repository_it_was_started(api, alice, run):
    code = api(alice).get(f"runs/{run.uuid.hex}").json()["code"]

    assert (code["folder"], code["untracked"]) == ("src", 0)


@pytest.mark.django_db
@pytest.mark.parametrize("folder", ["../up", "/etc", "a\\b"])
def test_a_folder_that_lies_elsewhere_is_not_kept(api, bob, home, project, folder):
    body = {"experiment": "e", "code": {"commit": COMMIT, "folder": folder}}

    assert api(bob).post("runs", json=body).json()["code"]["folder"] is None
