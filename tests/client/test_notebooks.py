"""Runs in notebooks and at prompts."""

import subprocess
import sys
import textwrap
import types

import lineal
import pytest
from lineal import _notebooks


class Kernel:
    """What the code asks of IPython: the number in the brackets beside a cell."""

    execution_count = 0


def cell(text, names, number="1234"):
    """Run a cell as a kernel does: in one name space, from a file that is named for what is in the cell."""
    names["kernel"].execution_count += 1
    exec(compile(textwrap.dedent(text), f"/tmp/ipykernel_77/{number}.py", "exec"), names)


@pytest.fixture
def notebook(monkeypatch):
    kernel, ipython = Kernel(), types.ModuleType("IPython")
    ipython.get_ipython = lambda: kernel
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(_notebooks, "_begun", {})
    return {"__name__": "__main__", "lineal": lineal, "kernel": kernel}


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


def test_runs_that_one_cell_begins_in_a_loop_go_on_side_by_side(fake, notebook):
    """An ensemble, or a sweep: the next turn of the cell ends all that are open, and none of its own."""
    text = "runs = [lineal.start_run('churn') for _ in range(3)]\n"
    cell(text, notebook)
    first = notebook["runs"]
    assert all(run.is_open for run in first)

    cell(text, notebook)
    assert not any(run.is_open for run in first)
    assert all(run.is_open for run in notebook["runs"])
    cell("for run in runs:\n    run.finish()\n", notebook, "2")

    assert [fake.runs[run.id].status for run in first] == ["killed"] * 3
    assert [fake.runs[run.id].status for run in notebook["runs"]] == ["finished"] * 3


def test_a_function_of_one_cell_begins_runs_for_others(fake, notebook):
    cell("def begin():\n    return lineal.start_run('churn')\n", notebook, "1")
    cell("left = begin()\n", notebook, "2")
    cell("right = begin()\n", notebook, "3")
    left, right = notebook["left"], notebook["right"]
    assert left.is_open
    cell("left = begin()\n", notebook, "2")

    assert (left.is_open, right.is_open, notebook["left"].is_open) == (False, True, True)
    cell("left.finish()\nright.finish()\n", notebook, "4")


def test_a_module_that_begins_runs_outside_of_any_cell_ends_none(fake, notebook):
    """A server or a thread in the kernel: the same line again is no sign of anything."""
    begin = "lineal.start_run('churn')"
    runs = [eval(compile(begin, "/home/alice/train.py", "eval"), notebook) for _ in range(2)]

    assert all(run.is_open for run in runs)
    for run in runs:
        run.finish()


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
