"""Runs in notebooks and at prompts."""

import subprocess
import sys
import textwrap
import types

import lineal
import pytest
from lineal import _notebooks


def cell(text, names, number="1234"):
    """Run a cell as a kernel does: in one name space, from a file that is named for what is in the cell."""
    exec(compile(textwrap.dedent(text), f"/tmp/ipykernel_77/{number}.py", "exec"), names)


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setattr(_notebooks, "_begun", {})
    return {"__name__": "__main__", "lineal": lineal}


def test_a_cell_that_is_run_again_ends_the_run_that_it_had_begun(fake, notebook, warnings):
    text = "run = lineal.start_run('churn')\nrun.log({'loss': 1.0})\n"
    cell(text, notebook)
    first = notebook["run"]
    cell(text, notebook)
    cell("other = lineal.start_run('churn')\nother.finish()\n", notebook, "5678")
    second = notebook["run"]
    second.finish()

    assert fake.runs[first.id].status == "killed"
    assert fake.runs[first.id].values("loss") == [1.0]
    assert fake.runs[second.id].status == "finished"
    assert sum("its cell began run" in sentence for sentence in warnings()) == 1


def test_a_cell_that_is_interrupted_leaves_its_run_to_go_on(fake, notebook):
    cell("run = lineal.start_run('churn')\n", notebook)
    with pytest.raises(KeyboardInterrupt):
        cell("run.log({'loss': 1.0})\nraise KeyboardInterrupt\n", notebook, "2")
    cell("run.log({'loss': 2.0})\nrun.finish()\n", notebook, "3")

    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0, 2.0]
    assert stored.status == "finished"


def test_an_error_at_a_prompt_does_not_make_the_session_a_failed_run(fake, tmp_path):
    text = "import lineal\nrun = lineal.start_run('churn')\n1 / 0\nrun.log({'loss': 1.0})\n"
    done = subprocess.run(
        [sys.executable, "-i", "-c", "import sys; sys.ps1 = ''"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )

    (stored,) = fake.runs.values()
    assert "ZeroDivisionError" in done.stderr
    assert stored.values("loss") == [1.0]
    assert stored.status == "finished"
