"""The forms of saved views: save what a list shows under a name, change the view to it, delete the view."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission
from core.errors import Conflict, Invalid
from core.problems import status_of
from tracking import selectors, services
from tracking.models import SavedView
from tracking.services.views import ViewWish
from web.run_listing import Listing, listing_of
from web.views.base import PageRequest, project_page, show

ANSWERED = (Invalid, Conflict)


@project_page(room="runs", methods=("POST",), permission=Permission.RUN_WRITE)
def view_save(request: PageRequest, project: Project) -> HttpResponse:
    """A new view of what the list shows, whose address the form carries."""
    listing = _listing(request, project)
    wish = ViewWish(name=request.POST.get("name", "").strip(), **listing.rule)
    try:
        view = services.create_view(project=project, wish=wish, actor=request.principal)
    except ANSWERED as error:
        return _refused(request, error, listing)
    return HttpResponseRedirect(_address(project, view))


@project_page(room="runs", methods=("POST",), permission=Permission.RUN_WRITE)
def view_act(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """Its author may, and others who may delete runs."""
    view = selectors.get_view(project=project, uuid=uuid)
    if view.created_by_id != request.principal.id:
        archives.require(request.principal, Permission.RUN_DELETE, project)
    listing = _listing(request, project)
    try:
        match request.POST.get("act", ""):
            case "update":
                services.update_view(view=view, changes=listing.rule, actor=request.principal)
            case "rename":
                name = request.POST.get("name", "").strip()
                services.update_view(view=view, changes={"name": name}, actor=request.principal)
            case "delete":
                services.delete_view(view=view, actor=request.principal)
                return HttpResponseRedirect(reverse("web:run_list", args=[project.name]))
            case _:
                raise Invalid("This form has no such button.", field="act")
    except ANSWERED as error:
        return _refused(request, error, listing)
    return HttpResponseRedirect(_address(project, view))


def _listing(request: PageRequest, project: Project) -> Listing:
    return listing_of(project, QueryDict(request.POST.get("back", "").lstrip("?")))


def _address(project: Project, view: SavedView) -> str:
    return f"{reverse('web:run_list', args=[project.name])}?view={view.uuid}"


def _refused(request: PageRequest, error: Invalid | Conflict, listing: Listing) -> HttpResponse:
    return show(request, "web/run_act_refused.html", status=status_of(error), problem=error, back=listing.url())
