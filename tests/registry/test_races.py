"""Two at once: one slot has one holder, one number one version, one key one promotion. PostgreSQL alone has such races."""

import threading

import pytest
from django.db import connection

from registry import services
from registry.models import Model, ModelVersion, Promotion, Slot
from registry.services.promotions import Request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _several_writers(db_vendor):
    if db_vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time")


@pytest.fixture
def db_vendor():
    return connection.vendor


def at_once(*acts):
    """Do all in threads of their own, begun together; what each returned or raised, in order."""
    outcomes = [None] * len(acts)
    together = threading.Barrier(len(acts))

    def run(index, act):
        try:
            together.wait(timeout=10)
            outcomes[index] = act()
        except Exception as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def test_one_of_two_promotions_that_expect_the_same_holder_wins(make_version, promote, environment, bob):
    production = environment("production")
    first = make_version()
    promote(first)
    rivals = [make_version() for _ in range(4)]

    def ask(version):
        request = Request(
            model=version.model,
            version=version,
            environment=production,
            actor=bob,
            reason="mine",
            expect_current=first.digest,
        )
        return lambda: services.request_promotion(request)[0].decision

    outcomes = at_once(*[ask(version) for version in rivals])

    assert sorted(outcomes) == ["holder_differs"] * 3 + ["promoted"]
    winner = rivals[outcomes.index("promoted")]
    assert Slot.objects.get(version__isnull=False).version == winner


def test_first_slot_of_a_model_is_made_once(make_version, environment, bob):
    """Nothing is there yet to lock: the row itself is what they race for."""
    production = environment("production")
    rivals = [make_version() for _ in range(4)]

    def ask(version):
        request = Request(
            model=version.model, version=version, environment=production, actor=bob, reason="x", expect_current="none"
        )
        return lambda: services.request_promotion(request)[0].decision

    outcomes = at_once(*[ask(version) for version in rivals])

    assert sorted(outcomes) == ["holder_differs"] * 3 + ["promoted"]
    assert Slot.objects.count() == 1


def test_one_key_is_one_promotion(make_version, environment, bob):
    """CI's retry overtakes the request it repeats."""
    version, places = make_version(), [environment("production"), environment("production")]

    def ask(place):
        request = Request(
            model=version.model, version=version, environment=place, actor=bob, reason="x", idempotency_key="k"
        )
        return lambda: services.request_promotion(request)

    outcomes = at_once(*[ask(place) for place in places])

    assert sorted(is_new for _, is_new in outcomes) == [False, True]
    assert Promotion.objects.count() == 1


def test_one_key_for_two_places_is_refused_once(make_version, environment, bob):
    """Two slots, two locks: the key's own uniqueness decides."""
    from registry.errors import KeyReused

    version = make_version()

    def ask(place):
        request = Request(
            model=version.model,
            version=version,
            environment=environment(place),
            actor=bob,
            reason="x",
            idempotency_key="k",
        )
        return lambda: services.request_promotion(request)

    outcomes = at_once(ask("dev"), ask("staging"))

    assert sum(isinstance(outcome, KeyReused) for outcome in outcomes) == 1
    assert Promotion.objects.count() == 1


def test_two_last_approvals_promote_once(make_version, promote, set_policy, carol, dave, recorded_actions):
    set_policy('[[gate]]\nid = "four-eyes"\nkind = "approval"\n')
    promotion = promote(make_version())

    def approve(person):
        return lambda: services.decide_promotion(promotion=promotion, decision="approve", reason="ok", actor=person)

    at_once(approve(carol), approve(dave))

    assert Promotion.objects.get().decision == "promoted"
    assert recorded_actions().count("promotion.commit") == 1


@pytest.mark.parametrize("put_away", [services.retire_version, services.quarantine_version])
def test_version_is_promoted_or_put_away_and_never_promoted_after(
    make_version, environment, bob, alice, put_away, recorded_actions
):
    """Whoever comes second sees what the first did."""
    production = environment("production")
    for _ in range(5):
        version = make_version()
        request = Request(model=version.model, version=version, environment=production, actor=bob, reason="x")

        promoted, put = at_once(
            lambda request=request: services.request_promotion(request)[0].decision,
            lambda version=version: put_away(version=version, reason="x", actor=alice).lifecycle,
        )

        actions = recorded_actions()
        away = [
            n for n, action in enumerate(actions) if action.removeprefix("model_version.") in ("retire", "quarantine")
        ]
        if promoted == "promoted" and away and isinstance(put, str):
            assert len(actions) - 1 - actions[::-1].index("promotion.commit") < away[-1]
        assert promoted in ("promoted", "frozen")


def test_numbers_are_given_once(make_run, make_artifact, project, bob):
    services.create_model(project=project, name="fraud", actor=bob)
    runs = [make_run(bob) for _ in range(4)]
    for number, run in enumerate(runs):
        make_artifact(run, "m.bin", str(number).encode())

    def register(run):
        services.register_version(project=project, model="fraud", run_id=run.uuid, artifact="m.bin", actor=bob)

    at_once(*[lambda run=run: register(run) for run in runs])

    assert sorted(ModelVersion.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    assert Model.objects.get().last_number == 4


def test_environments_are_begun_once(project, recorded_actions):
    at_once(*[lambda: services.ensure_environments(project=project)] * 4)

    assert recorded_actions().count("environment.create") == 3
