"""The world that the matrix is tried in."""

import pytest

from core.access import Role, system_principal
from tests.security.matrix import ROLE_OF, World


@pytest.fixture
def world(make_account, make_project, make_token, principal, settings):
    """Project `shared` with one member of each role and `bob`; project `elsewhere`; a stranger; a server's administrator."""
    from accounts import services

    settings.DATA_ROOTS = [str(settings.HOME / "data")]
    actor = system_principal("tests")
    project, elsewhere = make_project("shared"), make_project("elsewhere")
    accounts = {name: make_account(f"the-{name}") for name in ROLE_OF}
    for name, role in ROLE_OF.items():
        services.set_role(account=accounts[name], project=project, role=role, actor=actor)
    services.set_role(account=accounts["admin"], project=elsewhere, role=Role.ADMIN, actor=actor)
    for name, kind in (("bob", "user"), ("robot", "service")):
        account = make_account(name, kind=kind)
        services.set_role(account=account, project=project, role=Role.CONTRIBUTOR, actor=actor)
    people = {name: principal(account) for name, account in accounts.items()}
    people["stranger"] = principal(make_account("mallory"))
    people["server admin"] = principal(make_account("root", is_server_admin=True))
    world = World(project=project, people=people, make_token=make_token)
    world.names = {"project": "shared", "member": "bob", "service": "robot"}
    return world
