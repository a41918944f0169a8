"""What can be wrong with accounts, projects and secrets, in words a person would accept."""

from core.access import NotAllowed, Principal
from core.errors import Conflict, Forbidden, Unauthenticated


class NameTaken(Conflict):
    """An account or a project of this name exists; names are never given twice."""

    code = "name-taken"
    title = "Name already taken"


class LastAdmin(Conflict):
    """The act would leave a project, or the server, without an active administrator."""

    code = "last-admin"
    title = "Last administrator"


class AccountInactive(Conflict):
    """A deactivated account is given something new."""

    code = "account-inactive"
    title = "Account deactivated"


class ProjectArchived(Conflict):
    """A write into a project that was archived."""

    code = "project-archived"
    title = "Project archived"


class InvalidToken(Unauthenticated):
    """One answer for every way in which a token can be wrong, so that trying teaches nothing."""

    code = "invalid-token"
    title = "Token not accepted"

    def __init__(self) -> None:
        super().__init__("This token is not accepted: it is unknown, expired, revoked, or its account is deactivated.")


class InvalidLoginLink(Unauthenticated):
    """One answer for a link that is unknown, used, expired, or whose account or token has ended since."""

    code = "invalid-login-link"
    title = "Link not accepted"

    def __init__(self) -> None:
        super().__init__("This link does not sign in any more: it works once, for ten minutes. Ask for a new one.")


class CsrfRefused(Forbidden):
    """A page's cookie came without the proof that our own page sent the request."""

    code = "csrf"
    title = "Request not from our page"


class WiderThanMaker(NotAllowed):
    """A token or sign-in asked for that could do more than the one who asks."""

    code = "wider-than-maker"
    title = "Wider than its maker"

    def __init__(self, detail: str, *, principal: Principal) -> None:
        super().__init__(detail, principal=principal, permission="secret.make", project=None)
