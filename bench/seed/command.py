"""`python -m bench seed`: a store of many runs, in minutes, which `lineal up --home` then opens.

Run again with more runs, it adds those that are missing.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def main(arguments: list[str]) -> int:
    wish = _parsed(arguments)
    if prefix := [name for name in os.environ if name.startswith("LINEAL_")]:
        for name in prefix:
            del os.environ[name]  # what is meant stands on the command line
    os.umask(0o077)
    wish.home.mkdir(parents=True, exist_ok=True)
    os.environ |= {"LINEAL_HOME": str(wish.home.resolve()), "DJANGO_SETTINGS_MODULE": "config.settings"}
    if wish.database:
        os.environ["LINEAL_DATABASE_URL"] = wish.database
    prepare()
    begun = time.monotonic()
    added = fill(wish.runs)
    print(f"{added:,} runs in {time.monotonic() - begun:.0f} s. Look at them with: lineal up --home {wish.home}")
    if wish.database:
        print("LINEAL_DATABASE_URL has to name the same database then.")
    return 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench seed", description="Fill a store with runs of 20 params, 20 metrics and 5 tags."
    )
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--home", type=Path, required=True, help="folder of the store, made if it is missing")
    parser.add_argument("--database", default="", metavar="URL", help="postgresql://…; SQLite in the home without it")
    wish = parser.parse_args(arguments)
    if wish.runs < 1:
        parser.error("--runs has to be 1 or more")
    return wish


def prepare() -> None:
    """Tables, keys and owner in the store that this process's environment names."""
    from config import bootstrap

    bootstrap.migrate(bootstrap.WAIT_S)
    bootstrap.make_keys()
    bootstrap.ensure_owner(renew=True)


def fill(runs: int) -> int:
    """Bring the project `default` to that many made-up runs; how many were added. With a progress bar where one can be seen."""
    from accounts.models import Account, Project
    from audit.models import AuditPending
    from bench.seed.ledger import sequence
    from bench.seed.made import MadeRun
    from bench.seed.rows import Seeding, settle
    from tracking.models import Run

    project = Project.objects.get(name="default")
    there = Run.objects.filter(project=project).count()
    if there and not Run.objects.filter(project=project, uuid=MadeRun(there - 1).uuid).exists():
        raise SystemExit("The store holds other runs already; seed one of its own.")
    added = max(0, runs - there)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("Runs", total=added)
        Seeding(project, Account.objects.get(name="owner")).write(
            there, added, lambda done: progress.advance(task, done)
        )
        task = progress.add_task("Ledger", total=AuditPending.objects.count())
        sequence(lambda done: progress.advance(task, done))
        settle()
    return added


if __name__ == "__main__":  # of the search scenario: the store that the environment names, brought to that many runs
    prepare()
    fill(int(sys.argv[1]))
