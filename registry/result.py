"""The result document of a promotion (`promotion.json`), as the schema at `/schemas/promotion/v1.json` has it.

It is made from the rows each time it is asked for, so a repeated request tells how things stand now.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version as distribution_version
from shlex import quote
from typing import Any

from audit.selectors import Position, event_position
from core import clock
from registry import links
from registry.models import Approval, ModelVersion, PolicyRevision, Promotion, Receipt
from registry.selectors.promotions import STATES

SCHEMA = "/schemas/promotion/v1.json"
RECEIPT_TYPE = "application/vnd.in-toto+dsse"
Decision = Promotion.Decision
EXIT_CODES: Mapping[str, int] = {
    Decision.PROMOTED: 0,
    Decision.ALREADY: 0,
    Decision.WAITING: 10,
    Decision.GATE_FAILED: 20,
    Decision.EVIDENCE_MISSING: 21,
    Decision.REFUSED: 22,
    Decision.EXPIRED: 22,
    Decision.CANCELLED: 22,
    Decision.HOLDER_DIFFERS: 23,
    Decision.FROZEN: 24,
}
"""What `lineal promote` exits with, by decision."""


def result_document(promotion: Promotion, *, dry_run: bool = False) -> dict[str, Any]:
    """The document of a promotion; of an unsaved one with `dry_run`. Three queries where nothing was prefetched."""
    receipt = None if dry_run else _receipt_of(promotion)
    return {
        "schema": SCHEMA,
        "id": None if dry_run else str(promotion.uuid),
        "kind": promotion.kind,
        "decision": promotion.decision,
        "state": STATES[Decision(promotion.decision)],
        "exit_code": EXIT_CODES[promotion.decision],
        "detail": promotion.detail,
        "idempotency_key": promotion.idempotency_key,
        "dry_run": dry_run,
        "project": promotion.project.name,
        "model": promotion.model.name,
        "version": promotion.version.number,
        "digest": promotion.version.digest,
        "environment": promotion.environment.name,
        "expect_current": promotion.expect_current,
        "previous": _brief(promotion.previous),
        "policy": _policy(promotion.policy_revision),
        "gates": promotion.gates,
        "evidence_sha256": promotion.evidence_sha256,
        "approvals": [] if dry_run else _approvals(promotion),
        "actor": _actor(promotion),
        "reason": promotion.reason,
        "audit": None if dry_run else _position(promotion),
        "receipt": _receipt(promotion, receipt, dry_run=dry_run),
        "lineage": {"url": links.trace_route(promotion.version), **promotion.lineage},
        "rollback": _rollback(promotion),
        "pending": _pending(promotion),
        "links": _links(promotion, dry_run=dry_run),
        "server": _server_version(),
        "requested_at": clock.text(promotion.requested_at),
        "expires_at": clock.text(promotion.expires_at) if promotion.is_open else None,
        "finished_at": clock.text(promotion.finished_at) if promotion.finished_at else None,
    }


def _brief(version: ModelVersion | None) -> dict[str, Any] | None:
    return {"version": version.number, "digest": version.digest} if version is not None else None


def _policy(revision: PolicyRevision | None) -> dict[str, Any] | None:
    if revision is None:
        return None
    return {"id": revision.policy.name, "revision": revision.number, "sha256": revision.sha256}


def _approvals(promotion: Promotion) -> list[dict[str, Any]]:
    """First to last. One that no longer `stands` was given on evidence that has changed since."""
    approvals = sorted(promotion.approvals.all(), key=lambda approval: approval.pk)
    return [_approval(approval, promotion) for approval in approvals]


def _approval(approval: Approval, promotion: Promotion) -> dict[str, Any]:
    return {
        "by": approval.account_name,
        "subject": f"account|{approval.account_id}",
        "role": approval.role,
        "meaning": approval.decision,
        "reason": approval.reason,
        "signed_at": clock.text(approval.signed_at),
        "auth": approval.auth_method,
        "signed_digest": approval.signed_digest,
        "evidence_sha256": approval.evidence_sha256,
        "stands": approval.evidence_sha256 == promotion.evidence_sha256,
        "event_id": str(approval.event_id),
    }


def _actor(promotion: Promotion) -> dict[str, Any]:
    return {
        "type": promotion.requested_by_kind,
        "issuer": None,
        "subject": promotion.requested_by,
        "id": str(promotion.requested_by_id),
        "run_url": None,
    }


def _position(promotion: Promotion) -> dict[str, Any] | None:
    """Where the ledger has the decision, once it is numbered."""
    if promotion.event_id is None:
        return None
    position = event_position(promotion.event_id)
    return None if position is None else {"event_id": str(promotion.event_id), **_place(position)}


def _place(position: Position) -> dict[str, Any]:
    checkpoint = position.checkpoint
    return {
        "seq": position.seq,
        "leaf_hash": b64encode(position.leaf_hash).decode(),
        "checkpoint": {"size": checkpoint.size, "root": b64encode(bytes(checkpoint.root)).decode()}
        if checkpoint
        else None,
    }


def _receipt_of(promotion: Promotion) -> Receipt | None:
    receipt: Receipt | None = getattr(promotion, "receipt", None)
    return receipt


def _receipt(promotion: Promotion, receipt: Receipt | None, *, dry_run: bool) -> dict[str, Any] | None:
    if dry_run or promotion.decision != Decision.PROMOTED:
        return None
    if receipt is None:
        return {"type": RECEIPT_TYPE, "status": "pending"}
    return {
        "type": RECEIPT_TYPE,
        "status": "issued",
        "uri": links.receipt_route(receipt),
        "sha256": receipt.sha256,
    }


def _rollback(promotion: Promotion) -> dict[str, str] | None:
    """The command that undoes it, where there is something to return to."""
    if promotion.decision != Decision.PROMOTED or promotion.previous is None:
        return None
    words = ["lineal", "rollback", promotion.model.name, "--env", promotion.environment.name]
    words += ["--to", promotion.previous.digest, "--reason", "…"]
    return {"command": " ".join(quote(word) if word != "…" else word for word in words)}


def _pending(promotion: Promotion) -> dict[str, Any] | None:
    if not promotion.is_open:
        return None
    gates = [gate["id"] for gate in promotion.gates if gate["status"] == "waiting"]
    return {"gates": gates, "detail": promotion.detail, "expires_at": clock.text(promotion.expires_at)}


def _links(promotion: Promotion, *, dry_run: bool) -> dict[str, str]:
    version = {"version": links.version_page(promotion.version)}
    if dry_run:
        return {"ui": version["version"], **version}
    return {"ui": links.promotion_page(promotion), "self": links.promotion_route(promotion), **version}


@cache
def _server_version() -> str:
    return distribution_version("lineal-server")
