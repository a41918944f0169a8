"""The signed heads of the ledger, and the proof that it only grew between any two of them."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from audit.models import Anchor, AuditCheckpoint
from audit.notes import fingerprint
from audit.proofs import Consistency, consistency_of
from audit.services import vkey
from core.errors import Invalid, NotFound
from core.problems import status_of
from web.paging import newest_first
from web.trail_filters import quoted
from web.verdicts import consistency_steps
from web.views.base import PageRequest, show, signed_in

SHOWN = 25
EXPORT = "lineal audit export --out audit.jsonl"
VERIFY = "lineal audit verify audit.jsonl --anchor kept-elsewhere.note"


@signed_in(room="audit")
def checkpoint_list(request: PageRequest) -> HttpResponse:
    """For everyone with an account: a head says nothing of what is in the log, and the more keep it, the better."""
    page = newest_first(AuditCheckpoint.objects.all(), request, field="size", size=SHOWN)
    given = {name: request.GET.get(name, "").strip() for name in ("old", "new")}
    proof, error = None, None
    try:
        proof = _proof(given)
    except (Invalid, NotFound) as refused:
        error = refused
    key = vkey()
    return show(
        request,
        "web/checkpoint_list.html",
        status=status_of(error) if error else 200,
        checkpoints=page.rows,
        next_url=page.next_url,
        anchors=_anchors(request, [each.size for each in page.rows]),
        given=given,
        proof=proof,
        steps=consistency_steps(proof["old"].size, proof["new"].size) if proof else [],
        problem=error.detail if error else "",
        tabs=_tabs(request),
        checkpoint_command="lineal audit checkpoint --out kept-elsewhere.note",
        verify_command=f"{EXPORT}\n{VERIFY} --key {quoted(key)}",
        fingerprint=fingerprint(key) if key else "",
        vkey_shown=key,
        is_secure=request.is_secure(),
    )


def _proof(given: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Between the sizes that were picked, in whichever order. Raises Invalid, CheckpointNotFound."""
    if not any(given.values()):
        return None
    sizes = sorted(_size(given[name], name) for name in ("old", "new"))
    if sizes[0] == sizes[1]:
        raise Invalid("Pick two different checkpoints.", field="new")
    found: Consistency = consistency_of(*sizes)
    return {"old": found.old, "new": found.new, "path": [each.hex() for each in found.path]}


def _size(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:20]) < 2**63):
        raise Invalid("Pick an older and a newer checkpoint.", field=field)
    return int(text)


def _anchors(request: PageRequest, sizes: list[int]) -> Mapping[int, list[str]]:
    """Where copies of these heads lie, by kind, for who may know it: administrators of the server. One query."""
    if not request.principal.is_server_admin:
        return {}
    kept: dict[int, list[str]] = {}
    rows = Anchor.objects.filter(checkpoint__in=sizes, outcome=Anchor.Outcome.OK).order_by("kind")
    for size, kind in rows.values_list("checkpoint_id", "kind").distinct():
        kept.setdefault(size, []).append(kind)
    return kept


def _tabs(request: PageRequest) -> list[tuple[str, str, bool]]:
    """Back to the trail that the reader came from: the whole ledger's for administrators, else the project's nearby."""
    near = request.frame.near
    tabs = []
    if request.principal.is_server_admin:
        tabs.append(("Entries", reverse("web:server_audit"), False))
    elif near is not None:
        tabs.append(("Entries", reverse("web:project_audit", args=[near.name]), False))
    return [*tabs, ("Checkpoints", reverse("web:checkpoint_list"), True)]
