"""The directory: which accounts a caller may know of."""

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.names import NAME
from core.access import Principal, Role, visible_project_ids
from core.errors import NotFound


def list_accounts(*, visible_to: Principal, kind: str | None = None) -> QuerySet[Account]:
    """Accounts by name: the caller's own and those they share a project with.

    Administrators, of the server or of any project, see all of them: who gives out roles has to find whom to give them
    to.
    """
    accounts = Account.objects.order_by("name")
    if kind is not None:
        accounts = accounts.filter(kind=kind)
    if _sees_everyone(visible_to):
        return accounts
    shared = visible_project_ids(visible_to) or set()
    return accounts.filter(Q(uuid=visible_to.id) | Q(memberships__project_id__in=shared)).distinct()


def get_account(*, name: str, visible_to: Principal, kind: str | None = None) -> Account:
    """Raises NotFound when there is none of that name, or the caller may not know of it; the answer is the same."""
    if NAME.fullmatch(name):
        account = list_accounts(visible_to=visible_to, kind=kind).filter(name=name).first()
        if account is not None:
            return account
    raise NotFound(f"There is no account '{name}' that you may see.")


def find_account(*, name: str) -> Account | None:
    """For commands and jobs, which see everyone."""
    return Account.objects.filter(name=name).first()


def _sees_everyone(principal: Principal) -> bool:
    if principal.only_project_id is not None or not principal.has_scope("manage"):
        return False
    return principal.is_server_admin or Role.ADMIN in principal.roles.values()
