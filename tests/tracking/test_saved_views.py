"""Saved views: rules under a name, shared in the project, each change of them on the ledger."""

import pytest

from audit.models import AuditEvent
from tracking import services
from tracking.errors import ViewNotFound
from tracking.models import SavedView

pytestmark = pytest.mark.django_db

RULE = {
    "name": "best of gbm",
    "filter": "metrics.auc > 0.8",
    "experiment": None,
    "order_by": "metrics.auc DESC",
    "columns": "metrics.auc, min(metrics.loss), params.lr",
}


@pytest.fixture
def made(api, alice):
    answer = api(alice).post("views", json=RULE)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_view_is_read_as_it_was_saved(api, alice, bob, made):
    told = api(bob).get(f"views/{made['id']}").json()

    assert told == made
    assert told["filter"] == RULE["filter"]
    assert told["columns"] == "metrics.auc,min(metrics.loss),params.lr"
    assert told["url"] == f"/projects/default/runs?view={made['id']}"
    assert [view["name"] for view in api(bob).get("views").json()["items"]] == ["best of gbm"]


def test_each_change_is_on_the_ledger_with_what_it_was(api, alice, made):
    api(alice).patch(f"views/{made['id']}", json={"filter": "metrics.auc > 0.9"})
    api(alice).delete(f"views/{made['id']}")

    events = AuditEvent.objects.filter(action__startswith="view.").order_by("id")
    assert [event.action for event in events] == ["view.create", "view.update", "view.delete"]
    assert '"metrics.auc > 0.8"' in events[1].body
    assert '"metrics.auc > 0.9"' in events[1].body
    assert not SavedView.objects.exists()


def test_the_same_again_is_no_change(api, alice, made):
    answer = api(alice).patch(f"views/{made['id']}", json={"filter": RULE["filter"]})

    assert answer.json()["updated_at"] == made["updated_at"]
    assert not AuditEvent.objects.filter(action="view.update").exists()


def test_two_people_who_change_different_fields_both_have_their_way(alice, bob, made):
    first, second = (SavedView.objects.get() for _ in range(2))

    services.update_view(view=first, changes={"filter": "metrics.auc > 0.9"}, actor=alice)
    services.update_view(view=second, changes={"name": "better"}, actor=bob)

    kept = SavedView.objects.get()
    assert (kept.name, kept.filter, kept.order_by) == ("better", "metrics.auc > 0.9", RULE["order_by"])


def test_a_view_that_somebody_deleted_meanwhile_is_missing(alice, bob, made):
    view = SavedView.objects.get()
    services.delete_view(view=SavedView.objects.get(), actor=alice)

    with pytest.raises(ViewNotFound):
        services.update_view(view=view, changes={"name": "better"}, actor=bob)
    with pytest.raises(ViewNotFound):
        services.delete_view(view=view, actor=bob)
    assert AuditEvent.objects.filter(action="view.delete").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("filter", "metrics.auc >", "invalid-filter"),
        ("order_by", "metrics.auc SIDEWAYS", "invalid-order"),
        ("columns", "metrics.auc, sideways", "invalid-columns"),
        ("lifecycle", "gone", "invalid"),
        ("name", " ", "invalid"),
        ("name", "a\tb", "invalid"),
        ("experiment", "absent", "experiment-not-found"),
    ],
)
def test_a_rule_that_is_none_is_not_saved(api, alice, field, value, problem):
    answer = api(alice).post("views", json=RULE | {field: value})

    assert answer.json()["type"].endswith(f"/{problem}"), answer.content
    assert answer.status_code in (404, 422)
    assert not SavedView.objects.exists()


def test_a_name_is_taken_once_in_a_project(api, alice, made):
    second = api(alice).post("views", json=RULE)
    other = api(alice).post("views", json=RULE | {"name": "another"}).json()
    renamed = api(alice).patch(f"views/{other['id']}", json={"name": RULE["name"]})

    assert second.status_code == renamed.status_code == 409
    assert second.json()["type"].endswith("/view-exists")


def test_others_views_are_changed_by_those_who_may_delete_runs(api, alice, bob, made):
    """Bob contributes: he saves views, and leaves Alice's alone."""
    own = api(bob).post("views", json=RULE | {"name": "bob's"}).json()

    assert api(bob).patch(f"views/{made['id']}", json={"name": "x"}).status_code == 403
    assert api(bob).delete(f"views/{made['id']}").status_code == 403
    assert api(bob).patch(f"views/{own['id']}", json={"name": "x"}).status_code == 200
    assert api(alice).delete(f"views/{own['id']}").status_code == 204


def test_a_stranger_finds_no_view(api, mallory, made):
    assert api(mallory).get(f"views/{made['id']}").status_code == 404


def test_a_view_of_another_project_is_missing_here(api, alice, alice_account, make_project, principal, made):
    make_project("fraud", admin=alice_account)

    assert api(principal(alice_account)).get(f"views/{made['id']}?project=fraud").status_code == 404


def test_hostile_words_are_kept_whole(api, alice):
    name = "<b onmouseover=alert(3)>\u202eשלום 😀</b>"
    made = api(alice).post("views", json=RULE | {"name": name, "description": name})

    assert made.json()["name"] == made.json()["description"] == name
