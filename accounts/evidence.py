"""How accounts' own things are named on the ledger: by lasting id, and by their name at the time."""

from accounts.models import Account, Membership, PageSession, Project, Token
from audit.events import Target


def account_target(account: Account) -> Target:
    return Target("account", str(account.uuid), account.name)


def project_target(project: Project) -> Target:
    return Target("project", str(project.uuid), project.name)


def membership_target(membership: Membership) -> Target:
    return Target("membership", str(membership.account.uuid), membership.account.name)


def token_target(token: Token) -> Target:
    return Target("token", str(token.uuid), f"{token.prefix} ({token.name})")


def session_target(session: PageSession) -> Target:
    return Target("session", str(session.uuid), session.account.name)
