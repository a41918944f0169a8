"""`ProjectView`: a route about one project, which is found and whose permission is checked before the handler runs."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request

from accounts import archives
from accounts.models import Project
from accounts.selectors import get_project
from core.access import Permission
from core.api import ApiView

DEFAULT_PROJECT = "default"
_HANDLERS = ("get", "head", "post", "put", "patch", "delete")


class ProjectView(ApiView):
    """A route of the project named by `?project=` (or by the path, where a subclass says so).

    `permissions` names what each verb needs: `{"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}`. A
    handler without an entry is a mistake that is met when the class is made, so no route can forget to ask.
    """

    permissions: ClassVar[Mapping[str, Permission]] = {}
    project_in_query: ClassVar[bool] = True
    project: Project

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        unguarded = [verb for verb in _HANDLERS if hasattr(cls, verb) and cls.permission_for(verb) is None]
        if unguarded:
            raise TypeError(f"{cls.__name__} handles {', '.join(unguarded)} and names no permission for it.")

    @classmethod
    def permission_for(cls, verb: str) -> Permission | None:
        """What `verb` needs; HEAD needs what GET needs."""
        verb = verb.upper()
        return cls.permissions.get("GET" if verb == "HEAD" else verb)

    def project_name(self, request: Request) -> str:
        return request.query_params.get("project", DEFAULT_PROJECT)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.project = get_project(name=self.project_name(request), visible_to=self.principal)
        permission = self.permission_for(request.method or "")
        if permission is not None:
            self.check_project(permission)

    def check_project(self, permission: Permission) -> None:
        """Raises NotFound or NotAllowed as `core.access.require` does, and ProjectArchived for a write into an
        archive.
        """
        archives.require(self.principal, permission, self.project)
