"""Tokens as their owners and the server's administrators see them; never their secrets, which nobody has."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Token
from core.access import Principal
from core.errors import NotFound


def list_tokens(*, visible_to: Principal) -> QuerySet[Token]:
    """Newest first: one's own, and all of them for an administrator of the server. A token bound to a project sees its
    like.
    """
    tokens = Token.objects.select_related("account", "project").order_by("-id")
    if visible_to.only_project_id is not None:
        tokens = tokens.filter(project_id=visible_to.only_project_id)
    elif visible_to.is_server_admin and visible_to.has_scope("manage"):
        return tokens
    return tokens.filter(account__uuid=visible_to.id)


def get_token(*, uuid: UUID, visible_to: Principal) -> Token:
    """Raises NotFound when there is none, or it is another's."""
    token = list_tokens(visible_to=visible_to).filter(uuid=uuid).first()
    if token is None:
        raise NotFound(f"There is no token '{uuid}' that you may see.")
    return token
