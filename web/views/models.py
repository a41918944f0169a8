"""Models of a project: the list, and one with its versions, environments and names; and the form that moves a name."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.problems import status_of
from registry import selectors, services
from registry.models import Model, ModelVersion
from web.directions import gated_metrics, questions_of
from web.gates import in_force
from web.model_rows import (
    MODEL_SORTS,
    MOST_COLUMNS,
    MOST_METRICS,
    VERSION_SORTS,
    find_models,
    model_rows,
    slot_rows,
    version_rows,
)
from web.paging import ordered, sorting_of
from web.promotions import promotion_rows
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show

SHOWN_PROMOTIONS = 10
SHOWN_MOVES = 30
LIFECYCLES = [str(value) for value in ModelVersion.Lifecycle.values]
LONGEST_REASON = 2_000  # characters; the forms say the same


@project_page(room="models")
def model_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "").strip() for key in ("q", "environment", "state")}
    sorting = sorting_of(request, MODEL_SORTS, default="name")
    environments = list(selectors.list_environments(project=project))
    found = find_models(
        project=project, text=query["q"], environment=query["environment"], lifecycle=_lifecycle(query["state"])
    )
    page = ordered(found, request, sorting, MODEL_SORTS)
    return show(
        request,
        "web/model_list.html",
        models=model_rows(page.rows, environments),
        next_url=page.next_url,
        query=query,
        is_filtered=any(query.values()),
        sorting=sorting,
        environments=environments,
        columns=environments[:MOST_COLUMNS],
        has_others=len(environments) > MOST_COLUMNS,
        lifecycles=LIFECYCLES,
    )


def _lifecycle(text: str) -> str:
    """Raises Invalid."""
    if text and text not in LIFECYCLES:
        raise Invalid(f"{text[:40]!r} is no state of a version; there are {', '.join(LIFECYCLES)}.", field="state")
    return text


@project_page(room="models")
def model_detail(request: PageRequest, project: Project, name: str) -> HttpResponse:
    return _page(request, project, selectors.get_model(project=project, name=name))


@project_page(room="models", methods=("POST",), permission=Permission.MODEL_WRITE)
def alias_act(request: PageRequest, project: Project, name: str) -> HttpResponse:
    """Set or delete an alias by form; back to the model, whose history of aliases says so."""
    model = selectors.get_model(project=project, name=name)
    try:
        _move_alias(request, model)
    except (Invalid, Conflict, Forbidden, NotFound) as error:
        return _page(request, project, model, alias_error=error.detail, status=status_of(error))
    return HttpResponseRedirect(f"{reverse('web:model_detail', args=[project.name, name])}#aliases")


def _move_alias(request: PageRequest, model: Model) -> None:
    """Raises what the services raise, and Invalid for an act or a version that is none."""
    fields = {key: request.POST.get(key, "").strip() for key in ("act", "alias", "version", "reason")}
    if len(fields["reason"]) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    if fields["act"] == "set":
        version = selectors.get_version(model=model, ref=fields["version"].removeprefix("v"))
        services.set_alias(
            model=model, name=fields["alias"], version=version, actor=request.principal, reason=fields["reason"]
        )
    elif fields["act"] == "delete":
        services.delete_alias(model=model, name=fields["alias"], actor=request.principal, reason=fields["reason"])
    else:
        raise Invalid(f"{fields['act'][:20]!r} is none of set, delete.", field="act")


def _page(
    request: PageRequest, project: Project, model: Model, *, alias_error: str = "", status: int = 200
) -> HttpResponse:
    state = _lifecycle(request.GET.get("state", "").strip())
    sorting = sorting_of(request, VERSION_SORTS, default="-version")
    versions = selectors.list_versions(model=model)
    page = ordered(versions.filter(lifecycle=state) if state else versions, request, sorting, VERSION_SORTS)
    aliases = selectors.list_aliases(model=model)
    slots = selectors.list_slots(model=model)
    environments = [slot.environment for slot in slots]
    revisions = selectors.revisions_in_force(each.policy_id for each in environments if each.policy_id)
    metrics = gated_metrics(questions_of(in_force(environments, revisions)))[:MOST_METRICS]
    promotions = selectors.list_promotions(project=project, model=model.name)[:SHOWN_PROMOTIONS]
    return show(
        request,
        "web/model_detail.html",
        status=status,
        model=model,
        slots=slot_rows(model, slots),
        metrics=metrics,
        versions=version_rows(page.rows, aliases, metrics),
        next_url=page.next_url,
        sorting=sorting,
        state=state,
        lifecycles=LIFECYCLES,
        aliases=[alias for alias in aliases if not alias.is_environment],
        moves=list(selectors.alias_changes(model=model)[: SHOWN_MOVES + 1]),
        shown_moves=SHOWN_MOVES,
        may_move=archives.can(request.principal, Permission.MODEL_WRITE, project) and model.deleted_at is None,
        alias_error=alias_error,
        given=request.POST,
        promotions=promotion_rows(promotions),
        entries=trail_of(project=project, type="model", id=str(model.uuid), viewer=request.principal),
    )
