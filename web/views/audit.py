"""The audit trail of a project and of the server: entries by what, who and when, and one entry with its proof."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from accounts.models import Project
from audit.errors import EventNotFound
from audit.models import AuditEvent
from audit.notes import fingerprint
from audit.opened import opened, personal_values
from audit.private import read_private
from audit.projects import project_of
from audit.proofs import Inclusion, inclusion_of
from audit.selectors import Filter, get_event, list_events, text_horizon
from audit.services import vkey
from core.access import Permission, can, require_server_admin
from core.errors import Invalid
from web import ledger, trail_filters, verdicts
from web.paging import newest_first
from web.targets import ref_links
from web.trail import entries_of, entry_of, event_url, said
from web.views.base import PageRequest, project_page, show, show_part, signed_in, wants_part

LOOKED_THROUGH = 100_000  # entries that a search for text reads: some 0.1 s; times and other filters come first
AUTH_WORDS = {
    "api_token": "an API token", "login_link": "a sign-in link", "session": "a session of the pages", "system": "the server itself",
}  # fmt: skip


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
    state = None if wants_part(request) else ledger.state()
    about = {"ledger": state, "verifications": state.verifications, **_key_words(request)} if state else {}
    return _list(request, "web/server_audit.html", project=None, may_export=True, **about)


def _list(
    request: PageRequest, template: str, *, project: Project | None, may_export: bool, **context: Any
) -> HttpResponse:
    query = trail_filters.asked(request)
    found: dict[str, Any] = {"entries": [], "problem": ""}
    try:
        found |= _found(request, trail_filters.as_filter(query, project), project)
        if may_export:
            found |= {
                "export_url": trail_filters.export_url(query, project),
                "export_command": trail_filters.export_command(query, project),
                "export_is_filtered": project is not None or any(query.values()),
                "verify_command": f"lineal audit verify audit.jsonl --key {trail_filters.quoted(vkey() or '<key>')}",
            }
    except Invalid as error:
        found["problem"] = error.detail
    response = show_part(
        request,
        template,
        "web/_audit_entries.html",
        query=query,
        list_url=request.path,
        chips=trail_filters.chips(request, query),
        spans=trail_filters.spans(request),
        is_further=any(query[field] for field in trail_filters.FURTHER),
        tabs=_tabs(request, project, "entries"),
        **({} if wants_part(request) else trail_filters.choices(project)),
        **found,
        **context,
    )
    if found["problem"] and not wants_part(request):  # htmx shows only what succeeds
        response.status_code = 422
    return response


def _found(request: PageRequest, only: Filter, project: Project | None) -> Mapping[str, Any]:
    """Raises Invalid for a foreign cursor."""
    events, horizon = list_events(visible_to=request.principal, only=only), None
    if only.text:
        horizon = text_horizon(visible_to=request.principal, only=only, looked_through=LOOKED_THROUGH)
        events = events.filter(pk__gt=horizon) if horizon else events
    page = newest_first(events, request)
    return {
        "entries": entries_of(page.rows, project=project),
        "next_url": page.next_url,
        "looked_through": LOOKED_THROUGH if horizon else None,
    }


def _tabs(request: PageRequest, project: Project | None, current: str) -> list[tuple[str, str, bool]]:
    entries = reverse("web:project_audit", args=[project.name]) if project else reverse("web:server_audit")
    return [("Entries", entries, current == "entries"), ("Checkpoints", reverse("web:checkpoint_list"), False)]


@project_page(room="audit", permission=Permission.AUDIT_READ, methods=("GET", "POST"))
def project_event(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    return _event(request, uuid, project)


@signed_in(room="server_audit", methods=("GET", "POST"))
def server_event(request: PageRequest, uuid: UUID) -> HttpResponse:
    require_server_admin(request.principal)
    return _event(request, uuid, None)


def _event(request: PageRequest, uuid: UUID, project: Project | None) -> HttpResponse:
    """The page, or for a list that opens the entry in place only what happened."""
    event = get_event(id=uuid, visible_to=request.principal)
    if project is not None and event.project_id != project.id:
        raise EventNotFound(f"There is no event {uuid} that you may see.")
    body = opened([event])[event.pk]
    is_opened = request.method == "POST"  # asked for what is withheld, which is an entry of its own
    if is_opened:
        body = read_private(event=event, project=project_of(event), actor=request.principal)
    happened = _happened(event, body, project)
    if wants_part(request):
        response = show(request, "web/_audit_happened.html", **happened)
        patch_vary_headers(response, ["HX-Request"])
        return response
    personal, inclusion = personal_values(event, withhold=not is_opened), inclusion_of(event)
    return show(
        request,
        "web/audit_event.html",
        **happened,
        proof=_proof(inclusion, event, project),
        personal=personal,
        steps=verdicts.inclusion_steps(personal, inclusion.checkpoint.size) if inclusion else [],
        erasures_url=_erasures_url(event, project) if any(each.standing == "erased" for each in personal) else "",
        body=event.body,
        body_time=body["time"],
        withheld=[each for each in personal if each.standing == "withheld"]
        if _may_read_private(request, event)
        else [],
        was_private=is_opened,
        export_command=_event_command(request, event, project),
        **_key_words(request),
    )


def _happened(event: AuditEvent, body: Mapping[str, Any], project: Project | None) -> Mapping[str, Any]:
    """What the entry says, as its page and the list show it. At most two queries, for what it refers to."""
    previous = body["prev_event_of_target"]
    return {
        "entry": entry_of(event, body, project=project),
        "record": _record(body),
        "project_name": body["project"]["name"] if body["project"] else "",
        "previous_url": event_url(UUID(previous), project) if previous else "",
        "history_url": _history_url(event, project),
        "before": _plain(body["before"]),
        "after": _plain(body["after"]),
        "refs": ref_links(body["refs"], project_of(event)),
    }


def _history_url(event: AuditEvent, project: Project | None) -> str:
    trail = reverse("web:project_audit", args=[project.name]) if project else reverse("web:server_audit")
    return f"{trail}?{urlencode({'target_type': event.target_type, 'target_id': event.target_id})}"


def _erasures_url(event: AuditEvent, project: Project | None) -> str:
    """The entries that tell who erased something of this one, and why: acts about the entry itself."""
    trail = reverse("web:project_audit", args=[project.name]) if project else reverse("web:server_audit")
    return f"{trail}?{urlencode({'action': 'audit.erase_private', 'target_id': event.uuid})}"


def _may_read_private(request: PageRequest, event: AuditEvent) -> bool:
    project = project_of(event)
    return request.principal.is_server_admin or (
        project is not None and can(request.principal, Permission.AUDIT_READ_PRIVATE, project)
    )


def _record(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The parts of an entry that its page names one by one."""
    target, request, auth = body["target"], body["request"] or {}, body["auth"]
    return {
        "actor_name": said(body["actor"]["name"]),
        "actor_id": body["actor"]["id"],
        "method": AUTH_WORDS.get(auth["method"], auth["method"]),
        "token_id": auth["token_id"] or "",
        "target_type": target["type"].replace("_", " "),
        "target_id": target["id"],
        "has_label": bool(target["label"]),
        "target_version": target["version"],
        "request_id": request.get("id") or "",
        "trace_id": request.get("trace_id") or "",
        "route": said(request.get("route")),
        "ip": said(request.get("ip")),
        "user_agent": said(request.get("user_agent")),
    }


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: "none" if value is None else said(value) for key, value in values.items()}


def _proof(inclusion: Inclusion | None, event: AuditEvent, project: Project | None) -> Mapping[str, Any] | None:
    """What a page shows of it; None while the entry waits for its number or its checkpoint."""
    if inclusion is None:
        return None
    query = {"format": "tlog-proof", **({"project": project.name} if project else {})}
    return {
        "seq": inclusion.seq,
        "leaf": inclusion.leaf_hash.hex(),
        "path": [each.hex() for each in inclusion.path],
        "checkpoint": inclusion.checkpoint,
        "vkey": inclusion.checkpoint.vkey,
        "url": f"/api/v1/audit/events/{event.uuid}/proof?{urlencode(query)}",
    }


def _event_command(request: PageRequest, event: AuditEvent, project: Project | None) -> str:
    """How to take this one entry away with its proof; nothing for who may not export, or before it has a number."""
    place = project_of(event)
    may = request.principal.is_server_admin or (
        place is not None and can(request.principal, Permission.AUDIT_EXPORT, place)
    )
    seq = getattr(getattr(event, "leaf", None), "seq", None)
    if seq is None or not may:
        return ""
    scope = f" --project {trail_filters.quoted(place.name)}" if project and place else ""
    first = f"lineal audit export --filtered{scope} --after {seq - 1} --before {seq + 1} --out event-{seq}.jsonl"
    return f"{first}\nlineal audit verify event-{seq}.jsonl --key {trail_filters.quoted(vkey())}"


def _key_words(request: PageRequest) -> Mapping[str, Any]:
    """What the note on the limits of this page needs."""
    key = vkey()
    return {
        "fingerprint": fingerprint(key) if key else "",
        "vkey_shown": key,
        "is_secure": request.is_secure(),
    }
