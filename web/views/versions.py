"""One version of a model: its bytes, its line, how it compares with what stands, and the form that asks to promote it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import NotAllowed, Permission
from core.errors import Conflict, Forbidden, Invalid
from core.problems import status_of
from registry import selectors, services
from registry.judging import NOBODY
from registry.models import ManifestFile, ModelVersion, Promotion, Slot
from registry.services.promotions import Request
from retention import kinds
from web.comparing import compare, indented, signature_parts
from web.deployments import deployment_rows
from web.gates import gate_rows, in_force
from web.lines import Start, whole_line_of
from web.model_rows import version_row
from web.promotions import promotion_rows
from web.standing import REFUSALS, asked, standing_of
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show

SHOWN_FILES = 500
SHOWN_ROWS = 20
LONGEST_REASON = 2_000  # characters; the form says the same


@project_page(room="models")
def version_detail(request: PageRequest, project: Project, name: str, number: int) -> HttpResponse:
    return _page(request, project, _find(project, name, number))


ACTS = {"delete": services.delete_version, "restore": services.restore_version, "purge": services.purge_version}


@project_page(room="models", methods=("POST",))
def version_act(request: PageRequest, project: Project, name: str, number: int) -> HttpResponse:
    """Delete, restore or purge by form; back to the version, which says what became of it."""
    version = _find(project, name, number)
    try:
        act, service, reason = asked(request, ACTS)
        permission = kinds.get_kind("model_version").needed(act, creator=version.created_by_id, by=request.principal)
        archives.require(request.principal, permission, project)
        service(version=version, actor=request.principal, reason=reason)
    except NotAllowed:
        raise
    except REFUSALS as error:
        return _page(request, project, version, put_away_error=error.detail, status=status_of(error))
    return HttpResponseRedirect(reverse("web:version_detail", args=[project.name, name, number]))


@project_page(room="models", methods=("POST",), permission=Permission.PROMOTION_REQUEST)
def promotion_request(request: PageRequest, project: Project, name: str, number: int) -> HttpResponse:
    """Ask by form to promote the version; on to the promotion's own page, which says what came of it."""
    version = _find(project, name, number)
    try:
        promotion, _ = services.request_promotion(_request(request, project, version))
    except (Invalid, Conflict, Forbidden) as error:
        return _page(request, project, version, error=error.detail, status=status_of(error))
    return HttpResponseRedirect(reverse("web:promotion_detail", args=[project.name, promotion.uuid]))


@project_page(room="models", permission=Permission.PROMOTION_REQUEST)
def promotion_plan(request: PageRequest, project: Project, name: str, number: int) -> HttpResponse:
    """What would block it: everything a promotion would be judged by, judged now. Changes nothing and asks nobody."""
    version = _find(project, name, number)
    slots = [slot for slot in selectors.list_slots(model=version.model) if slot.version_id != version.pk]
    wanted = request.GET.get("environment", "") or (slots[0].environment.name if slots else "")
    environment = selectors.get_environment(project=project, name=wanted)
    plan = services.plan_promotion(
        Request(model=version.model, version=version, environment=environment, actor=request.principal, reason="")
    )
    gates = gate_rows(plan.gates, project)
    return show(
        request,
        "web/promotion_plan.html",
        model=version.model,
        version=version,
        environment=environment,
        environments=[slot.environment.name for slot in slots],
        plan=plan,
        gates=gates,
        blocking=[gate for gate in gates if gate["blocks"] and gate["status"] != "waiting"],
        policy=plan.policy_revision,
        expect_current=plan.previous.digest if plan.previous else NOBODY,
        may_ask=not version.is_barred and plan.decision != "already",
    )


def _request(request: PageRequest, project: Project, version: ModelVersion) -> Request:
    """Raises Invalid, and NotFound for an environment that is none. A form that was shown who holds the environment asks
    for that to be so still.
    """
    reason = request.POST.get("reason", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(f"A promotion needs a reason of 1 to {LONGEST_REASON} characters.", field="reason")
    environment = selectors.get_environment(project=project, name=request.POST.get("environment", ""))
    return Request(
        model=version.model,
        version=version,
        environment=environment,
        actor=request.principal,
        reason=reason,
        expect_current=request.POST.get("expect_current") or None,
    )


def _find(project: Project, name: str, number: int) -> ModelVersion:
    return selectors.get_version(model=selectors.get_model(project=project, name=name), ref=number)


def _page(
    request: PageRequest,
    project: Project,
    version: ModelVersion,
    *,
    error: str = "",
    put_away_error: str = "",
    status: int = 200,
) -> HttpResponse:
    model, principal = version.model, request.principal
    files = selectors.manifest_files(version)
    all_slots = selectors.list_slots(model=model)
    slots = [slot for slot in all_slots if slot.version_id != version.pk]
    champion = _champion(slots, request.GET.get("against", ""))
    environments = [slot.environment for slot in all_slots]
    revisions = selectors.revisions_in_force(each.policy_id for each in environments if each.policy_id)
    promotions = selectors.list_promotions(project=project, model=model.name).filter(version=version)
    deployments = selectors.list_deployments(project=project, model=model.name).filter(version=version)
    start = Start(project, "model_version", version.uuid.hex, principal)
    return show(
        request,
        "web/version_detail.html",
        status=status,
        standing=standing_of(
            project=project,
            viewer=principal,
            kind="model_version",
            key=version.uuid.hex,
            state=version.standing if version.standing in {"deleted", "purged"} else "active",
            deleted_at=version.deleted_at or model.deleted_at,
            creator=version.created_by_id,
            action=reverse("web:version_act", args=[project.name, model.name, version.number]),
            error=put_away_error,
        ),
        model=model,
        version=version_row(
            version,
            selectors.list_aliases(model=model),
            waiting=[each.environment.name for each in promotions.filter(decision=Promotion.Decision.WAITING)],
        ),
        newest_number=model.last_number,
        description=version.description,
        artifact=version.artifact,
        seal=version.seal,
        files=[_file(version, file) for file in files[:SHOWN_FILES]],
        file_count=len(files),
        size=sum(file.blob.size for file in files),
        states=_states(files),
        more_files=len(files) > SHOWN_FILES,
        manifest_url=_route(version, "manifest"),
        metrics=compare(
            version.run,
            champion.version.run if champion and champion.version else None,
            in_force(environments, revisions),
        ),
        champion={"environment": champion.environment.name, "number": champion.version.number}
        if champion and champion.version
        else None,
        rivals=[slot.environment.name for slot in slots if slot.version_id is not None],
        promotable=_promotable(request, project, version, slots),
        given=request.POST,
        whole=whole_line_of(start),
        promotions=promotion_rows(promotions[:SHOWN_ROWS]),
        deployments=deployment_rows(deployments[:SHOWN_ROWS]),
        reports=list(selectors.list_reports(version=version)[:SHOWN_ROWS]),
        card=_texts(version.card),
        tags=_texts(version.tags),
        signature=signature_parts(version.signature),
        error=error,
        entries=trail_of(project=project, type="model_version", id=str(version.uuid), viewer=principal),
    )


def _champion(slots: Sequence[Slot], against: str) -> Slot | None:
    """The one to beat: what holds the environment asked for, else the last environment that holds another version."""
    held = [slot for slot in slots if slot.version_id is not None]
    named = [slot for slot in held if slot.environment.name == against]
    return next(reversed(named or held), None)


def _promotable(request: PageRequest, project: Project, version: ModelVersion, slots: Sequence[Slot]) -> Sequence[Slot]:
    """Where the reader may ask to promote it: nowhere it is already, and nowhere at all if it is put away."""
    if version.is_barred or not archives.can(request.principal, Permission.PROMOTION_REQUEST, project):
        return []
    return slots


def _states(files: Sequence[ManifestFile]) -> list[tuple[str, int]]:
    """How many of the files' bytes are matched to their digests, and how many not."""
    counts = Counter(str(file.blob.state) for file in files)
    return sorted(counts.items())


def _file(version: ModelVersion, file: ManifestFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "size": file.blob.size,
        "sha256": file.blob.sha256,
        "state": str(file.blob.state),
        "url": _route(version, "files", path=file.path),
    }


def _route(version: ModelVersion, part: str, **query: str) -> str:
    model = version.model
    name = quote(model.name, safe="")
    parameters = urlencode({"project": model.project.name, **query})
    return f"/api/v1/models/{name}/versions/{version.number}/{part}?{parameters}"


def _texts(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [(key, _text(value)) for key, value in sorted((values or {}).items())]


def _text(value: Any) -> str:
    """As it was written; a list of words as a list of words."""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else indented(value)
