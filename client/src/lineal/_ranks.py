"""Where a process stands among those that train together, and the run that they share.

The first of them starts and ends the run; the others are further writers of it, whose own ends do not end it.
"""

import itertools
import os
from typing import NamedTuple

from lineal import _ids, _processes, _settings

# Launchers tell each process its rank and how many there are: torchrun and its like, Open MPI, other MPIs, and srun.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)
_JOB = {
    "slurm.cluster": "SLURM_CLUSTER_NAME",
    "slurm.job_id": "SLURM_JOB_ID",
    "slurm.array_job_id": "SLURM_ARRAY_JOB_ID",
    "slurm.array_task_id": "SLURM_ARRAY_TASK_ID",
    "slurm.restart_count": "SLURM_RESTART_COUNT",
}
_started = itertools.count(1)


class Rank(NamedTuple):
    number: int
    size: int


def rank() -> Rank | None:
    """What a launcher has told; None outside of any, and where there is only one process."""
    for number, size in _LAUNCHERS:
        try:
            found = Rank(int(os.environ[number]), int(os.environ[size]))
        except (KeyError, ValueError):
            continue
        return found if found.size > 1 and 0 <= found.number < found.size else None
    return None


def shared_run_id(project: str) -> str | None:
    """The id that `LINEAL_RUN_ID` gives to the next run that is started here.

    It is meant for the job's own processes: workers that `multiprocessing` or a fork made start runs of their own, unless they have a
    rank. A job that starts several runs finds each of them again, by its turn.
    """
    name = _settings.run_id()
    if name is None or (_processes.is_worker() and rank() is None):
        return None
    return _ids.named_run_id(name, project, turn=next(_started))


def job_tags() -> dict[str, str]:
    """What a scheduler calls this job, as tags of the run."""
    return {tag: os.environ[name] for tag, name in _JOB.items() if os.environ.get(name)}


def is_lonely() -> bool:
    """One of several ranks, with nothing that says which run they share. Only launchers of training count: a cluster's may run a sweep."""
    found = rank()
    return found is not None and "RANK" in os.environ and "WORLD_SIZE" in os.environ
