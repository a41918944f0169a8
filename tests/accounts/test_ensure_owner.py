"""First start: closed from the first moment, and nothing to set up."""

import pytest

from accounts import selectors, services
from accounts.errors import InvalidToken
from accounts.models import Account, Membership, Project, Token
from audit.models import AuditEvent
from core.access import Role, require_server_admin
from core.errors import NotFound


def test_a_first_start_makes_owner_project_and_token(db, recorded_actions):
    plaintext = services.ensure_owner()

    owner = selectors.principal_of_token(plaintext)
    require_server_admin(owner)
    assert owner.name == "owner"
    assert [project.name for project in selectors.list_projects(visible_to=owner)] == ["default"]
    assert Membership.objects.get().role == Role.ADMIN
    assert recorded_actions() == ["account.create", "project.create", "membership.set_role", "token.create"]
    assert set(AuditEvent.objects.values_list("actor_type", flat=True)) == {"system"}


def test_a_second_start_makes_nothing(db, recorded_actions):
    services.ensure_owner()
    before = recorded_actions()

    assert services.ensure_owner() is None
    assert (Account.objects.count(), Project.objects.count(), Token.objects.count()) == (1, 1, 1)
    assert recorded_actions() == before


def test_no_token_is_known_beforehand(db):
    """No default password: two servers never share a secret."""
    first = services.ensure_owner()
    assert first is not None

    second = services.renew_owner_token()

    assert first != second
    assert first[-43:] not in str(list(Token.objects.values()))


def test_a_lost_token_is_replaced_and_the_old_one_ends(db):
    lost = services.ensure_owner()

    fresh = services.renew_owner_token()

    assert selectors.principal_of_token(fresh).name == "owner"
    with pytest.raises(InvalidToken):
        selectors.principal_of_token(lost)


def test_there_is_no_fresh_token_without_an_owner(db):
    with pytest.raises(NotFound):
        services.renew_owner_token()
