"""A promotion that waits is judged anew, without anybody asking, when what its gates look at has changed."""

import pytest

from registry import gates, selectors, services
from registry.gates.base import Finding, Gate, Status
from registry.models import Promotion
from registry.services.reports import Finding as ReportFinding

pytestmark = pytest.mark.django_db

BIAS = '[[gate]]\nid = "bias"\nkind = "bias-report"\n'
FOUR_EYES = '[[gate]]\nid = "four-eyes"\nkind = "approval"\n'
CARD = '[[gate]]\nid = "card"\nkind = "card"\nfields = ["purpose"]\n'


@pytest.fixture
def bias_gate(monkeypatch):
    """A kind of gate as a room above might register: it waits for a report, and goes by its verdict."""

    def judge(_spec, case):
        report = selectors.find_latest_report(version=case.version, name="bias")
        if report is None:
            return Finding(Status.WAITING, detail="No report yet.")
        return Finding(Status.PASS if report.verdict == "pass" else Status.FAIL, evidence=(f"report:{report.uuid}",))

    monkeypatch.setattr(gates.base, "_gates", dict(gates.base._gates))
    gates.register(Gate("bias-report", lambda _fields: {}, judge))


@pytest.fixture
def attach(bob):
    def call(version, verdict="pass", document=b"{}"):
        finding = ReportFinding(kind="generic", verdict=verdict, tool="aequitas")
        return services.attach_report(version=version, name="bias", finding=finding, document=document, actor=bob)

    return call


@pytest.fixture
def waiting(bias_gate, make_version, set_policy, promote, run_jobs):
    def make(toml=BIAS):
        set_policy(toml)
        promotion = promote(make_version())
        run_jobs()  # what follows a registration has been done
        assert now_of(promotion).decision == "waiting"
        return promotion

    return make


def now_of(promotion):
    return Promotion.objects.get(pk=promotion.pk)


def test_evidence_that_was_waited_for_carries_it_out(waiting, attach, run_jobs, holder):
    promotion = waiting()

    attach(promotion.version)
    run_jobs()

    assert now_of(promotion).decision == "promoted"
    assert holder(promotion.model) == promotion.version.number


def test_evidence_against_it_ends_it(waiting, attach, run_jobs, holder):
    promotion = waiting()

    attach(promotion.version, verdict="fail")
    run_jobs()

    assert now_of(promotion).decision == "gate_failed"
    assert holder(promotion.model) is None


def test_evidence_for_another_version_changes_nothing(waiting, attach, make_version, run_jobs):
    promotion = waiting()

    attach(make_version())
    run_jobs()

    assert now_of(promotion).evidence_sha256 == promotion.evidence_sha256


def test_evidence_ends_the_approvals_given_before_it_and_says_so(waiting, attach, run_jobs, carol, recorded_actions):
    """An approval signs what was there. Told twice, it is written once."""
    promotion = waiting(BIAS + FOUR_EYES)
    services.decide_promotion(promotion=promotion, decision="approve", reason="fine", actor=carol)

    attach(promotion.version)
    run_jobs()

    assert now_of(promotion).decision == "waiting"
    assert recorded_actions().count("promotion.judge") == 1
    services.advance_promotion(promotion_id=promotion.pk)
    assert recorded_actions().count("promotion.judge") == 1
    signed = services.decide_promotion(promotion=promotion, decision="approve", reason="still", actor=carol)
    assert signed.decision == "promoted"


def test_a_card_that_lost_what_a_gate_asks_for_ends_it(make_version, set_policy, promote, run_jobs, alice):
    set_policy(CARD + FOUR_EYES)
    version = services.update_version(version=make_version(), changes={"card": {"purpose": "scores"}}, actor=alice)
    promotion = promote(version)
    run_jobs()
    assert now_of(promotion).decision == "waiting"

    services.update_version(version=version, changes={"card": {"purpose": ""}}, actor=alice)
    run_jobs()

    assert now_of(promotion).decision == "evidence_missing"
