"""Which projects a caller may see, and who is in them."""

from django.db.models import QuerySet

from accounts import recent
from accounts.models import Membership, Project
from accounts.names import NAME
from core.access import Principal, project_not_found, visible_project_ids

_by_name = recent.memory()


def get_project(*, name: str, visible_to: Principal) -> Project:
    """The project of that name, shared between requests for two seconds: read it, and change it through services only.

    Raises:
        NotFound: there is none, or `visible_to` has no role in it; the answer is the same.
    """
    if NAME.fullmatch(name):
        project: Project | None = _by_name.get(name, lambda: Project.objects.filter(name=name).first())
        if project is not None and visible_to.role_in(project) is not None:
            return project
    raise project_not_found(name)


def list_projects(*, visible_to: Principal) -> QuerySet[Project]:
    """Projects the caller may read, by name; archived ones included."""
    visible = visible_project_ids(visible_to)
    projects = Project.objects.order_by("name")
    return projects if visible is None else projects.filter(id__in=visible)


def list_members(*, project: Project) -> QuerySet[Membership]:
    """Who has a role in `project`, by account name. Lazy; the account comes along."""
    return Membership.objects.filter(project=project).select_related("account").order_by("account__name")
