"""Promotions by form: asked for, approved, refused and cancelled as the API would, and never twice by one person."""

import pytest

from registry.models import Environment, Promotion, Slot

pytestmark = pytest.mark.django_db

ASK = "/projects/default/models/fraud/versions/1"


def decide(browser, promotion, decision, reason="looks right", *, page=None, **fields):
    own_page = f"/projects/default/promotions/{promotion.uuid}"
    fields = {"decision": decision, "reason": reason, "digest": promotion.version.digest, **fields}
    return browser.post(f"{own_page}/decide", fields, page=page or own_page)


def test_an_approver_promotes_by_form(browser, carol, story, recorded_actions):
    visitor = browser(carol)

    answer = decide(visitor, story.promotion, "approve", "checked the holdout myself")
    after = visitor.get(answer.headers["Location"]).content.decode()

    assert answer.status_code == 302
    assert "Promoted." in after
    assert "checked the holdout myself" in after
    assert Slot.objects.get(environment__name="production").version == story.version
    assert recorded_actions()[-2:] == ["promotion.approve", "promotion.commit"]


def test_the_page_offers_a_decision_to_approvers_alone(browser, alice, bob, carol, story):
    page = f"/projects/default/promotions/{story.promotion.uuid}"

    assert 'value="approve"' in browser(carol).get(page).content.decode()
    proposer = browser(bob).get(page).content.decode()
    assert 'value="approve"' not in proposer
    assert 'value="cancel"' in proposer
    assert "another person decides" in proposer


def test_who_trained_the_version_is_offered_a_refusal_alone(browser, carol, story):
    """Their approval would be refused, and their refusal is not."""
    version = story.promotion.version
    version.created_by_id = carol.id
    version.save(update_fields=["created_by_id"])
    visitor = browser(carol)
    html = visitor.get(f"/projects/default/promotions/{story.promotion.uuid}").content.decode()

    assert 'value="approve"' not in html
    assert 'value="refuse"' in html
    assert "Your approval would not count" in html
    assert decide(visitor, story.promotion, "approve").status_code == 403
    assert decide(visitor, story.promotion, "refuse").status_code == 302
    assert Promotion.objects.get().decision == "refused"


def test_an_error_is_told_where_nothing_is_left_to_ask_for(browser, bob, project, story):
    """The version came to hold every environment while the form stood open."""
    Slot.objects.filter(environment__project=project).delete()
    for environment in Environment.objects.filter(project=project):
        Slot.objects.create(model=story.version.model, environment=environment, version=story.version)
    fields = {"environment": "staging", "reason": ""}
    answer = browser(bob).post(f"{ASK}/promote", fields, page=f"/projects/default/promotions/{story.promotion.uuid}")

    html = answer.content.decode()
    assert "Ask for a promotion" not in html
    assert "A promotion needs a reason" in html


def test_a_refusal_ends_it(browser, carol, story):
    answer = decide(browser(carol), story.promotion, "refuse", "drifts on new customers")

    assert answer.status_code == 302
    assert Promotion.objects.get().decision == "refused"
    assert not Slot.objects.filter(version__isnull=False).exists()


def test_the_proposer_cancels(browser, bob, story):
    assert decide(browser(bob), story.promotion, "cancel", "found a leak").status_code == 302
    assert Promotion.objects.get().decision == "cancelled"


def test_the_proposer_does_not_approve_even_by_hand(browser, alice, bob, carol, story, make_member, recorded_actions):
    """A form that the page does not offer is refused all the same, and the attempt stands on the ledger."""
    answer = decide(browser(bob), story.promotion, "approve")

    assert answer.status_code == 403
    assert Promotion.objects.get().decision == "waiting"
    assert recorded_actions()[-1] == "access.denied"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"reason": "  "}, 422, "needs a reason"),
        ({"decision": "bless"}, 422, "one of approve"),
        ({"digest": "sha256:" + "0" * 64}, 409, "You looked at"),
    ],
)
def test_a_decision_that_cannot_be_taken_is_explained_and_keeps_the_reason(browser, carol, story, fields, status, said):
    answer = decide(browser(carol), story.promotion, **{"decision": "approve", "reason": "my reason", **fields})
    html = answer.content.decode()

    assert answer.status_code == status
    assert said in html
    assert fields.get("reason", "my reason").strip() in html
    assert Promotion.objects.get().decision == "waiting"


def test_a_decided_promotion_takes_no_second_word(browser, carol, make_member, story):
    from core.access import Role

    decide(browser(carol), story.promotion, "refuse")
    late = browser(make_member("dave", Role.APPROVER))
    answer = decide(late, story.promotion, "approve", page="/settings/profile")

    assert answer.status_code == 409
    assert Promotion.objects.get().decision == "refused"


def test_a_stranger_decides_nothing(browser, mallory, story):
    page = f"/projects/default/promotions/{story.promotion.uuid}/decide"
    answer = browser(mallory).post(page, {"decision": "approve", "reason": "x"}, page="/settings/profile")

    assert answer.status_code == 404
    assert Promotion.objects.get().decision == "waiting"


def test_a_decision_from_a_foreign_page_is_refused(browser, carol, story):
    visitor = browser(carol)
    path = f"/projects/default/promotions/{story.promotion.uuid}/decide"
    fields = {"decision": "approve", "reason": "x"}

    foreign = visitor.post(path, fields, page="/settings/profile", origin="https://evil.example")
    bare = visitor.client.post(path, fields, headers={"origin": "http://testserver"})

    assert (foreign.status_code, bare.status_code) == (403, 403)
    assert Promotion.objects.get().decision == "waiting"


def test_a_contributor_asks_by_form(browser, bob, story):
    answer = browser(bob).post(f"{ASK}/promote", {"environment": "staging", "reason": "for a trial"}, page=ASK)

    promotion = Promotion.objects.get(environment__name="staging")
    assert answer.headers["Location"] == f"/projects/default/promotions/{promotion.uuid}"
    assert (promotion.decision, promotion.reason, promotion.requested_by) == ("promoted", "for a trial", "bob")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"environment": "staging", "reason": ""}, 422),
        ({"environment": "moon", "reason": "x"}, 404),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(browser, bob, story, fields, status):
    answer = browser(bob).post(f"{ASK}/promote", fields, page=ASK)

    assert answer.status_code == status
    assert Promotion.objects.count() == 1


def test_a_viewer_is_offered_nothing_and_asks_for_nothing(browser, make_member, story, recorded_actions):
    from core.access import Role

    visitor = browser(make_member("vera", Role.VIEWER))

    assert "Ask for a promotion" not in visitor.get(ASK).content.decode()
    fields = {"environment": "staging", "reason": "x"}
    assert visitor.post(f"{ASK}/promote", fields, page="/settings/profile").status_code == 403
    assert recorded_actions()[-1] == "access.denied"


def test_forms_are_sent_by_post_alone(browser, carol, story):
    assert browser(carol).get(f"/projects/default/promotions/{story.promotion.uuid}/decide").status_code == 405
