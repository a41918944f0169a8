"""What a token has to be good for on routes that belong to no project."""

from core.access import NotAllowed, Principal


def require_scope(principal: Principal, scope: str) -> None:
    """Raises NotAllowed unless the token the caller signed in with has `scope`."""
    if not principal.has_scope(scope):
        raise NotAllowed(
            f"This token lacks the scope '{scope}'.", principal=principal, permission=f"scope.{scope}", project=None
        )
