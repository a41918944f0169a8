"""The people that the matrix and the fuzzing speak as: made by services alone, so that any fixture may call it."""

from typing import Any

from accounts import selectors, services
from accounts.models import Account
from core.access import Role, system_principal
from tests.security.matrix import ROLE_OF, World


def new_world() -> World:
    """Project `shared` with one member of each role and `bob`; project `elsewhere`; a stranger; a server's administrator."""
    actor = system_principal("tests")
    project, elsewhere = (services.create_project(name=name, actor=actor) for name in ("shared", "elsewhere"))
    accounts = {name: new_account(f"the-{name}") for name in ROLE_OF}
    for name, role in ROLE_OF.items():
        services.set_role(account=accounts[name], project=project, role=role, actor=actor)
    services.set_role(account=accounts["admin"], project=elsewhere, role=Role.ADMIN, actor=actor)
    for name, kind in (("bob", "user"), ("robot", "service")):
        account = new_account(name, kind=kind)
        services.set_role(account=account, project=project, role=Role.CONTRIBUTOR, actor=actor)
    people = {name: selectors.principal_of(account) for name, account in accounts.items()}
    people["stranger"] = selectors.principal_of(new_account("mallory"))
    people["server admin"] = selectors.principal_of(new_account("root", is_server_admin=True))
    world = World(project=project, people=people, make_token=new_token)
    world.names = {"project": "shared", "member": "bob", "service": "robot"}
    return world


def new_account(name: str, *, kind: str = "user", **options: Any) -> Account:
    return services.create_account(kind=kind, name=name, actor=system_principal("tests"), **options)


def new_token(principal: Any, *, scopes: tuple[str, ...] = ("*",), **options: Any) -> str:
    """The plaintext of a new token of that account."""
    account = Account.objects.get(uuid=principal.id)
    _, plaintext = services.create_token(
        account=account, name="tests", scopes=list(scopes), actor=system_principal("tests"), **options
    )
    return plaintext
