"""Runs and versions on their pages: put away, held, purged; the forms that do it; what a project holds."""

import pytest

from accounts import services as accounts
from core.access import Role, system_principal
from registry import services as registry
from registry.models import ModelVersion
from retention import services as retention
from retention import usage
from retention.holds import Holds
from tests.registry.factories import new_version
from tracking import services
from tracking.models import Run


@pytest.fixture(autouse=True)
def _counted_anew(home):
    usage.forget()


@pytest.fixture
def run(project, alice):
    return services.create_run(project=project, experiment="churn", actor=alice, params={"lr": 1})[0]


def page_of(run):
    return f"/projects/default/runs/{run.uuid.hex}"


def test_a_run_goes_to_the_bin_and_comes_back_by_form(browser, alice, run, recorded_actions):
    at = browser(alice)

    answer = at.post(f"{page_of(run)}/act", {"act": "delete", "reason": "smoke test"}, page=page_of(run))
    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(run))
    html = at.get(page_of(run)).content.decode()
    assert "In the bin" in html
    assert 'value="restore"' in html
    assert 'value="purge"' in html
    assert 'value="delete"' not in html

    at.post(f"{page_of(run)}/act", {"act": "restore"}, page=page_of(run))
    at.post(f"{page_of(run)}/act", {"act": "archive"}, page=page_of(run))
    assert "Archived" in at.get(page_of(run)).content.decode()
    assert recorded_actions()[-3:] == ["run.delete", "run.restore", "run.archive"]


def test_nothing_of_an_archived_project_is_put_away_by_form(browser, alice, run, project):
    """As little as by the API; and the page offers none of it."""
    version = new_version(project, alice)
    at_version = f"/projects/default/models/{version.model.name}/versions/{version.number}"
    at = browser(alice)
    accounts.update_project(project=project, archived=True, actor=system_principal("tests"))

    for page in (page_of(run), at_version):
        answer = at.post(f"{page}/act", {"act": "delete"}, page="/settings/tokens")
        assert answer.status_code == 409
        assert "is archived; restore it first" in answer.content.decode()
        assert 'name="act"' not in at.get(page).content.decode()
    assert at.post(f"{at_version}/promote", {"environment": "dev"}, page="/settings/tokens").status_code == 409

    run.refresh_from_db()
    version.refresh_from_db()
    assert (run.lifecycle, version.deleted_at) == ("active", None)


def test_a_purged_run_says_when_by_whom_and_why(browser, alice, run):
    services.delete_run(run=run, actor=alice)
    at = browser(alice)
    at.post(f"{page_of(run)}/act", {"act": "purge", "reason": "<b>wrong</b> data"}, page=page_of(run))
    services.empty_purged()

    answer = at.get(page_of(run))

    assert answer.status_code == 200
    html = answer.content.decode()
    assert "by alice: &lt;b&gt;wrong&lt;/b&gt; data" in html
    assert "its entry in the ledger" in html
    assert 'name="act"' not in html


def test_a_held_run_says_by_what_and_offers_no_deletion(browser, alice, project, bob):
    version = new_version(project, alice)
    registry.set_alias(model=version.model, name="champion", version=version, actor=alice)
    at = browser(alice)

    html = at.get(page_of(version.run)).content.decode()
    assert "fraud v1 is @champion" in html
    assert 'value="delete"' not in html

    answer = at.post(f"{page_of(version.run)}/act", {"act": "delete"}, page=page_of(version.run))
    assert answer.status_code == 409
    assert "is held" in answer.content.decode()
    assert Run.objects.get(pk=version.run_id).lifecycle == "active"


def test_the_line_is_walked_for_those_alone_whom_the_answer_concerns(
    browser, alice, make_member, run, project, monkeypatch
):
    """Whoever only reads pays for no walk up from all that lives in the project."""
    version = new_version(project, alice)
    pages = [page_of(run), f"/projects/default/models/fraud/versions/{version.number}"]
    asked = []
    real = Holds.on
    monkeypatch.setattr(Holds, "on", lambda *arguments: asked.append(arguments) or real(*arguments))
    reader, owner = browser(make_member("vera", Role.VIEWER)), browser(alice)

    assert [reader.get(page).status_code for page in pages] == [200, 200]
    assert asked == []
    assert [owner.get(page).status_code for page in pages] == [200, 200]
    assert len(asked) == 2


def test_a_version_goes_and_leaves_its_record_by_form(browser, alice, project):
    version = new_version(project, alice)
    page = "/projects/default/models/fraud/versions/1"
    at = browser(alice)

    assert at.post(f"{page}/act", {"act": "delete"}, page=page).status_code == 302
    assert "In the bin" in at.get(page).content.decode()
    assert "purge" in at.get(page).content.decode()
    at.post(f"{page}/act", {"act": "purge", "reason": "old"}, page=page)

    html = at.get(page).content.decode()
    assert "by alice: old" in html
    assert version.digest in html
    assert at.get("/projects/default/models/fraud").status_code == 200
    assert at.get("/projects/default/models").status_code == 200


@pytest.mark.parametrize(
    ("role", "act", "status"),
    [
        (Role.VIEWER, "archive", 403),
        (Role.CONTRIBUTOR, "delete", 403),
        (Role.MAINTAINER, "delete", 302),
        (Role.MAINTAINER, "purge", 403),
    ],
    ids=["viewer archives", "contributor deletes another's", "maintainer deletes", "maintainer purges"],
)
def test_a_form_is_refused_to_whom_the_act_is(browser, make_member, run, alice, role, act, status):
    person = make_member("carl", role)
    if act == "purge":
        services.delete_run(run=run, actor=alice)
    at = browser(person)

    answer = at.post(f"{page_of(run)}/act", {"act": act}, page="/settings/profile")

    assert answer.status_code == status


def test_strangers_find_no_run_to_act_on_and_no_usage(browser, mallory, run):
    at = browser(mallory)

    for answer in (
        at.get(page_of(run)),
        at.post(f"{page_of(run)}/act", {"act": "delete"}, page="/settings/profile"),
        at.get("/projects/default/usage"),
    ):
        assert answer.status_code == 404
    assert Run.objects.get(pk=run.pk).lifecycle == "active"


def test_an_act_that_is_none_is_refused(browser, alice, run):
    answer = browser(alice).post(f"{page_of(run)}/act", {"act": "burn"}, page=page_of(run))

    assert answer.status_code == 422


def test_the_usage_page_shows_numbers_holds_and_empty_states(browser, alice, project, run):
    at = browser(alice)
    assert "Nobody has put a hold" in at.get("/projects/default/usage").content.decode()
    retention.add_hold(project=project, kind="run", name=run.uuid.hex, reason="lawsuit 12/26", actor=alice)

    html = at.get("/projects/default/usage").content.decode()

    assert "lawsuit 12/26" in html
    assert "/projects/default/usage" in at.get("/settings/profile").content.decode()


def test_a_purged_version_is_still_its_promotions_page(browser, alice, project):
    from core.clock import now

    version = new_version(project, alice)
    ModelVersion.objects.filter(pk=version.pk).update(deleted_at=now())
    registry.purge_version(version=version, actor=alice)

    assert browser(alice).get("/projects/default/models/fraud/versions/1").status_code == 200
