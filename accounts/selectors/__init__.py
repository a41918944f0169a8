"""Reads of accounts: who is there, which projects a caller may see, and whom a secret belongs to."""

from accounts.selectors.directory import find_account, get_account, list_accounts
from accounts.selectors.principals import find_session, principal_of, principal_of_session, principal_of_token
from accounts.selectors.projects import get_project, list_members, list_projects
from accounts.selectors.tokens import get_token, list_tokens

__all__ = [
    "find_account",
    "find_session",
    "get_account",
    "get_project",
    "get_token",
    "list_accounts",
    "list_members",
    "list_projects",
    "list_tokens",
    "principal_of",
    "principal_of_session",
    "principal_of_token",
]
