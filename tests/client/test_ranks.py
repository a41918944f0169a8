"""Several processes that write one run: ranks of a training job, workers that were handed the run, and a job that is started again."""

import json
import os
import subprocess
import sys
import textwrap

import lineal
import pytest
from lineal import _ids, _processes, _ranks

from tests.client.training import script

LAUNCHED = ("RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE")
SLURM = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "LINEAL_RUN_ID")
RANK = """
import lineal, os, sys, time
rank = int(os.environ["RANK"])
with lineal.start_run("ddp", params={"world": os.environ["WORLD_SIZE"]}) as run:
    for step in range(500):
        run.log({f"rank{rank}/loss": step, "loss": 1000 * rank + step}, step=step)
    if rank == 0:
        time.sleep(1)  # as after a barrier: the first rank leaves last, or first, as it happens
"""


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in (*LAUNCHED, *SLURM):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_ranks, "_started", iter(range(1, 100)))


def launch(tmp_path, text, size, **env):
    """As a launcher does it: the same program, so many times at once."""
    (tmp_path / "train.py").write_text(text)
    ranks = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "train.py")],
            env={**os.environ, "RANK": str(number), "WORLD_SIZE": str(size), "LINEAL_FINISH_TIMEOUT": "20", **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(size)
    ]
    return [rank.communicate(timeout=60)[1] for rank in ranks]


@pytest.mark.parametrize("name", ["job 4711", "0193" + "a1" * 14], ids=["text", "id"])
def test_ranks_of_one_job_write_one_run_which_the_first_of_them_ends(fake, tmp_path, name, spool_dir):
    words = launch(tmp_path, RANK, 4, LINEAL_RUN_ID=name)

    ((run_id, stored),) = fake.runs.items()
    assert run_id == _ids.named_run_id(name, "default", turn=1), words
    for rank in range(4):
        assert stored.values(f"rank{rank}/loss") == list(map(float, range(500))), words
    assert sorted(stored.values("loss")) == sorted(1000.0 * rank + step for rank in range(4) for step in range(500))
    assert len(stored.writers) == 4
    assert [finish["status"] for finish in stored.finishes] == ["finished"]
    assert not list(spool_dir.rglob("*.seg"))


def test_ranks_without_a_common_name_write_runs_of_their_own_and_say_so(fake, tmp_path):
    words = launch(tmp_path, RANK, 2)

    assert len(fake.runs) == 2
    assert all("set LINEAL_RUN_ID" in each for each in words)


def test_a_rank_that_comes_after_the_end_does_not_open_the_run_again(fake, monkeypatch):
    monkeypatch.setenv("LINEAL_RUN_ID", "job")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    with lineal.start_run("ddp") as first:
        first.log({"loss": 1.0})
    monkeypatch.setattr(_ranks, "_started", iter([1]))
    monkeypatch.setenv("RANK", "1")
    with lineal.start_run("ddp") as late:
        late.log({"loss": 2.0})

    assert late.id == first.id
    assert fake.runs[first.id].values("loss") == [1.0, 2.0]
    assert fake.runs[first.id].status == "finished"
    assert not any(request.endswith("/resume") for request in fake.requests)


def test_joining_by_hand_ends_nothing(fake):
    with lineal.start_run("churn") as run:
        with lineal.start_run("churn", run_id=run.id, join=True) as joined:
            joined.log({"worker": 1.0})
        assert fake.runs[run.id].status == "running"

    assert len(fake.runs[run.id].finishes) == 1
    with pytest.raises(ValueError, match="joined by its id"):
        lineal.start_run("churn", join=True)


@pytest.mark.parametrize(
    ("env", "rank"),
    [
        ({"RANK": "3", "WORLD_SIZE": "8"}, (3, 8)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, (1, 2)),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, (0, 2)),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4"}, (2, 4)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "x", "WORLD_SIZE": "2"}, None),
        ({"RANK": "5", "WORLD_SIZE": "2"}, None),
        ({"RANK": "1"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_launchers_tell_the_rank(monkeypatch, env, rank):
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    assert _ranks.rank() == rank


# -- workers ----------------------------------------------------------------------------------------------------------

WORKERS = """
import lineal, multiprocessing, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)

def work(run, number):
    for step in range(200):
        run.log({f"worker{number}": step}, step=step)
    assert multiprocessing.parent_process() is not None

if __name__ == "__main__":
    run = lineal.start_run("workers")
    context = multiprocessing.get_context(sys.argv[1] if len(sys.argv) > 1 else os.environ["METHOD"])
    workers = [context.Process(target=work, args=(run, number)) for number in range(3)]
    [worker.start() for worker in workers]
    run.log({"parent": 1.0})
    [worker.join() for worker in workers]
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    run.finish()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_that_were_handed_the_run_write_to_it(fake, tmp_path, method, spool_dir):
    done = script(tmp_path, WORKERS, METHOD=method)

    assert done.returncode == 0, done.stderr
    (stored,) = fake.runs.values()
    for number in range(3):
        assert stored.values(f"worker{number}") == list(map(float, range(200))), done.stderr
    assert len(stored.finishes) == 1
    assert len(stored.writers) == 4
    assert not list(spool_dir.rglob("*.seg"))


def test_a_run_that_is_pickled_holds_no_token(fake):
    import copy
    import pickle

    with lineal.start_run("churn") as run:
        data = pickle.dumps(run)
        other = pickle.loads(data)
        assert copy.deepcopy({"run": run})["run"] is copy.copy(run) is run
        assert other.id == run.id
        other.log({"loss": 1.0})
        other.finish()
        assert fake.runs[run.id].status == "running"

    assert b"lnl_" not in data
    assert fake.runs[run.id].values("loss") == [1.0]


def test_workers_that_start_runs_of_their_own_get_them(fake, tmp_path):
    """A sweep over processes: the job's name is for the job's own process."""
    text = """
        import lineal, multiprocessing, os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        def work(number):
            with lineal.start_run("sweep") as run:
                run.log({"loss": number})
        if __name__ == "__main__":
            with lineal.start_run("sweep") as run:
                for method in ("fork", "spawn"):
                    worker = multiprocessing.get_context(method).Process(target=work, args=(1.0,))
                    worker.start()
                    worker.join()
    """
    done = script(tmp_path, textwrap.dedent(text), LINEAL_RUN_ID="sweep-1")

    assert len(fake.runs) == 3, done.stderr
    assert _ids.named_run_id("sweep-1", "default", turn=1) in fake.runs
    assert {stored.status for stored in fake.runs.values()} == {"finished"}


def test_a_process_of_another_program_is_no_worker():
    assert not _processes.is_worker()


# -- jobs of a cluster ------------------------------------------------------------------------------------------------

ARRAY = {
    "SLURM_JOB_ID": "4712",
    "SLURM_ARRAY_JOB_ID": "4711",
    "SLURM_ARRAY_TASK_ID": "1",
    "SLURM_PROCID": "0",
    "SLURM_NTASKS": "1",
}


def test_a_task_of_a_slurm_array_is_found_by_its_tags(fake, tmp_path):
    done = script(
        tmp_path, "import lineal\nwith lineal.start_run('array', tags={'team': 'risk'}):\n    pass\n", **ARRAY
    )

    (stored,) = fake.runs.values()
    assert stored.tags == {
        "team": "risk",
        "slurm.job_id": "4712",
        "slurm.array_job_id": "4711",
        "slurm.array_task_id": "1",
    }, done.stderr


def test_a_requeued_job_goes_on_with_its_run(fake, tmp_path):
    """Killed by the scheduler in the middle, begun again from its checkpoint."""
    text = """
import lineal, os, signal
first = os.environ.get("SLURM_RESTART_COUNT", "0") == "0"
run = lineal.start_run("array")
for step in range(0 if first else 60, 100):
    run.log({"loss": step}, step=step)
    if first and step == 59:
        run.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal did not end it")
run.finish()
with lineal.start_run("array", name="test") as test:
    test.log({"accuracy": 0.9})
"""
    name = {"LINEAL_RUN_ID": "slurm-4711-1", **ARRAY}
    killed = script(tmp_path, text, **name)
    statuses = [stored.status for stored in fake.runs.values()]
    again = script(tmp_path, text, **name, SLURM_RESTART_COUNT="1")

    assert (killed.returncode, again.returncode) == (143, 0), (killed.stderr, again.stderr)
    assert statuses == ["killed"]
    run, test = fake.runs.values()
    assert run.values("loss") == list(map(float, range(100)))
    assert run.status == "finished"
    assert run.tags["slurm.restart_count"] == "1"
    assert test.values("accuracy") == [0.9]


def test_names_of_runs_are_ids_that_sort_nowhere_and_clash_nowhere():
    names = [_ids.named_run_id(name, project, turn=turn) for name in "ab" for project in "pq" for turn in (1, 2)]

    assert len(set(names)) == 8
    assert all(_ids.parse_run_id(name) == name and name[12] == "8" and name[16] in "89ab" for name in names)
    assert json.dumps(names) == json.dumps(
        [_ids.named_run_id(name, project, turn=turn) for name in "ab" for project in "pq" for turn in (1, 2)]
    )
