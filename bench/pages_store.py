"""`python -m bench.pages_store RUNS POINTS`: the store that the environment names, with that many runs, one of everything that has
a page, and a run with that many points; prints the address of each page as JSON."""

import json
import sys
from typing import Any
from uuid import uuid4

from bench.seed.command import fill as seed
from bench.seed.command import prepare
from tests.web import every_page

KEYS = 10  # metrics of the long run
BATCH = 20_000  # points of each in one batch
OF_THE_LONG_RUN = ("run_detail", "run_charts", "run_values")


def main(runs: int, points: int) -> None:
    prepare()
    from accounts import selectors
    from accounts.models import Account, Project
    from audit.testing import sequence_now

    seed(runs)
    project = Project.objects.get(name="default")
    owner = selectors.principal_of(Account.objects.get(name="owner"))
    every_page.fill(project, owner)
    long = _long_run(project, owner, points // KEYS)
    sequence_now()
    pages = every_page.addresses(project)
    short = pages["run_detail"]
    pages |= {name: pages[name].replace(short, short.rpartition("/")[0] + f"/{long}", 1) for name in OF_THE_LONG_RUN}
    print(json.dumps(pages))


def _long_run(project: Any, actor: Any, steps: int) -> str:
    import numpy as np

    from tracking.metrics.points import Points
    from tracking.services import create_run, finish_run, write_batch

    run, _ = create_run(project=project, experiment="long", actor=actor, name="a million points")
    writer, chance = uuid4(), np.random.default_rng(1)
    for sequence, first in enumerate(range(0, steps, BATCH), start=1):
        at = np.arange(first, min(first + BATCH, steps), dtype=np.int64)
        times = at * 1_000 + 1_700_000_000_000_000
        noise = chance.normal(0, 0.02, (KEYS, len(at)))
        series = [(f"metric/{key}", Points(at, times, noise[key] + 1 / (1 + at / 5_000))) for key in range(KEYS)]
        write_batch(run=run, writer=writer, sequence=sequence, metrics=series)
    return finish_run(run=run, status="finished", actor=actor).uuid.hex


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
