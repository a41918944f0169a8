"""A seeded store holds what the services would have written for clients that logged the same runs."""

import orjson
import pytest

from accounts import selectors as accounts
from audit.testing import sequence_now
from bench.search_questions import KINDS, Oracle
from bench.seed.made import MadeRun
from bench.seed.rows import Seeding
from core.codec import json_bytes
from tracking import selectors, services
from tracking.api.render import runs_out
from tracking.metrics.summary import summarise
from tracking.models import Run
from tracking.search import count_runs, search_runs
from tracking.services.runs import Origin
from tracking.services.seals import content_digest
from tracking.uses import DatasetUse

RUNS = 30  # enough for each experiment to have some
OF_THE_STORE = {"id", "project", "url", "created_by", "seal", "environment"}
OF_THE_MOMENT = {"created_at", "started_at", "ended_at", "client_ended_at"}


@pytest.fixture
def seeded(project, alice_account):
    Seeding(project, alice_account).write(0, RUNS)
    return project


@pytest.fixture
def logged(make_project, alice_account, write):
    """The same runs, through the services, in a project of their own."""
    project = make_project("logged", admin=alice_account)
    actor = accounts.principal_of(alice_account)
    for made in map(MadeRun, range(RUNS)):
        origin = Origin(
            started_at=made.started_at,
            host=made.host,
            user=made.user,
            entry_point="train.py",
            code={"repository": "https://git.example.org/churn.git", "commit": made.commit, "branch": made.branch},
        )
        run, _ = services.create_run(
            project=project, experiment=made.experiment, actor=actor, name=made.name, origin=origin
        )
        inputs = [DatasetUse(u.name, u.digest, "file", "content", u.context) for u in made.inputs]
        began = int(made.started_at.timestamp()) * 1_000_000
        write(run, began, params=made.params, tags=made.tags, inputs=inputs, metrics=made.metrics)
        services.finish_run(run=run, status=made.status, actor=actor, ended_at=made.ended_at)
    return project


@pytest.fixture
def write():
    from uuid import uuid4

    from tracking.metrics.points import make_points

    def write(run, began, *, metrics, **rest):
        series = [
            (key, make_points(range(len(values)), [began + step * 1_000_000 for step in range(len(values))], values))
            for key, values in metrics.items()
        ]
        return services.write_batch(run=run, writer=uuid4(), sequence=1, metrics=series, **rest)

    return write


def rendered(project, **options):
    page = search_runs(project=project, **options)
    return [
        {key: value for key, value in told.items() if key not in OF_THE_STORE | OF_THE_MOMENT}
        for told in orjson.loads(json_bytes(runs_out([run.pk for run in page.items], project=project)))
    ]


def test_seeded_runs_read_as_those_that_were_logged(seeded, logged):
    assert len(rendered(seeded)) == RUNS
    assert rendered(seeded) == rendered(logged)


def test_searches_find_the_same_among_both(seeded, logged):
    import random

    oracle, chance = Oracle(RUNS), random.Random(1)
    for kind in KINDS:
        for question in (kind.ask(oracle, chance) for _ in range(3)):
            body = {**question.body, "offset": 0}
            found = [run["name"] for run in rendered(seeded, **body)]
            assert found == [run["name"] for run in rendered(logged, **body)]
            expected = [MadeRun(n).name for n, passes in enumerate(question.passes()) if passes]
            assert sorted(found) == expected
            assert count_runs(project=seeded, filter=question.body.get("filter", "")) >= len(expected)


def test_the_oracle_orders_as_the_search_does(seeded):
    import random

    oracle, chance = Oracle(RUNS + 10).of_the_first(RUNS), random.Random(2)
    for kind in KINDS:
        question = kind.ask(oracle, chance)
        if question.offset == 0 and question.pages == 1:
            assert [run["name"] for run in rendered(seeded, **question.body)] == oracle.names(question)


def test_a_seeded_run_is_sealed_over_what_it_holds_and_stands_in_the_ledger(seeded, recorded_actions):
    run = Run.objects.select_related("experiment", "environment").get(name="run-000003")

    assert content_digest(run) == selectors.latest_seal(run).digest
    assert recorded_actions().count("run.seal") == RUNS
    assert sequence_now() >= 3 * RUNS
    assert selectors.metric_summaries(run) == {
        key: summarise(points) for key, points in selectors.read_points(run, sorted(MadeRun(3).metrics)).items()
    }


def test_seeding_goes_on_where_it_stopped(seeded, alice_account):
    Seeding(seeded, alice_account).write(RUNS, 2)

    assert [run["name"] for run in rendered(seeded, limit=2)] == ["run-000031", "run-000030"]
