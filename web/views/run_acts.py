"""What is done to the runs that somebody selected: compared, tagged, archived, deleted; and undone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission
from core.errors import Invalid, LinealError
from core.ids import parse_run_id
from core.problems import status_of
from retention import services as retention
from retention.kinds import Act
from retention.models import Deletion, DeletionItem
from retention.plans import make_plan
from retention.selectors import find_deletion
from tracking import selectors, services
from web.run_listing import listing_of
from web.standing import LONGEST_REASON
from web.views.base import PageRequest, project_page, show

MOST_SELECTED = 500  # rows of a list that has been read on and on


@project_page(room="runs", methods=("POST",), permission=Permission.PROJECT_READ)
def runs_act(request: PageRequest, project: Project) -> HttpResponse:
    """One of the acts of the bar below the list, by the value of its button; back to the list, which says what became of it."""
    try:
        return _ACTS.get(request.POST.get("act", ""), _unknown)(request, project)
    except LinealError as error:
        if status_of(error) in (401, 404):
            raise
        return show(
            request, "web/run_act_refused.html", status=status_of(error), problem=error, back=_back(request, project)
        )


def _compare(request: PageRequest, project: Project) -> HttpResponse:
    ids = ",".join(_selected(request))
    return HttpResponseRedirect(f"{reverse('web:run_compare', args=[project.name])}?{urlencode({'runs': ids})}")


def _tag(request: PageRequest, project: Project) -> HttpResponse:
    archives.require(request.principal, Permission.RUN_WRITE, project)
    key, value = request.POST.get("key", "").strip(), request.POST.get("value", "").strip()
    ids = [parse_run_id(text) for text in _selected(request)]
    runs = selectors.get_runs(project=project, ids=ids)
    services.tag_runs(runs=list(runs.values()), key=key, value=value or None)
    return HttpResponseRedirect(_back(request, project, tagged=len(ids)))


def _put_away(act: Act) -> Callable[[PageRequest, Project], HttpResponse]:
    def put_away(request: PageRequest, project: Project) -> HttpResponse:
        reason = request.POST.get("reason", "").strip()
        if len(reason) > LONGEST_REASON:
            raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
        archives.require(request.principal, Permission.RUN_WRITE, project)
        plan = make_plan(
            project=project, kind="run", act=act, principal=request.principal, ids=_selected(request), measured=False
        )
        were = [entry.item.key for entry in plan.entries if entry.item.state == "archived"]
        plan = replace(plan, selection={"archived": were} if were else {})
        deletion = retention.request_deletion(project=project, plan=plan, reason=reason, actor=request.principal)
        return HttpResponseRedirect(_back(request, project, done=str(deletion.uuid)))

    return put_away


def _undo(request: PageRequest, project: Project) -> HttpResponse:
    """Back to what the runs were: those that an act has changed, and those that were archived into the archive."""
    archives.require(request.principal, Permission.RUN_WRITE, project)
    deletion = find_deletion(project=project, text=request.POST.get("deletion", ""))
    if deletion is None or deletion.kind != "run" or deletion.act not in (Act.ARCHIVE, Act.DELETE):
        raise Invalid("There is nothing to undo.", field="deletion")
    changed = deletion.items.filter(outcome=DeletionItem.Outcome.DONE).values_list("key", flat=True)
    were_archived = set(deletion.selection.get("archived", ()))
    keys = list(changed[:MOST_SELECTED])
    _perform(request, project, Act.RESTORE, keys, deletion)
    if deletion.act == Act.DELETE:
        _perform(request, project, Act.ARCHIVE, [key for key in keys if key in were_archived], deletion)
    return HttpResponseRedirect(_back(request, project, undone=len(keys)))


def _perform(request: PageRequest, project: Project, act: Act, keys: Sequence[str], of: Deletion) -> None:
    if keys:
        plan = make_plan(project=project, kind="run", act=act, principal=request.principal, ids=keys, measured=False)
        retention.request_deletion(project=project, plan=plan, reason=f"undo: {of.label}", actor=request.principal)


def _selected(request: PageRequest) -> list[str]:
    """Ids of the rows that are checked. Raises Invalid."""
    ids = list(dict.fromkeys(request.POST.getlist("run")))
    if not ids:
        raise Invalid("Select runs first: check the boxes before their names.", field="run")
    if len(ids) > MOST_SELECTED:
        raise Invalid(f"At most {MOST_SELECTED} runs can be selected; for more, narrow the search.", field="run")
    return [parse_run_id(text).hex for text in ids]


def _back(request: PageRequest, project: Project, **said: object) -> str:
    """The list as it was, whose address the form carries as a query string and nothing more."""
    listing = listing_of(project, QueryDict(request.POST.get("back", "").lstrip("?")))
    fields = {**listing.fields, **{name: str(value) for name, value in said.items()}}
    return f"{listing.url().partition('?')[0]}{'?' if fields else ''}{urlencode(fields)}"


def _unknown(request: PageRequest, project: Project) -> HttpResponse:
    raise Invalid("This form has no such button.", field="act")


_ACTS: Mapping[str, Callable[[PageRequest, Project], HttpResponse]] = {
    "compare": _compare,
    "tag": _tag,
    "archive": _put_away(Act.ARCHIVE),
    "delete": _put_away(Act.DELETE),
    "restore": _put_away(Act.RESTORE),
    "undo": _undo,
}
