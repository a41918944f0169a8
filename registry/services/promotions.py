"""Promotions: asked for, judged, and carried out under the lock of one slot.

Everything that may move a slot goes through `_settle`, and holds the slot's row while it looks and writes: of two
promotions that race, the second is judged against what the first has left.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit.services import record
from core import events, jobs
from core.access import Principal, system_principal
from core.clock import now
from core.ids import uuid7
from registry import links
from registry.counts import count_failed_gates
from registry.errors import KeyReused
from registry.evidence import promotion_target
from registry.judging import NOBODY, Judgement, judge
from registry.models import Environment, Model, ModelVersion, Promotion, Slot
from retention import holds

Decision = Promotion.Decision
LIFETIME = timedelta(days=7)  # how long a promotion waits for people
SWEEP_SIZE = 500  # promotions expired in one run of the sweep


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. `expect_current` is the holder's digest, "none" for nobody, or None for no expectation."""

    model: Model
    version: ModelVersion
    environment: Environment
    actor: Principal
    reason: str
    expect_current: str | None = None
    idempotency_key: str | None = None
    kind: Promotion.Kind = Promotion.Kind.PROMOTION

    def to_promotion(self) -> Promotion:
        """An unsaved row of it."""
        asked_at = now()
        return Promotion(
            project=self.model.project,
            kind=self.kind,
            model=self.model,
            version=self.version,
            environment=self.environment,
            expect_current=self.expect_current,
            idempotency_key=self.idempotency_key or f"server:{uuid7()}",
            reason=self.reason,
            decision=Decision.WAITING,
            requested_by_id=self.actor.id,
            requested_by=self.actor.name,
            requested_by_kind=self.actor.kind,
            requested_at=asked_at,
            expires_at=asked_at + LIFETIME,
        )


def request_promotion(request: Request) -> tuple[Promotion, bool]:
    """Ask, judge and, where nothing stands in the way, carry out; in one transaction. Also whether the request is new:
    the same idempotency key again gives back the promotion as it stands now.

    Raises:
        KeyReused: the key names another version, model or environment.
    """
    try:
        with transaction.atomic():
            return _request(request)
    except IntegrityError:  # the same key, in the same moment, for another slot
        known = _find_by_key(request)
        if known is None:
            raise
        return known, False


def plan_promotion(request: Request) -> Promotion:
    """What a request would come to now, as an unsaved promotion. Writes nothing and locks nothing."""
    promotion = request.to_promotion()
    slot = (
        Slot.objects.select_related("version__run").filter(model=request.model, environment=request.environment).first()
    )
    _note(promotion, judge(promotion, holder=slot.version if slot else None))
    return promotion


def _request(request: Request) -> tuple[Promotion, bool]:
    holds.enter(request.model.project)
    slot = lock_slot(model=request.model, environment=request.environment)
    known = _find_by_key(request)
    if known is not None:
        if known.is_open:
            expire_if_due(known)
        return known, False
    promotion = request.to_promotion()
    promotion.version = _lock_version(request.version.pk)
    promotion.environment = slot.environment
    promotion.save()
    event_id = record_promotion(
        promotion,
        "promotion.request",
        actor=request.actor,
        reason=request.reason,
        after={
            "kind": promotion.kind,
            "environment": promotion.environment.name,
            "expect_current": promotion.expect_current,
            "idempotency_key": promotion.idempotency_key,
        },
    )
    promotion.event_id = event_id
    events.announce("promotion.requested", **facts(promotion))
    settle(promotion, slot, actor=request.actor)
    if promotion.is_open:
        events.announce("promotion.waiting", **facts(promotion))
    return promotion, True


def _find_by_key(request: Request) -> Promotion | None:
    if request.idempotency_key is None:
        return None
    promotions = Promotion.objects.select_related("project", "model", "version__model", "environment")
    known = promotions.filter(project=request.model.project, idempotency_key=request.idempotency_key).first()
    if known is None:
        return None
    asked = (request.kind, request.model.pk, request.version.digest, request.environment.pk)
    if asked != (known.kind, known.model_id, known.version.digest, known.environment_id):
        raise KeyReused(
            f"The key {request.idempotency_key!r} is of another request: {known.version.digest} to "
            f"'{known.environment.name}'. A key names one request for ever.",
            field="idempotency_key",
        )
    return known


def lock_slot(*, model: Model, environment: Environment) -> Slot:
    """The slot, made if missing, held by this transaction until it ends. With the environment as it is now."""
    Slot.objects.bulk_create([Slot(model=model, environment=environment)], ignore_conflicts=True)
    slots = Slot.objects.select_for_update(of=("self",)).select_related(
        "environment__project", "version__run", "version__model__project"
    )
    return slots.get(model=model, environment=environment)


def _lock_version(version_id: int) -> ModelVersion:
    """As it is now, and so it stays: whoever would quarantine or retire it waits until the promotion is decided."""
    versions = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__project", "run", "seal")
    return versions.get(pk=version_id)


def settle(promotion: Promotion, slot: Slot, *, actor: Principal) -> None:
    """Judge `promotion` and write what came of it. Asks for the slot's lock to be held, and the promotion to be open."""
    judgement = judge(promotion, holder=slot.version)
    _note(promotion, judgement)
    if promotion.decision == Decision.PROMOTED:
        _commit(promotion, slot, actor=actor)
    elif promotion.decision not in (Decision.WAITING, Decision.ALREADY):
        promotion.event_id = record_promotion(
            promotion,
            "promotion.fail",
            actor=actor,
            outcome="denied",
            reason=promotion.detail,
            after={"decision": promotion.decision, "gates": _gate_results(promotion), "holder": _digest(slot.version)},
        )
        events.announce("promotion.refused", **facts(promotion))
        count_failed_gates(promotion.gates)
    promotion.save()


def _note(promotion: Promotion, judgement: Judgement) -> None:
    promotion.decision = judgement.decision
    promotion.detail = judgement.detail
    promotion.gates = list(judgement.gates)
    promotion.lineage = dict(judgement.lineage)
    promotion.evidence_sha256 = judgement.evidence_sha256
    promotion.policy_revision = judgement.policy_revision
    promotion.previous = judgement.champion
    promotion.finished_at = None if promotion.is_open else now()


def _commit(promotion: Promotion, slot: Slot, *, actor: Principal) -> None:
    previous, slot.version = slot.version, promotion.version
    slot.since, slot.promotion = promotion.finished_at, promotion
    slot.save(update_fields=["version", "since", "promotion"])
    revision = promotion.policy_revision
    promotion.event_id = record_promotion(
        promotion,
        "promotion.commit",
        actor=actor,
        reason=promotion.reason,
        before={"digest": _digest(previous)},
        after={
            "digest": promotion.version.digest,
            "environment": promotion.environment.name,
            "kind": promotion.kind,
            "policy": {"name": revision.policy.name, "revision": revision.number, "sha256": revision.sha256}
            if revision
            else None,
            "gates": _gate_results(promotion),
            "evidence_sha256": promotion.evidence_sha256,
        },
    )
    events.announce("promotion.committed", **facts(promotion))
    jobs.enqueue("registry.issue_receipt", promotion_id=promotion.pk, _delay_s=RECEIPT_DELAY_S)
    jobs.enqueue("registry.advance_slot", slot_id=slot.pk, _dedupe=f"registry.advance_slot:{slot.pk}")


RECEIPT_DELAY_S = 0.3  # the sequencer numbers an event within some 20 ms; see `services.receipts`


def advance_promotion(*, promotion_id: int) -> Promotion:
    """Look again at a promotion that waits: it may go on by itself, or have nothing to wait for any more. Idempotent;
    for workers. Carried out in the name of the system, with the request as evidence of who wanted it.
    """
    with transaction.atomic():
        promotion, slot = lock_open(promotion_id)
        if promotion.is_open and not expire_if_due(promotion):
            before = promotion.evidence_sha256
            settle(promotion, slot, actor=system_principal("worker"))
            note_changed_evidence(promotion, before, actor=system_principal("worker"))
    return promotion


def lock_open(promotion_id: int) -> tuple[Promotion, Slot]:
    """The promotion as it stands under its locks: the slot's first, then the version's, always."""
    key = Promotion.objects.select_related("model", "environment").get(pk=promotion_id)
    slot = lock_slot(model=key.model, environment=key.environment)
    version = _lock_version(key.version_id)
    promotions = Promotion.objects.select_related(
        "project", "model", "environment", "previous", "policy_revision__policy"
    )
    promotion = promotions.get(pk=promotion_id)
    promotion.version, promotion.environment = version, slot.environment
    return promotion, slot


def note_changed_evidence(promotion: Promotion, before: str, *, actor: Principal) -> bool:
    """Leave an entry if an open promotion's evidence is another than `before`, which ends the approvals given on it."""
    if not promotion.is_open or promotion.evidence_sha256 == before:
        return False
    record_promotion(
        promotion,
        "promotion.judge",
        actor=actor,
        reason=promotion.detail,
        before={"evidence_sha256": before},
        after={"evidence_sha256": promotion.evidence_sha256, "gates": _gate_results(promotion)},
    )
    return True


def expire_promotions() -> int:
    """End promotions that have waited too long; how many. For workers."""
    due = Promotion.objects.filter(decision=Decision.WAITING, expires_at__lte=now()).order_by("expires_at")
    expired = 0
    for promotion_id in due.values_list("pk", flat=True)[:SWEEP_SIZE]:
        with transaction.atomic():
            promotion, _ = lock_open(promotion_id)
            expired += promotion.is_open and expire_if_due(promotion)
    return expired


def expire_if_due(promotion: Promotion) -> bool:
    """Close an open promotion whose time is over."""
    if now() < promotion.expires_at:
        return False
    close(
        promotion,
        Decision.EXPIRED,
        action="promotion.expire",
        actor=system_principal("worker"),
        detail=f"Nobody decided within {LIFETIME.days} days.",
    )
    return True


def close(promotion: Promotion, decision: Promotion.Decision, *, action: str, actor: Principal, detail: str) -> None:
    """End an open promotion without carrying it out."""
    promotion.decision, promotion.detail, promotion.finished_at = decision, detail, now()
    promotion.event_id = record_promotion(promotion, action, actor=actor, reason=detail, after={"decision": decision})
    promotion.save(update_fields=["decision", "detail", "finished_at", "event_id"])
    events.announce(f"promotion.{decision}", **facts(promotion))


def record_promotion(promotion: Promotion, action: str, *, actor: Principal, **evidence: Any) -> Any:
    """The ledger's entry of an act on `promotion`; its event id."""
    refs = [("model_version", str(promotion.version.uuid)), ("model", str(promotion.model.uuid))]
    return record(
        action=action, target=promotion_target(promotion), actor=actor, project=promotion.project, refs=refs, **evidence
    )


def facts(promotion: Promotion) -> dict[str, Any]:
    """What announcements say of a promotion."""
    return {
        "project_id": promotion.project_id,
        "promotion": str(promotion.uuid),
        "kind": str(promotion.kind),
        "model": promotion.model.name,
        "number": promotion.version.number,
        "digest": promotion.version.digest,
        "environment": promotion.environment.name,
        "previous_digest": promotion.previous.digest if promotion.previous else None,
        "decision": str(promotion.decision),
        "detail": promotion.detail,
        "by": promotion.requested_by,
        "reason": promotion.reason,
        "url": links.promotion_page(promotion),
    }


def _gate_results(promotion: Promotion) -> dict[str, str]:
    return {gate["id"]: gate["status"] for gate in promotion.gates}


def _digest(version: ModelVersion | None) -> str:
    return version.digest if version is not None else NOBODY
