"""What a stranger may know of this server, and what a caller may know of itself."""

from importlib.metadata import version
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.render import account_out
from accounts.api.schemas import MeOut, ServerOut
from accounts.models import Account
from accounts.selectors import list_projects
from audit import keys
from audit.rotation import rotations
from audit.services import vkey
from core.access import Principal
from core.api import ApiView


class Server(ApiView):
    """First contact: a client pins the key before it sends a token anywhere."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(responses=ServerOut)
    def get(self, request: Request) -> Response:
        return Response(
            {
                "name": "lineal",
                "version": version("lineal-server"),
                "vkey": vkey(),
                "origin": keys.origin(),
                "rotations": rotations(),
                "cosigner_vkey": keys.find_cosigner_vkey() or "",
            }
        )


class Me(ApiView):
    @extend_schema(responses=MeOut)
    def get(self, request: Request) -> Response:
        """Who is calling: the account, what its token may do, and its roles by project."""
        caller = self.principal
        account = Account.objects.get(uuid=caller.id)
        projects = [project for project in list_projects(visible_to=caller) if caller.role_in(project)]
        return Response(
            {
                "account": account_out(account, viewer=caller),
                "auth": _auth_out(caller, {project.id: project.name for project in projects}),
                "projects": [
                    {"name": project.name, "role": role.label}
                    for project in projects
                    if (role := caller.role_in(project)) is not None
                ],
            }
        )


def _auth_out(caller: Principal, names: dict[int, str]) -> dict[str, Any]:
    return {
        "method": caller.auth_method,
        "scopes": sorted(caller.scopes),
        "project": names.get(caller.only_project_id) if caller.only_project_id is not None else None,
        "token_id": caller.token_id,
    }
