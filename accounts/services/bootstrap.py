"""First start: the owner, the default project and the first token, so that nothing has to be set up and nothing stands
open.
"""

from django.db import transaction

from accounts.models import Account, Project, Token
from accounts.services.people import create_account
from accounts.services.projects import create_project, set_role
from accounts.services.tokens import create_token, revoke_token
from core.access import Principal, Role, system_principal
from core.errors import NotFound

OWNER = "owner"
DEFAULT_PROJECT = "default"
OWNER_TOKEN = "first start"  # noqa: S105 - the token's name, which lists show


@transaction.atomic
def ensure_owner() -> str | None:
    """On a server without accounts: the account `owner` (administrator of the server), the project `default` and a
    token, whose plaintext is returned. On any other server nothing happens, and None is returned. Safe to run twice.
    """
    if Account.objects.exists():
        return None
    actor = system_principal()
    owner = create_account(kind=Account.Kind.USER, name=OWNER, actor=actor, display_name="Owner", is_server_admin=True)
    project = Project.objects.filter(name=DEFAULT_PROJECT).first() or create_project(name=DEFAULT_PROJECT, actor=actor)
    set_role(account=owner, project=project, role=Role.ADMIN, actor=actor)
    return _owner_token(owner, actor)


@transaction.atomic
def renew_owner_token() -> str:
    """A fresh token for `owner` in the place of the one of the first start, for when its file was lost.

    Whoever may run this holds the server's own files, and with them everything already.

    Raises:
        NotFound: this server has no active account of that name.
    """
    owner = Account.objects.filter(name=OWNER, active=True).first()
    if owner is None:
        raise NotFound("This server has no active account 'owner'.")
    actor = system_principal()
    for token in Token.objects.filter(account=owner, name=OWNER_TOKEN, revoked_at=None):
        revoke_token(token=token, actor=actor, reason="replaced by a fresh one")
    return _owner_token(owner, actor)


def _owner_token(owner: Account, actor: Principal) -> str:
    _, plaintext = create_token(account=owner, name=OWNER_TOKEN, scopes=["*"], actor=actor)
    return plaintext
