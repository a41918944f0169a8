"""What would block this? Judged before anything is asked for; and the request that follows from what the plan showed."""

import pytest

from core.access import Role
from registry import services
from registry.models import Promotion
from tests.registry.factories import new_version
from tests.web.history import live_through, promote
from tests.web.story import want_approval

pytestmark = pytest.mark.django_db

VERSION = "/projects/default/models/fraud/versions/1"


def plan(visitor, environment="production"):
    return visitor.get(f"{VERSION}/plan?environment={environment}")


def test_a_gate_that_would_stop_it_stands_first_with_what_it_saw_and_its_limit(
    browser, alice, bob, project, recorded_actions
):
    want_approval(project, alice)
    new_version(project, bob, metrics={"auc": 0.4})
    visitor = browser(bob)
    before = recorded_actions()
    page = plan(visitor).content.decode()
    rows = page.split("<tbody>")[1].split("</tr>")

    assert "1 gate would stop it." in page
    assert all(text in rows[0] for text in ("auc &gt;= 0.5", "0.4", "0.5", "fail"))
    assert not Promotion.objects.exists()
    assert recorded_actions() == before


def test_people_alone_are_told_apart_from_gates_that_fail(browser, alice, bob, project):
    want_approval(project, alice)
    new_version(project, bob, metrics={"auc": 0.9})

    assert "it would wait for approval" in plan(browser(bob)).content.decode()
    assert "it would be promoted at once" in plan(browser(bob), "staging").content.decode()


def test_what_is_asked_from_a_plan_goes_through_only_while_the_plan_is_true(browser, alice, bob, carol, project):
    """The holder that the plan showed is part of the request."""
    past = live_through(project, admin=alice, asker=bob, approver=carol, versions=1, model="fraud")
    own = VERSION.replace("/1", "/2")
    new_version(project, bob, metrics={"auc": 0.9})
    other = new_version(project, bob, metrics={"auc": 0.9})
    visitor = browser(bob)
    page = visitor.get(f"{own}/plan?environment=production").content.decode()
    assert f'name="expect_current" value="{past.versions[0].digest}"' in page

    promote(project, other, asker=bob, approver=carol)
    fields = {"environment": "production", "reason": "x", "expect_current": past.versions[0].digest}
    visitor.post(f"{own}/promote", fields, page=own)

    assert Promotion.objects.latest("id").decision == "holder_differs"


def test_a_version_that_is_there_already_needs_no_asking(browser, alice, bob, carol, project):
    live_through(project, admin=alice, asker=bob, approver=carol, versions=1, model="fraud")
    page = plan(browser(bob)).content.decode()

    assert "holds &#x27;production&#x27; already" in page
    assert "Ask for it" not in page


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.CONTRIBUTOR, 200), (Role.APPROVER, 200)])
def test_a_plan_takes_the_right_to_ask(browser, bob, project, make_member, role, status):
    services.ensure_environments(project=project)
    new_version(project, bob)

    assert plan(browser(make_member("eve", role)), "staging").status_code == status


def test_an_environment_that_is_none_is_a_page_of_nothing(browser, bob, project):
    new_version(project, bob)

    assert plan(browser(bob), "moon").status_code == 404
