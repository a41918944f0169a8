"""The audit trail of a project and of the server: entries by what, who and when, and one entry with its place in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse

from accounts.models import Project
from audit import actions
from audit.errors import EventNotFound
from audit.models import AuditEvent
from audit.opened import opened, withheld_paths
from audit.private import read_private
from audit.projects import project_of
from audit.selectors import Filter, get_event, list_events
from core import clock
from core.access import Permission, can, require_server_admin
from core.errors import Invalid
from web import ledger
from web.moments import utc_moment
from web.paging import newest_first
from web.targets import target_url
from web.trail import entries_of, entry_of, event_url, place_of, said
from web.views.base import PageRequest, project_page, show, signed_in

FIELDS = ("q", "actor", "action", "target_type", "target_id", "outcome", "since", "until")


@project_page(room="audit", permission=Permission.AUDIT_READ)
def project_audit(request: PageRequest, project: Project) -> HttpResponse:
    return _list(
        request,
        "web/audit_list.html",
        project=project,
        may_export=can(request.principal, Permission.AUDIT_EXPORT, project),
    )


@signed_in(room="server_audit")
def server_audit(request: PageRequest) -> HttpResponse:
    """The whole ledger, for administrators of the server: others learn what they may from their projects' trails."""
    require_server_admin(request.principal)
    state = ledger.state()
    return _list(
        request,
        "web/server_audit.html",
        project=None,
        may_export=True,
        ledger=state,
        checkpoints=ledger.checkpoints(),
        verifications=state.verifications,
        **_key_words(request, state),
    )


def _list(
    request: PageRequest, template: str, *, project: Project | None, may_export: bool, **context: Any
) -> HttpResponse:
    query = {field: request.GET.get(field, "").strip() for field in FIELDS}
    events, problem = AuditEvent.objects.none(), ""
    try:
        events = list_events(visible_to=request.principal, only=_filter(query, project))
    except Invalid as error:
        problem = error.detail
    page = newest_first(events, request)
    return show(
        request,
        template,
        status=422 if problem else 200,
        entries=entries_of(page.rows, project=project),
        next_url=page.next_url,
        query=query,
        problem=problem,
        actions=actions.registered_names(),
        outcomes=AuditEvent.Outcome.values,
        export_url=_export_url(query, project) if may_export and not problem else "",
        **context,
    )


def _export_url(query: Mapping[str, str], project: Project | None) -> str:
    """The export of what the page shows; of the whole ledger where nothing is asked for."""
    asked = {field: value for field, value in query.items() if value}
    for field in ("since", "until"):
        moment = utc_moment(query[field], field=field)
        asked |= {field: clock.text(moment)} if moment else {}
    asked |= {"project": project.name} if project else {}
    return f"/api/v1/audit/export?{urlencode({**asked, 'filtered': 'true'})}" if asked else "/api/v1/audit/export"


def _filter(query: Mapping[str, str], project: Project | None) -> Filter:
    """Raises Invalid for a time that is none."""
    return Filter(
        project=project.name if project else None,
        actor=query["actor"] or None,
        action=query["action"] or None,
        target_type=query["target_type"] or None,
        target_id=query["target_id"] or None,
        outcome=query["outcome"] or None,
        since=utc_moment(query["since"], field="since"),
        until=utc_moment(query["until"], field="until"),
        text=query["q"] or None,
    )


@project_page(room="audit", permission=Permission.AUDIT_READ, methods=("GET", "POST"))
def project_event(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    return _event(request, uuid, project)


@signed_in(room="server_audit", methods=("GET", "POST"))
def server_event(request: PageRequest, uuid: UUID) -> HttpResponse:
    require_server_admin(request.principal)
    return _event(request, uuid, None)


def _event(request: PageRequest, uuid: UUID, project: Project | None) -> HttpResponse:
    event = get_event(id=uuid, visible_to=request.principal)
    if project is not None and event.project_id != project.id:
        raise EventNotFound(f"There is no event {uuid} that you may see.")
    body = opened([event])[event.pk]
    if request.method == "POST":  # asked for what is withheld, which is an entry of its own
        body = read_private(event=event, project=project_of(event), actor=request.principal)
    previous = body["prev_event_of_target"]
    proof_query = {"format": "tlog-proof", **({"project": project.name} if project else {})}
    return show(
        request,
        "web/audit_event.html",
        entry=entry_of(event, body, project=project),
        record=_record(body),
        target_url=target_url(body),
        previous_url=event_url(UUID(previous), project) if previous else "",
        before=_pairs(body["before"]),
        after=_pairs(body["after"]),
        refs=body["refs"],
        place=place_of(event.uuid),
        proof_url=f"/api/v1/audit/events/{event.uuid}/proof?{urlencode(proof_query)}",
        body=event.body,
        withheld=withheld_paths(event) if request.method == "GET" and _may_read_private(request, event) else [],
        **_key_words(request, ledger.state()),
    )


def _may_read_private(request: PageRequest, event: AuditEvent) -> bool:
    project = project_of(event)
    return request.principal.is_server_admin or (
        project is not None and can(request.principal, Permission.AUDIT_READ_PRIVATE, project)
    )


def _record(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The parts of an entry that its page names one by one."""
    target, request = body["target"], body["request"] or {}
    return {
        "actor_type": body["actor"]["type"],
        "method": body["auth"]["method"],
        "target": said(target["label"]) or target["id"],
        "target_type": target["type"].replace("_", " "),
        "target_id": target["id"],
        "target_version": target["version"],
        "route": said(request.get("route")),
        "ip": said(request.get("ip")),
        "user_agent": said(request.get("user_agent")),
    }


def _pairs(values: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [(key, "none" if value is None else said(value)) for key, value in sorted(values.items())]


def _key_words(request: PageRequest, state: ledger.Ledger) -> Mapping[str, Any]:
    """What the note on the limits of this page needs."""
    return {"fingerprint": state.fingerprint, "vkey_shown": state.vkey, "is_secure": request.is_secure()}
