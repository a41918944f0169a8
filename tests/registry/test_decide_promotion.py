"""Approvals: given by people who neither proposed nor made it, on evidence that still stands."""

import pytest

from audit.models import AuditEvent
from core.access import Role
from registry import services
from registry.errors import DigestDiffers, EvidenceChanged, MayNotSign, NothingToApprove, PromotionClosed
from registry.models import Approval
from registry.result import result_document
from tracking.models import Series

pytestmark = pytest.mark.django_db

FOUR_EYES = '[[gate]]\nid = "four-eyes"\nkind = "approval"\n'
TWO_OF_THEM = FOUR_EYES + "count = 2\n"
AUC = '[[gate]]\nid = "auc"\nkind = "metric"\nexpr = "auc > 0.9"\n'


@pytest.fixture
def waiting(make_version, set_policy, promote):
    """A promotion by Bob that waits for approval under the policy given."""

    def make(toml=FOUR_EYES, **options):
        set_policy(toml)
        promotion = promote(make_version(metrics={"auc": 0.95}, **options))
        assert promotion.decision == "waiting"
        return promotion

    return make


def approve(promotion, person, **options):
    return services.decide_promotion(
        promotion=promotion, decision="approve", reason="holds up", actor=person, **options
    )


def denials():
    return list(AuditEvent.objects.filter(outcome="denied").values_list("action", flat=True))


def test_last_approval_carries_it_out(waiting, carol, holder, recorded_actions):
    promotion = approve(waiting(), carol)

    assert promotion.decision == "promoted"
    assert holder(promotion.model) == promotion.version.number
    assert recorded_actions()[-2:] == ["promotion.approve", "promotion.commit"]


def test_two_people_are_two_people(waiting, carol, dave, holder):
    """One voice twice is one voice; a lost answer may be asked for again."""
    promotion = waiting(TWO_OF_THEM)

    assert approve(promotion, carol).decision == "waiting"
    assert approve(promotion, carol).decision == "waiting"
    assert Approval.objects.count() == 1
    assert approve(promotion, dave).decision == "promoted"


def test_proposer_never_approves(make_version, set_policy, promote, alice, carol):
    """Not even an administrator, and the attempt stands on the ledger as denied."""
    set_policy(FOUR_EYES)
    promotion = promote(make_version(), actor=alice)

    with pytest.raises(MayNotSign, match="proposes"):
        approve(promotion, alice)

    assert denials() == ["promotion.approve"]
    assert not Approval.objects.exists()
    promotion.refresh_from_db()
    assert promotion.decision == "waiting"


def test_machine_never_approves(waiting, make_member):
    robot = make_member("robot", Role.MAINTAINER, kind="service")

    with pytest.raises(MayNotSign, match="people"):
        approve(waiting(), robot)

    assert denials() == ["promotion.approve"]


def test_stranger_never_approves(waiting, mallory):
    with pytest.raises(MayNotSign, match="members"):
        approve(waiting(), mallory)


def test_author_does_not_approve(waiting, carol):
    with pytest.raises(MayNotSign, match="trained or registered"):
        approve(waiting(by=carol), carol)


def test_role_below_the_policys_does_not_approve(waiting, carol, alice):
    promotion = waiting(FOUR_EYES + 'role = "maintainer"\n')

    with pytest.raises(MayNotSign, match="maintainer"):
        approve(promotion, carol)
    assert approve(promotion, alice).decision == "promoted"


def test_digest_the_approver_saw_has_to_be_the_versions(waiting, carol):
    promotion = waiting()

    with pytest.raises(DigestDiffers):
        approve(promotion, carol, digest="sha256:" + "0" * 64)
    assert denials() == ["promotion.approve"]
    assert approve(promotion, carol, digest=promotion.version.digest).decision == "promoted"


def test_refusal_ends_it(waiting, alice, carol, dave, holder, recorded_actions):
    promotion = waiting(TWO_OF_THEM)
    approve(promotion, dave)

    refused = services.decide_promotion(promotion=promotion, decision="refuse", reason="leaks labels", actor=carol)

    assert refused.decision == "refused"
    assert result_document(refused)["exit_code"] == 22
    assert holder(promotion.model) is None
    assert recorded_actions()[-2:] == ["promotion.refuse", "promotion.fail"]
    with pytest.raises(PromotionClosed):
        approve(promotion, alice)
    assert approve(promotion, dave).decision == "refused"


def test_approvals_die_when_the_evidence_changes(waiting, carol, dave, holder):
    """A metric logged late changes what was signed: the new word is refused, the old one no longer counts."""
    promotion = waiting(TWO_OF_THEM + AUC)
    approve(promotion, carol)
    Series.objects.filter(run=promotion.version.run).update(last=0.93)

    with pytest.raises(EvidenceChanged):
        approve(promotion, dave)

    document = result_document(promotion.__class__.objects.get(pk=promotion.pk))
    assert document["decision"] == "waiting"
    assert [(each["by"], each["stands"]) for each in document["approvals"]] == [("carol", False)]
    assert approve(promotion, dave).decision == "waiting"
    assert approve(promotion, carol).decision == "promoted"


def test_approvals_die_when_the_policy_changes(waiting, set_policy, carol, dave):
    promotion = waiting(TWO_OF_THEM)
    approve(promotion, carol)
    set_policy(TWO_OF_THEM + AUC)

    with pytest.raises(EvidenceChanged):
        approve(promotion, dave)


def test_approvals_die_when_the_holder_changes(waiting, set_policy, make_version, promote, carol, dave):
    """They were given for replacing what stood there then."""
    promotion = waiting(TWO_OF_THEM)
    approve(promotion, carol)
    rival = promote(make_version())
    approve(rival, carol)
    approve(rival, dave)

    with pytest.raises(EvidenceChanged):
        approve(promotion, dave)


def test_holder_that_was_expected_and_is_gone_closes_it(make_version, set_policy, promote, carol):
    """Compare and set holds at the moment of commitment, not of asking."""
    first, second, third = make_version(), make_version(), make_version()
    promote(first)
    set_policy(FOUR_EYES)
    one, two = promote(second, expect_current=first.digest), promote(third, expect_current=first.digest)

    assert approve(one, carol).decision == "promoted"
    assert approve(two, carol).decision == "holder_differs"


def test_gate_that_fails_by_now_closes_it(waiting, carol, holder):
    promotion = waiting(FOUR_EYES + AUC)
    Series.objects.filter(run=promotion.version.run).update(last=0.1)

    assert approve(promotion, carol).decision == "gate_failed"
    assert not Approval.objects.exists()
    assert holder(promotion.model) is None


def test_quarantine_meanwhile_closes_it(waiting, carol, alice):
    promotion = waiting()
    services.quarantine_version(version=promotion.version, reason="poisoned", actor=alice)

    assert approve(promotion, carol).decision == "frozen"


def test_nothing_is_approved_where_no_gate_asks(make_version, promote, carol):
    promotion = promote(make_version(verified=False))

    with pytest.raises(NothingToApprove):
        approve(promotion, carol)


def test_promotion_that_waited_too_long_expires(waiting, carol, recorded_actions):
    promotion = waiting()
    type(promotion).objects.update(expires_at=promotion.requested_at)

    assert services.expire_promotions() == 1
    assert services.expire_promotions() == 0
    promotion.refresh_from_db()
    assert promotion.decision == "expired"
    assert recorded_actions()[-1] == "promotion.expire"


def test_proposer_cancels_and_others_do_not(waiting, bob, make_member):
    promotion = waiting()
    erin = make_member("erin", Role.CONTRIBUTOR)

    with pytest.raises(MayNotSign):
        services.cancel_promotion(promotion=promotion, reason="no", actor=erin)
    assert services.cancel_promotion(promotion=promotion, reason="typo", actor=bob).decision == "cancelled"
    assert services.cancel_promotion(promotion=promotion, reason="typo", actor=bob).decision == "cancelled"
