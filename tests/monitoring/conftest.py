"""Profiles and documents to spoil, versions to watch, and documents that other tools wrote."""

import copy
from pathlib import Path

import numpy as np
import pytest

from tests.monitoring.building import build_classification, build_embedding, build_profile
from tests.registry.factories import new_version

VECTORS = Path(__file__).parents[1] / "vectors" / "verdicts"


def make_table(rows: int = 1_000, seed: int = 0) -> dict:
    """A column of every kind that profiles tell apart, with whatever is special about it."""
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows)
    amount[: min(rows, 4)] = [np.nan, np.inf, -np.inf, 0.0][: min(rows, 4)]
    return {
        "amount": amount,
        "children": rng.integers(0, 5, rows),
        "country": [None, *np.array(["de", "fr", "été"], object)[rng.integers(0, 3, max(rows - 1, 0))]][:rows],
        "id": np.array([f"id{i}" for i in rng.integers(0, 10**9, rows)], object),
        "is_new": rng.random(rows) < 0.3,
        "seen": rng.integers(0, 10**6, rows).astype("datetime64[s]"),
        "nothing": [None] * rows,
    }


@pytest.fixture(scope="session")
def table():
    return make_table()


@pytest.fixture(scope="session")
def whole_profile(table):
    """A profile in which nothing is null that could be there."""
    rng = np.random.default_rng(1)
    scores = rng.random(1_000)
    performance = build_classification(rng.random(1_000) < scores, scores > 0.5, scores)
    embeddings = {"text": build_embedding(rng.normal(size=(1_000, 8)))}
    return build_profile(table, performance=performance, embeddings=embeddings)


@pytest.fixture
def document(whole_profile):
    """A document of one's own to change."""
    return copy.deepcopy(whole_profile.to_json())


@pytest.fixture
def make_version(project, bob):
    """`make_version()`: a verified version of "fraud", made by Bob; see `factories.new_version`."""

    def make(*, by=None, of=None, **options):
        return new_version(of or project, by or bob, **options)

    return make


@pytest.fixture
def vector():
    """`vector("gx-1.24.1-validation-pass")`: the bytes that the tool wrote."""
    return lambda name: (VECTORS / f"{name}.json").read_bytes()


@pytest.fixture
def carol(make_member):
    """Maintains the project, so she may make hooks and triggers."""
    from core.access import Role

    return make_member("carol", Role.MAINTAINER)


@pytest.fixture
def make_trigger(home, project, carol):
    """`make_trigger("retrain", cool_down_s=0)`: on new versions of "train", a webhook to nowhere, unless told otherwise."""
    from monitoring import services
    from monitoring.services.triggers import Wish

    def make(name="retrain", **wish):
        wish.setdefault("on", "dataset_version")
        defaults = {"dataset_version": {"dataset": "train"}, "calendar": {"cron": "0 3 * * *"}, "alert": {}}
        wish.setdefault("filter", defaults[wish["on"]])
        if wish.setdefault("action", "webhook") == "webhook":
            wish.setdefault("address", "https://jobs.example.org/retrain")
        trigger, secret = services.create_trigger(project=project, wish=Wish(name=name, **wish), actor=carol)
        trigger.secret = secret
        return trigger

    return make


@pytest.fixture
def make_watched(home, project, bob, run_jobs):
    """`make_watched()`: the monitor of a version that is promoted to production, and whose run kept a profile of 20,000 customers."""
    from monitoring.services import update_monitor
    from tests.monitoring.production import new_trained_version, promote, the_monitor

    def make(*, profiles=None, environment="production", **settings):
        from core.access import system_principal

        version = new_trained_version(project, bob, profiles)
        promote(version, bob, environment)
        run_jobs()
        monitor = the_monitor(version)
        return (
            update_monitor(monitor=monitor, changes=settings, actor=system_principal("tests")) if settings else monitor
        )

    return make


@pytest.fixture
def watched(make_watched):
    return make_watched()


@pytest.fixture
def judge(run_jobs, later):
    """`judge()`: the grace is over, and workers have judged what is due, restatements too."""
    from monitoring.services.windows import close_due

    def do():
        close_due()
        run_jobs()
        later(3_700)
        run_jobs()

    return do
