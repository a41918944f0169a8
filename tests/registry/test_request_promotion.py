"""Promotions: gates decide, a slot has one holder, and every answer has its exit code and its entry on the ledger."""

import pytest

from registry import services
from registry.errors import KeyReused
from registry.judging import NOBODY
from registry.models import Promotion, Slot
from registry.result import result_document
from registry.services.promotions import Request
from tracking.models import Blob

pytestmark = pytest.mark.django_db

AUC = """
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"
"""
FOUR_EYES = """
[[gate]]
id = "four-eyes"
kind = "approval"
"""


def outcome(promotion):
    document = result_document(promotion)
    return document["decision"], document["exit_code"]


def statuses(promotion):
    return {gate["id"]: gate["status"] for gate in promotion.gates}


def test_verified_version_is_promoted(make_version, promote, holder, recorded_actions):
    """Nothing stands in the way, so the slot has a new holder and the ledger both the wish and the deed."""
    version = make_version()

    promotion = promote(version)

    assert outcome(promotion) == ("promoted", 0)
    assert holder(version.model) == version.number
    assert statuses(promotion) == {"integrity": "pass"}
    assert recorded_actions()[-2:] == ["promotion.request", "promotion.commit"]


def test_same_bytes_again_are_already_there(make_version, promote, make_run):
    """Promotion moves a digest: another run that gave the same bytes changes nothing."""
    first = make_version(content=b"same")
    promote(first)
    twin = make_version(content=b"same")

    assert twin.number != first.number
    assert outcome(promote(twin)) == ("already", 0)
    assert Slot.objects.get(version__isnull=False).version == first


def test_unverified_bytes_stay_out_of_a_protected_place(make_version, promote, holder, run_jobs):
    """The promotion waits for the workers, and goes on by itself when they are done."""
    version = make_version(verified=False)

    promotion = promote(version)

    assert outcome(promotion) == ("waiting", 10)
    assert holder(version.model) is None
    assert outcome(promote(version, to="dev")) == ("promoted", 0)

    Blob.objects.update(state=Blob.State.VERIFIED)
    run_jobs()
    services.review_version(version_id=version.pk)
    run_jobs()

    promotion.refresh_from_db()
    assert outcome(promotion) == ("promoted", 0)
    assert holder(version.model) == version.number


def test_wrong_bytes_end_the_promotion(make_version, promote, holder, run_jobs):
    """A digest that does not match quarantines the version, and what waited for it is over."""
    version = make_version(verified=False)
    promotion = promote(version)

    Blob.objects.update(state=Blob.State.QUARANTINED)
    services.review_version(version_id=version.pk)
    run_jobs()

    promotion.refresh_from_db()
    assert outcome(promotion) == ("frozen", 24)
    assert holder(version.model) is None


def test_failed_gate_fails_the_promotion(make_version, promote, set_policy, holder, recorded_actions):
    promote(make_version(metrics={"auc": 0.95}))
    set_policy(AUC)

    promotion = promote(make_version(metrics={"auc": 0.9}))

    assert outcome(promotion) == ("gate_failed", 20)
    assert statuses(promotion)["auc"] == "fail"
    assert promotion.gates[0]["observed"] == 0.9
    assert promotion.gates[0]["limit"] == pytest.approx(0.948)
    assert holder(promotion.model) == 1
    assert recorded_actions()[-1] == "promotion.fail"


def test_missing_evidence_is_not_a_pass(make_version, promote, set_policy):
    promote(make_version(metrics={"auc": 0.95}))
    set_policy(AUC)

    assert outcome(promote(make_version())) == ("evidence_missing", 21)


def test_failure_outweighs_missing_evidence(make_version, promote, set_policy):
    set_policy(
        '[[gate]]\nid = "a"\nkind = "metric"\nexpr = "auc > 0.99"\n'
        '[[gate]]\nid = "b"\nkind = "metric"\nexpr = "lost > 0"\n'
    )

    promotion = promote(make_version(metrics={"auc": 0.9}))

    assert statuses(promotion) == {"a": "fail", "b": "missing", "integrity": "pass"}
    assert outcome(promotion) == ("gate_failed", 20)


def test_holder_that_differs_is_told(make_version, promote, holder):
    """Compare and set: whoever expected another holder changes nothing."""
    first, second, third = make_version(), make_version(), make_version()

    assert outcome(promote(first, expect_current=NOBODY)) == ("promoted", 0)
    assert outcome(promote(second, expect_current=first.digest)) == ("promoted", 0)
    assert outcome(promote(third, expect_current=first.digest)) == ("holder_differs", 23)
    assert outcome(promote(third, expect_current=NOBODY)) == ("holder_differs", 23)
    assert holder(first.model) == second.number


@pytest.mark.parametrize("put_away", [services.retire_version, services.quarantine_version])
def test_version_put_away_is_frozen(make_version, promote, alice, put_away):
    version = make_version()
    put_away(version=version, reason="doubts", actor=alice)

    assert outcome(promote(version)) == ("frozen", 24)
    assert outcome(promote(version, to="dev")) == ("frozen", 24)


def test_approval_is_waited_for(make_version, promote, set_policy, holder):
    set_policy(FOUR_EYES)
    version = make_version()

    promotion = promote(version)

    assert outcome(promotion) == ("waiting", 10)
    assert result_document(promotion)["pending"]["gates"] == ["four-eyes"]
    assert holder(version.model) is None


def test_plan_changes_nothing(make_version, set_policy, environment, bob, recorded_actions):
    """Everything is evaluated, nothing is written: no promotion, no slot, no entry."""
    set_policy(FOUR_EYES + AUC)
    version, production = make_version(metrics={"auc": 0.9}), environment("production")
    before = recorded_actions()

    plan = services.plan_promotion(
        Request(model=version.model, version=version, environment=production, actor=bob, reason="?")
    )
    document = result_document(plan, dry_run=True)

    assert (document["decision"], document["dry_run"], document["id"]) == ("waiting", True, None)
    assert {gate["id"]: gate["status"] for gate in document["gates"]} == {
        "four-eyes": "waiting",
        "auc": "pass",
        "integrity": "pass",
    }
    assert not Promotion.objects.exists()
    assert not Slot.objects.exists()
    assert recorded_actions() == before


def test_key_names_the_request_and_not_the_answer(make_version, promote, set_policy, carol, recorded_actions):
    """CI asks again with the same key and hears how things stand now."""
    set_policy(FOUR_EYES)
    version = make_version()
    first = promote(version, idempotency_key="gh:acme/fraud:1:1")
    services.decide_promotion(promotion=first, decision="approve", reason="good", actor=carol)
    before = recorded_actions()

    again = promote(version, idempotency_key="gh:acme/fraud:1:1")

    assert again.pk == first.pk
    assert outcome(again) == ("promoted", 0)
    assert recorded_actions() == before


def test_key_of_another_request_is_refused(make_version, promote):
    """One key, one version, one place."""
    version = make_version()
    promote(version, to="dev", idempotency_key="k")

    with pytest.raises(KeyReused):
        promote(make_version(), to="dev", idempotency_key="k")
    with pytest.raises(KeyReused):
        promote(version, to="staging", idempotency_key="k")
    with pytest.raises(KeyReused):
        promote(make_version(model="other"), to="dev", idempotency_key="k")

    assert Promotion.objects.count() == 1


def test_policy_in_force_is_the_one_at_the_moment_of_judging(make_version, environment, set_policy, bob):
    """Whoever looked the environment up before the policy changed is judged by the new one."""
    version, stale = make_version(), environment("production")
    set_policy(FOUR_EYES)

    request = Request(model=version.model, version=version, environment=stale, actor=bob, reason="quick")

    assert outcome(services.request_promotion(request)[0]) == ("waiting", 10)


def test_key_of_a_promotion_whose_time_is_over_says_expired(make_version, promote, set_policy):
    set_policy(FOUR_EYES)
    version = make_version()
    promotion = promote(version, idempotency_key="k")
    Promotion.objects.update(expires_at=promotion.requested_at)

    assert outcome(promote(version, idempotency_key="k")) == ("expired", 22)


def test_promotion_pins_the_policy_that_judged_it(make_version, promote, set_policy):
    revision = set_policy(AUC)

    document = result_document(promote(make_version(metrics={"auc": 0.9})))

    assert document["policy"] == {"id": "production-gates", "revision": 1, "sha256": revision.sha256}
    assert document["gates"][0]["expr"] == "auc >= champion.auc - 0.002"
    assert document["gates"][0]["detail"] == "Nothing holds 'production' yet."


def test_promotion_of_the_same_version_that_waits_elsewhere_is_closed_as_done(
    make_version, promote, set_policy, alice, carol, run_jobs, environment
):
    """Two requests for one move: when one is carried out, the other has nothing left to do."""
    set_policy(FOUR_EYES)
    version = make_version()
    one, two = promote(version), promote(version)

    services.decide_promotion(promotion=one, decision="approve", reason="good", actor=carol)
    run_jobs()

    two.refresh_from_db()
    assert outcome(two) == ("already", 0)
