"""How a caller proves to be an account: the ways in, and the proof that each of them hands on.

Every way in ends in a `Proof`, and `services.begin_session` asks for nothing else. Another one (OIDC, say) adds its
name to `SignInMethod` and a function that checks its evidence and returns a `Proof`; sessions, cookies and the ledger
stay as they are.
"""

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import Account, Token


class SignInMethod(StrEnum):
    """Named in the ledger's `auth.method` and on the session, so that one can tell later how somebody came in."""

    API_TOKEN = "api_token"  # noqa: S105 - the name of a method, not a secret
    LOGIN_LINK = "login_link"
    SESSION = "session"  # a page session begun earlier by one of the others


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence, already checked, that the caller is `account`. What it opens ends no later than the token it stems
    from.
    """

    account: Account
    method: SignInMethod
    stems_from: Token | None = None
