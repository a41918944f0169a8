"""One environment of a model: what held it and who approved that, and the way back by form, only from what was shown."""

import pytest

from core.access import Role
from registry import selectors, services
from registry.models import Promotion, Slot
from tests.registry.factories import new_version
from tests.web.history import promote

pytestmark = pytest.mark.django_db

PAGE = "/projects/default/models/churn/environments/production"


def roll_back(visitor, past, **fields):
    shown = {
        "to": "2",
        "reason": "calls the wrong customers",
        "confirm": "yes",
        "expect_current": past.versions[2].digest,
    }
    return visitor.post(f"{PAGE}/roll-back", {**shown, **fields}, page=PAGE)


def holder():
    return Slot.objects.get(environment__name="production").version.number


def test_the_page_tells_what_held_it_and_who_approved(browser, bob, past):
    page = browser(bob).get(PAGE).content.decode()
    stays = page.split('aria-label="What has held it"')[1].split("</table>")[0]

    assert stays.index("version 3") < stays.index("version 2") < stays.index("version 1")
    assert "there now" in stays
    assert stays.count("7 d 0 h") == 3
    assert stays.count(">carol<") == 3


def test_an_approver_rolls_back_by_form(browser, carol, past, recorded_actions):
    visitor = browser(carol)
    answer = roll_back(visitor, past)
    promotion = Promotion.objects.latest("id")
    page = visitor.get(answer.headers["Location"]).content.decode()

    assert (answer.status_code, promotion.kind, promotion.decision) == (302, "rollback", "promoted")
    assert holder() == 2
    assert "Promoted." in page
    assert recorded_actions()[-2:] == ["promotion.request", "promotion.commit"]


def test_a_rollback_from_a_page_that_is_out_of_date_moves_nothing(browser, carol, bob, project, past):
    """Somebody promoted another version while the form stood open: what they did is not undone unseen."""
    newer = new_version(project, bob, model="churn", metrics={"auc": 0.99})
    promote(project, newer, asker=bob, approver=carol)
    visitor = browser(carol)
    answer = roll_back(visitor, past)

    assert "answer=holder_differs" in answer.headers["Location"]
    assert "Another version holds the environment" in visitor.get(answer.headers["Location"]).content.decode()
    assert holder() == newer.number


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"confirm": ""}, 422, "Say that you mean it"),
        ({"reason": " "}, 422, "needs a reason"),
        ({"to": "99"}, 404, "has no version"),
    ],
)
def test_a_rollback_that_is_not_meant_is_refused_and_keeps_the_reason(browser, carol, past, fields, status, said):
    answer = roll_back(browser(carol), past, **fields)
    html = answer.content.decode()

    assert answer.status_code == status
    assert said in html
    assert fields.get("reason", "calls the wrong customers").strip() in html
    assert holder() == 3


def test_a_version_that_never_held_it_is_promoted_and_not_rolled_back_to(browser, carol, bob, project, past):
    other = new_version(project, bob, model="churn")
    answer = roll_back(browser(carol), past, to=str(other.number))

    assert answer.status_code == 409
    assert "never held" in answer.content.decode()


def test_a_contributor_is_offered_no_way_back_and_has_none(browser, bob, past, recorded_actions):
    visitor = browser(bob)

    assert "takes the role approver" in visitor.get(PAGE).content.decode()
    assert (
        visitor.post(f"{PAGE}/roll-back", {"reason": "x", "confirm": "yes"}, page="/settings/profile").status_code
        == 403
    )
    assert recorded_actions()[-1] == "access.denied"
    assert holder() == 3


def test_an_environment_that_was_never_held_says_so(browser, carol, past):
    page = browser(carol).get(PAGE.replace("production", "staging")).content.decode()

    assert "Nothing holds it." in page
    assert "there is nothing to return to" in page


@pytest.mark.parametrize("path", ["models/churn/environments/moon", "models/nothing/environments/production"])
def test_an_environment_or_model_that_is_none_is_a_page_of_nothing(browser, carol, past, path):
    assert browser(carol).get(f"/projects/default/{path}").status_code == 404


def test_the_service_rolls_back_only_from_what_is_expected(project, carol, past):
    production = selectors.get_environment(project=project, name="production")
    model = past.versions[0].model
    stale, _ = services.roll_back(
        model=model, environment=production, actor=carol, reason="x", expect_current=past.versions[0].digest
    )
    right, _ = services.roll_back(
        model=model, environment=production, actor=carol, reason="x", expect_current=past.versions[2].digest
    )

    assert (stale.decision, right.decision, holder()) == ("holder_differs", "promoted", 2)


def test_the_page_costs_a_bounded_number_of_queries(
    browser, make_member, past, project, bob, carol, django_assert_max_num_queries
):
    for _ in range(6):
        promote(project, new_version(project, bob, model="churn", metrics={"auc": 0.9}), asker=bob, approver=carol)
    visitor = browser(make_member("dora", Role.APPROVER))
    visitor.get(PAGE)

    with django_assert_max_num_queries(26):
        visitor.get(PAGE)
