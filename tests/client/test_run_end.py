"""How a run ends: with its block, with its script, without a server, and once more. Nothing is raised, nothing said twice."""

import threading
import time

import lineal
import pytest

from tests.client.training import script


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("boom"), "failed"),
        (KeyboardInterrupt(), "killed"),
        (SystemExit(1), "failed"),
        (SystemExit(0), "finished"),
    ],
)
def test_what_leaves_the_block_decides_how_the_run_ended(fake, error, status):
    with pytest.raises(type(error)), lineal.start_run("churn") as run:
        raise error

    assert fake.runs[run.id].status == status


def test_logging_after_the_end_is_told_and_harmless(fake, warnings):
    with lineal.start_run("churn") as run:
        pass
    for _ in range(3):
        run.log({"loss": 1.0})
    run.log_params({"lr": 1})
    run.finish()

    assert fake.runs[run.id].points == {}
    assert len(fake.runs[run.id].finishes) == 1
    assert len(warnings()) == 1


@pytest.mark.parametrize(("ending", "status"), [("", "finished"), ("raise ValueError('x')", "failed")])
def test_a_script_that_forgets_to_finish_is_finished_as_it_ends(fake, tmp_path, ending, status):
    done = script(tmp_path, f"import lineal\nrun = lineal.start_run('churn')\nrun.log({{'loss': 1.0}})\n{ending}\n")

    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0]
    assert stored.status == status, done.stderr


def test_files_are_sent_at_the_interpreters_exit_too(fake, tmp_path):
    done = script(
        tmp_path,
        "import lineal, pathlib, sys\nrun = lineal.start_run('churn')\nfolder = pathlib.Path(sys.argv[0]).parent / 'out'\n"
        "folder.mkdir()\n[(folder / f'{n}.txt').write_text(str(n)) for n in range(20)]\nrun.log_artifact(folder)\n",
    )

    (stored,) = fake.runs.values()
    assert stored.artifacts["out/7.txt"] == b"7", done.stderr
    assert len(stored.artifacts) == 20


def test_an_end_without_a_server_says_what_stays_where(fake, monkeypatch, warnings, spool_dir):
    monkeypatch.setenv("LINEAL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "0.1")
    begun = time.monotonic()

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})

    assert time.monotonic() - begun < 5
    last = warnings()[-1]
    assert "`lineal sync`" in last
    assert str(spool_dir) in last
    assert run.flush(0.05) is False


def test_no_server_at_all_is_no_reason_not_to_train(client_home, warnings, spool_dir):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})

    assert run.url is None
    assert any("no server is configured" in sentence for sentence in warnings())
    assert list(spool_dir.glob("unassigned/default/*/*/*.seg"))


def test_a_run_can_be_continued_by_its_id(fake):
    with lineal.start_run("churn") as first:
        first.log({"loss": 1.0}, step=0)

    with lineal.start_run("churn", run_id=first.id) as second:
        second.log({"loss": 0.5}, step=1)
        assert second.flush()
        assert fake.runs[first.id].status == "running"

    assert second.id == first.id
    assert fake.runs[first.id].values("loss") == [1.0, 0.5]
    assert fake.runs[first.id].status == "finished"


def test_no_thread_is_left_when_runs_are_finished(fake):
    """Runs of other tests in this process may have left theirs; these three leave none."""
    before = set(threading.enumerate())
    for _ in range(3):
        with lineal.start_run("churn") as run:
            run.log({"loss": 1.0})

    ours = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("lineal")]
    for thread in ours:
        thread.join(5)
    assert [thread.name for thread in ours if thread.is_alive()] == []
