"""Writes to accounts: people, projects, roles, tokens and sign-ins change only here, each change with its ledger
entry.
"""

from accounts.services.bootstrap import ensure_owner, renew_owner_token
from accounts.services.people import create_account, deactivate_account, reactivate_account, update_account
from accounts.services.projects import create_project, remove_member, set_role, update_project
from accounts.services.sessions import (
    begin_session,
    create_login_link,
    end_session,
    exchange_login_link,
    exchange_token,
    note_session_use,
    purge_expired,
)
from accounts.services.tokens import create_token, note_token_use, revoke_token

__all__ = [
    "begin_session",
    "create_account",
    "create_login_link",
    "create_project",
    "create_token",
    "deactivate_account",
    "end_session",
    "ensure_owner",
    "exchange_login_link",
    "exchange_token",
    "note_session_use",
    "note_token_use",
    "purge_expired",
    "reactivate_account",
    "remove_member",
    "renew_owner_token",
    "revoke_token",
    "set_role",
    "update_account",
    "update_project",
]
