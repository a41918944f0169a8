"""What accounts look like on the wire. Each function has its description for OpenAPI in `schemas`."""

from typing import Any

from accounts.models import Account, Membership, Project, Token
from core import clock
from core.access import Principal, Role


def account_out(account: Account, *, viewer: Principal) -> dict[str, Any]:
    """The mail address is shown to its owner and to administrators of the server; to others it is null."""
    sees_mail = viewer.is_server_admin or viewer.id == account.uuid
    return {
        "id": account.uuid,
        "name": account.name,
        "kind": account.kind,
        "display_name": account.display_name,
        "email": account.email if sees_mail else None,
        "is_server_admin": account.is_server_admin,
        "active": account.active,
        "created_at": account.created_at,
    }


def project_out(project: Project, *, viewer: Principal) -> dict[str, Any]:
    role = viewer.role_in(project)
    return {
        "id": project.uuid,
        "name": project.name,
        "description": project.description,
        "archived": project.is_archived,
        "archived_at": project.archived_at,
        "created_at": project.created_at,
        "role": role.label if role else None,
    }


def member_out(membership: Membership) -> dict[str, Any]:
    account = membership.account
    return {
        "account": account.name,
        "kind": account.kind,
        "display_name": account.display_name,
        "active": account.active,
        "role": Role(membership.role).label,
        "since": membership.created_at,
    }


def token_out(token: Token) -> dict[str, Any]:
    return {
        "id": token.uuid,
        "name": token.name,
        "prefix": token.prefix,
        "account": token.account.name,
        "scopes": token.scopes,
        "project": token.project.name if token.project else None,
        "state": _token_state(token),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _token_state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "active" if token.is_usable(clock.now()) else "expired"
