from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from core.access import LEAST_ROLE, NotAllowed, Permission, Principal, Role, can, require, visible_project_ids
from core.errors import NotFound
from core.ids import uuid7


@dataclass
class Project:
    id: int
    uuid: UUID
    name: str


FRAUD = Project(1, uuid7(), "fraud")
CHURN = Project(2, uuid7(), "churn")


def member(role: Role | None, **changes) -> Principal:
    roles = {FRAUD.id: role} if role else {}
    return replace(Principal(id=uuid7(), kind="user", name="carol", roles=roles), **changes)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_it_and_those_before_it_may(role, permission):
    assert can(member(role), permission, FRAUD) == (role >= LEAST_ROLE[permission])


def test_a_stranger_is_told_of_no_project():
    with pytest.raises(NotFound, match="no project 'churn'"):
        require(member(Role.ADMIN), Permission.PROJECT_READ, CHURN)


def test_a_viewer_is_told_which_role_is_needed():
    with pytest.raises(NotAllowed, match="needs the role contributor"):
        require(member(Role.VIEWER), Permission.RUN_WRITE, FRAUD)


def test_a_narrow_token_is_told_which_scope_it_lacks():
    with pytest.raises(NotAllowed, match="lacks the scope 'log'"):
        require(member(Role.ADMIN, scopes=frozenset({"read"})), Permission.RUN_WRITE, FRAUD)


def test_a_token_bound_to_one_project_reaches_no_other_even_for_a_server_admin():
    bound = member(Role.ADMIN, is_server_admin=True, only_project_id=FRAUD.id)

    assert can(bound, Permission.MEMBER_WRITE, FRAUD)
    assert not can(bound, Permission.PROJECT_READ, CHURN)
    assert visible_project_ids(bound) == {FRAUD.id}


def test_a_server_admin_sees_all_projects_and_a_token_without_read_none():
    assert visible_project_ids(member(None, is_server_admin=True)) is None
    assert visible_project_ids(member(Role.ADMIN, scopes=frozenset({"log"}))) == set()
