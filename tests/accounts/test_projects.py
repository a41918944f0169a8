"""Projects, roles in them, and who is left to administer them."""

import pytest

from accounts import selectors, services
from accounts.errors import AccountInactive, LastAdmin, NameTaken
from accounts.models import Account, Membership, Project
from audit.models import AuditEvent
from core import events, jobs
from core.access import Role, system_principal
from core.errors import Invalid, NotFound


def test_the_creator_administers_the_project(mallory, principal):
    project = services.create_project(name="fraud", actor=mallory)

    membership = Membership.objects.get(project=project)
    assert (membership.account.name, membership.role) == ("mallory", Role.ADMIN)


def test_a_project_made_by_the_system_has_no_member(db):
    project = services.create_project(name="fraud", actor=system_principal())

    assert not project.memberships.exists()


def test_a_new_project_is_announced(db, monkeypatch, run_jobs):
    heard = []
    monkeypatch.setitem(events._subscribers, "project.created", ["tests.hear"])
    jobs.job("tests.hear")(lambda **payload: heard.append(payload))

    project = services.create_project(name="fraud", actor=system_principal())
    run_jobs()

    assert heard == [{"project_id": project.id}]


def test_a_name_is_given_once(project):
    with pytest.raises(NameTaken):
        services.create_project(name=project.name, actor=system_principal())
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    "name",
    ["", "Fraud", "a b", "../x", "-x", ".x", "x" * 65, "fräud", "a\0b", "x\n", "me", "system", "a/b", "1".zfill(65)],
)
def test_names_are_lower_case_and_safe_in_a_path(db, name):
    with pytest.raises(Invalid):
        services.create_project(name=name, actor=system_principal())
    with pytest.raises(Invalid):
        services.create_account(kind="user", name=name, actor=system_principal())
    assert AuditEvent.objects.count() == 0


def test_a_strangers_project_and_a_missing_one_are_told_apart_by_nothing(make_project, mallory):
    make_project("hidden")
    refused = []
    for name in ("hidden", "absent"):
        with pytest.raises(NotFound) as refusal:
            selectors.get_project(name=name, visible_to=mallory)
        refused.append((refusal.value.detail.replace(name, "…"), refusal.value.extra))

    assert refused[0] == refused[1]


@pytest.mark.parametrize("name", ["", "x" * 10_000, "a\0b", "Default", "défaut"])
def test_an_impossible_name_is_a_missing_project(alice, name):
    with pytest.raises(NotFound):
        selectors.get_project(name=name, visible_to=alice)


def test_one_sees_the_projects_one_has_a_role_in(make_project, alice, bob, mallory, root, project):
    make_project("hidden")

    seen = {who.name: [p.name for p in selectors.list_projects(visible_to=who)] for who in (alice, bob, mallory, root)}

    assert seen == {"alice": ["default"], "bob": ["default"], "mallory": [], "root": ["default", "hidden"]}


def test_a_role_replaces_the_one_before(project, bob, alice, recorded_actions):
    account = Account.objects.get(name="bob")

    services.set_role(account=account, project=project, role=Role.APPROVER, actor=alice)

    assert Membership.objects.get(account=account).role == Role.APPROVER
    event = AuditEvent.objects.order_by("-id").first()
    assert event.action == "membership.set_role"
    assert '"before":{"role":"contributor"}' in event.body
    assert '"after":{"role":"approver"}' in event.body


def test_the_same_role_again_leaves_no_entry(project, bob, alice, recorded_actions):
    before = recorded_actions()

    services.set_role(account=Account.objects.get(name="bob"), project=project, role=Role.CONTRIBUTOR, actor=alice)

    assert recorded_actions() == before


@pytest.mark.parametrize("by", ["alice", "root"])
def test_the_last_admin_is_neither_removed_nor_demoted(project, alice, alice_account, root, by, recorded_actions):
    """Not even by the server's administrators: whoever wants the last one out appoints another first."""
    actor = {"alice": alice, "root": root}[by]
    before = recorded_actions()

    with pytest.raises(LastAdmin):
        services.remove_member(account=alice_account, project=project, actor=actor)
    with pytest.raises(LastAdmin):
        services.set_role(account=alice_account, project=project, role=Role.VIEWER, actor=actor)

    assert Membership.objects.get(account=alice_account).role == Role.ADMIN
    assert recorded_actions() == before


def test_the_last_admin_may_go_once_there_is_another(project, alice, alice_account, make_member):
    make_member("carol", Role.ADMIN)

    services.remove_member(account=alice_account, project=project, actor=alice)

    assert [m.account.name for m in selectors.list_members(project=project)] == ["carol"]


def test_a_deactivated_admin_does_not_count_as_one(project, alice, alice_account, make_member, root):
    make_member("carol", Role.ADMIN)
    services.deactivate_account(account=Account.objects.get(name="carol"), actor=root)

    with pytest.raises(LastAdmin):
        services.remove_member(account=alice_account, project=project, actor=alice)


def test_a_deactivated_account_gets_no_role(project, alice, make_account, root):
    carol = services.deactivate_account(account=make_account("carol"), actor=root)

    with pytest.raises(AccountInactive):
        services.set_role(account=carol, project=project, role=Role.VIEWER, actor=alice)


def test_who_has_no_role_cannot_lose_it(project, alice, make_account):
    with pytest.raises(NotFound):
        services.remove_member(account=make_account("carol"), project=project, actor=alice)


def test_archiving_and_restoring_leave_their_entries(project, alice, recorded_actions):
    before = len(recorded_actions())

    services.update_project(project=project, actor=alice, archived=True, description="Old", reason="replaced")
    services.update_project(project=project, actor=alice, archived=True)
    services.update_project(project=project, actor=alice, archived=False)

    assert recorded_actions()[before:] == ["project.update", "project.archive", "project.restore"]
    project.refresh_from_db()
    assert (project.is_archived, project.description) == (False, "Old")


def test_two_admins_demoting_each_other_leave_one(at_once, make_account, make_project):
    first, second = make_account("first"), make_account("second")
    project = make_project("duel", admin=first)
    services.set_role(account=second, project=project, role=Role.ADMIN, actor=system_principal())

    def demotion(account):
        return lambda: services.set_role(account=account, project=project, role=Role.VIEWER, actor=system_principal())

    results = at_once([demotion(first), demotion(second)])

    assert len([result for result in results if isinstance(result, LastAdmin)]) == 1
    assert Membership.objects.filter(project=project, role=Role.ADMIN.value).count() == 1


def test_two_server_admins_deactivating_each_other_leave_one(at_once, make_account):
    first, second = make_account("first", is_server_admin=True), make_account("second", is_server_admin=True)

    def deactivation(account):
        return lambda: services.deactivate_account(account=account, actor=system_principal())

    results = at_once([deactivation(first), deactivation(second)])

    assert len([result for result in results if isinstance(result, LastAdmin)]) == 1
    assert Account.objects.filter(is_server_admin=True, active=True).count() == 1
