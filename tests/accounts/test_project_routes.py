"""Projects and members over REST."""

import pytest

from accounts import services
from core.access import Role


def test_a_server_admin_creates_a_project_and_administers_it(api, root, recorded_actions):
    response = api(root).post("projects", json={"name": "fraud", "description": "Cards"})

    assert response.status_code == 201
    assert response.json() | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "fraud",
        "description": "Cards",
        "archived": False,
        "archived_at": None,
        "created_at": "",
        "role": "admin",
    }
    assert recorded_actions()[-2:] == ["project.create", "membership.set_role"]


def test_a_member_cannot_create_projects(api, alice):
    """A clash of names would tell of projects that are none of the caller's."""
    assert api(alice).post("projects", json={"name": "fraud"}).status_code == 403


def test_a_taken_name_is_a_conflict(api, root, project):
    response = api(root).post("projects", json={"name": "default"})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/name-taken")


def test_pages_of_projects_are_complete_and_never_repeat(api, root, make_project):
    names = [f"p{number}" for number in range(5)]
    for name in names:
        make_project(name)
    client, seen, cursor = api(root), [], ""

    while cursor is not None:
        body = client.get(f"projects?limit=2&cursor={cursor}").json()
        seen += [item["name"] for item in body["items"]]
        cursor = body["next_cursor"]

    assert seen == names


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1001", "cursor=%00", "cursor=WzFd", "cursor=WyJhXHUwMDAwIl0"]
)
def test_a_page_that_cannot_be_is_refused(api, root, query):
    assert api(root).get(f"projects?{query}").status_code == 422


def test_the_administrator_appoints_and_removes_members(api, alice, make_account, recorded_actions):
    make_account("carol")
    client = api(alice)

    put = client.put("projects/default/members/carol", json={"role": "approver"})
    listed = client.get("projects/default/members").json()["items"]
    removed = client.delete("projects/default/members/carol")

    assert (put.status_code, put.json()["role"]) == (200, "approver")
    assert [(member["account"], member["role"]) for member in listed] == [("alice", "admin"), ("carol", "approver")]
    assert removed.status_code == 204
    assert recorded_actions()[-2:] == ["membership.set_role", "membership.remove"]


def test_the_last_administrator_stays(api, alice):
    response = api(alice).delete("projects/default/members/alice")

    assert (response.status_code, response.json()["type"]) == (409, "/problems/last-admin")


def test_a_role_that_does_not_exist_is_refused_by_name(api, alice, bob):
    response = api(alice).put("projects/default/members/bob", json={"role": "king", "until": "monday"})

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["until"]


def test_archiving_closes_a_project_for_writing_and_not_for_reading(api, alice, project):
    client = api(alice)
    archived = client.patch("projects/default", json={"archived": True, "reason": "replaced"})

    assert archived.json()["archived"] is True
    assert client.get("projects/default").status_code == 200
    assert client.put("projects/default/members/alice", json={"role": "admin"}).status_code == 200
    assert client.patch("projects/default", json={"archived": False}).json()["archived_at"] is None


def test_a_write_into_an_archived_project_is_a_conflict(alice, project, settings):
    from rest_framework.response import Response
    from rest_framework.test import APIRequestFactory

    from accounts.api.base import ProjectView
    from core.access import Permission

    class Write(ProjectView):
        authentication_classes = []
        permission_classes = []
        throttle_classes = []
        permissions = {"POST": Permission.RUN_WRITE, "GET": Permission.PROJECT_READ}

        def post(self, request):
            return Response({})

        def get(self, request):
            return Response({})

    def answer(verb):
        request = getattr(APIRequestFactory(), verb)("/?project=default")
        request.principal = alice
        return Write.as_view()(request).status_code

    assert answer("post") == 200
    services.update_project(project=project, actor=alice, archived=True)
    assert (answer("post"), answer("get")) == (409, 200)


def test_a_project_route_that_forgets_its_permission_cannot_be_made():
    from accounts.api.base import ProjectView

    with pytest.raises(TypeError, match="post"):

        class Forgetful(ProjectView):
            permissions = {}

            def post(self, request):
                """Never reached."""


def test_a_refused_act_stands_on_the_ledger(api, bob, project, recorded_actions):
    from audit.models import AuditEvent

    response = api(bob).put("projects/default/members/bob", json={"role": "admin"})

    assert response.status_code == 403
    event = AuditEvent.objects.order_by("-id").first()
    assert (event.action, event.outcome, event.target_id) == ("access.denied", "denied", "member.write")


def test_a_contributor_sees_the_members(api, bob):
    assert [m["account"] for m in api(bob).get("projects/default/members").json()["items"]] == ["alice", "bob"]


def test_the_members_mail_addresses_are_their_own(api, bob, make_member, make_account):
    make_member("carol", Role.VIEWER, email="carol@example.com")

    response = api(bob).get("users/carol")

    assert response.json()["email"] is None
