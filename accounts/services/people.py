"""Accounts of people and services: made, changed, deactivated. None is ever deleted, because the ledger speaks of
them.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import recent
from accounts.errors import LastAdmin, NameTaken
from accounts.evidence import account_target
from accounts.models import Account, LoginLink, PageSession, Token
from accounts.names import check_name
from audit.services import record
from core import clock
from core.access import Principal
from core.errors import Invalid


@transaction.atomic
def create_account(
    *,
    kind: str,
    name: str,
    actor: Principal,
    display_name: str = "",
    email: str = "",
    is_server_admin: bool = False,
) -> Account:
    """A new account, without role, token or sign-in.

    Raises:
        Invalid: the name is not written as a name, or the kind is neither "user" nor "service".
        NameTaken: an account has that name, deactivated ones included.
    """
    check_name(name)
    if kind not in Account.Kind.values:
        raise Invalid(f"An account is one of {', '.join(Account.Kind.values)}, not {kind!r}.", field="kind")
    try:
        with transaction.atomic():
            account = Account.objects.create(
                kind=kind, name=name, display_name=display_name, email=email, is_server_admin=is_server_admin
            )
    except IntegrityError as exc:
        raise NameTaken(f"There is an account '{name}' already.") from exc
    record(
        action="account.create",
        target=account_target(account),
        actor=actor,
        project=None,
        after={
            "kind": kind,
            "display_name": display_name,
            "email": email,
            "is_server_admin": is_server_admin,
        },
    )
    return account


@transaction.atomic
def update_account(
    *,
    account: Account,
    actor: Principal,
    display_name: str | None = None,
    email: str | None = None,
    is_server_admin: bool | None = None,
) -> Account:
    """Change what is given; what is None, or as it was, stays and leaves no entry.

    Raises:
        LastAdmin: it would take the server's last active administrator away.
    """
    account = _lock(account)
    wished = {"display_name": display_name, "email": email, "is_server_admin": is_server_admin}
    after = {key: value for key, value in wished.items() if value is not None and value != getattr(account, key)}
    if not after:
        return account
    if after.get("is_server_admin") is False:
        _refuse_last_server_admin(account)
    before = {key: getattr(account, key) for key in after}
    _save(account, after)
    record(
        action="account.update", target=account_target(account), actor=actor, project=None, before=before, after=after
    )
    return account


@transaction.atomic
def deactivate_account(*, account: Account, actor: Principal, reason: str = "") -> Account:
    """Shut the account out: its tokens are revoked for good, its sessions and links end. Twice is once.

    Its roles stay on record. It may be the last administrator of a project, whom a leaver often is: the server's
    administrators then appoint another.

    Raises:
        LastAdmin: it is the server's last active administrator.
    """
    account = _lock(account)
    if not account.active:
        return account
    if account.is_server_admin:
        _refuse_last_server_admin(account)
    _save(account, {"active": False})
    ended = _end_secrets(account)
    record(
        action="account.deactivate",
        target=account_target(account),
        actor=actor,
        project=None,
        reason=reason,
        before={"active": True},
        after={"active": False, **ended},
    )
    return account


@transaction.atomic
def reactivate_account(*, account: Account, actor: Principal, reason: str = "") -> Account:
    """Let the account in again, with the roles it had and without any token: those have to be made anew. Twice is
    once.
    """
    account = _lock(account)
    if account.active:
        return account
    _save(account, {"active": True})
    record(
        action="account.reactivate",
        target=account_target(account),
        actor=actor,
        project=None,
        reason=reason,
        before={"active": False},
        after={"active": True},
    )
    return account


def _lock(account: Account) -> Account:
    """The account's row, locked together with the server's administrators, always in one order: two of them who shut each
    other out come one after the other, and neither waits for ever.
    """
    rows = Account.objects.select_for_update().filter(Q(pk=account.pk) | Q(is_server_admin=True)).order_by("id")
    return next(row for row in rows if row.pk == account.pk)


def _save(account: Account, changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        setattr(account, key, value)
    account.save(update_fields=list(changes))
    recent.forget_on_commit()


def _end_secrets(account: Account) -> dict[str, int]:
    revoked = Token.objects.filter(account=account, revoked_at=None).update(revoked_at=clock.now())
    sessions, _ = PageSession.objects.filter(account=account).delete()
    LoginLink.objects.filter(account=account, used_at=None).delete()
    return {"tokens_revoked": revoked, "sessions_ended": sessions}


def _refuse_last_server_admin(account: Account) -> None:
    if not Account.objects.filter(is_server_admin=True, active=True).exclude(pk=account.pk).exists():
        raise LastAdmin(f"'{account.name}' is the last administrator of this server; appoint another first.")
