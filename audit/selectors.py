"""Reads of the ledger: events, their places in the log, its signed heads, and how it stands."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import actions
from audit.errors import CheckpointNotFound, EventNotFound
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending, AuditPrivate, Verification
from core import clock
from core.access import LEAST_ROLE, Permission, Principal
from core.access import visible_project_ids as readable_project_ids


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands in the log. `checkpoint` is the first signed head over it, None until there is one."""

    seq: int
    leaf_hash: bytes
    checkpoint: AuditCheckpoint | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the trail is asked for; None asks nothing. `text` is looked for in action, target and the actor's name;
    `action` may be `noun.*`; `after` and `before` are numbers in the log, themselves left out, and leave out what has no number yet.
    """

    project: str | None = None
    actor: str | None = None
    action: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How the ledger stands: `events` of them `sequenced`, the oldest waiting since `lag`, anchored up to `anchored`."""

    events: int
    sequenced: int
    lag: timedelta
    checkpoint: AuditCheckpoint | None
    anchor: Anchor | None
    verifications: list[Verification]


def list_events(*, visible_to: Principal, only: Filter | None = None) -> QuerySet[AuditEvent]:
    """Events that the caller may read, newest first: all for administrators of the server, else those of projects
    whose trail is the caller's to read. Lazy.
    """
    only = only or Filter()
    events = AuditEvent.objects.select_related("leaf").order_by("-id")
    readable = trail_project_ids(visible_to)
    if readable is not None:
        events = events.filter(project_id__in=readable)
    exact = {
        "project_name": only.project,
        "action__in": _actions(only.action),
        "target_type": only.target_type,
        "target_id": only.target_id,
        "outcome": only.outcome,
        "at__gte": only.since,
        "at__lt": only.until,
        "leaf__seq__gt": only.after,
        "leaf__seq__lt": only.before,
    }
    events = events.filter(**{column: value for column, value in exact.items() if value is not None})
    if only.actor is not None:
        events = events.filter(_by(only.actor))
    return events.filter(_mentions(only.text)) if only.text else events


def _actions(asked: str | None) -> list[str] | None:
    """The names that `asked` means: itself, or with `noun.*` all of that noun."""
    if asked is None or not asked.endswith(".*"):
        return None if asked is None else [asked]
    return [name for name in actions.registered_names() if name.startswith(asked[:-1])]


def text_horizon(*, visible_to: Principal, only: Filter, looked_through: int) -> int | None:
    """The primary key of the newest event that a search for `only.text` leaves out when it looks through the newest
    `looked_through` of what else is asked for; None where that is all of them. One query.
    """
    without = list_events(visible_to=visible_to, only=replace(only, text=None))
    beyond = without.select_related(None).values_list("pk", flat=True)[looked_through : looked_through + 1]
    return next(iter(beyond), None)


def trail_project_ids(principal: Principal) -> set[int] | None:
    """Ids of projects whose trail the caller may read; None for all."""
    readable = readable_project_ids(principal)
    if readable is None or principal.is_server_admin:
        return readable
    least = LEAST_ROLE[Permission.AUDIT_READ]
    return {project_id for project_id in readable if principal.roles[project_id] >= least}


def get_event(*, id: UUID, visible_to: Principal) -> AuditEvent:  # noqa: A002 - what it is called everywhere else
    """Raises EventNotFound, for events that are not the caller's to read too."""
    event = list_events(visible_to=visible_to).filter(uuid=id).first()
    if event is None:
        raise EventNotFound(f"There is no event {id} that you may see.")
    return event


def event_position(event_id: UUID) -> Position | None:
    """Where the event stands; None while it has no number yet. Two queries."""
    leaf = AuditLeaf.objects.filter(event__uuid=event_id).first()
    if leaf is None:
        return None
    head = AuditCheckpoint.objects.filter(size__gt=leaf.seq).order_by("size").first()
    return Position(leaf.seq, bytes(leaf.leaf_hash), head)


def latest_checkpoint() -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.order_by("-size").first()


def get_checkpoint(size: int) -> AuditCheckpoint:
    """Raises CheckpointNotFound."""
    checkpoint = AuditCheckpoint.objects.filter(size=size).first()
    if checkpoint is None:
        raise CheckpointNotFound(f"No checkpoint was signed at size {size}.")
    return checkpoint


def latest_anchor() -> Anchor | None:
    """The successful anchor that covers most of the log."""
    return Anchor.objects.filter(outcome=Anchor.Outcome.OK).order_by("-checkpoint_id", "-id").first()


def ledger_state() -> LedgerState:
    """Some small queries: the log is gap-free, so its length is its last number and not a count."""
    newest = AuditLeaf.objects.order_by("-seq").values_list("seq", flat=True).first()
    sequenced = 0 if newest is None else newest + 1
    oldest = AuditPending.objects.order_by("event_id").values_list("event__at", flat=True).first()
    return LedgerState(
        events=sequenced + AuditPending.objects.count(),
        sequenced=sequenced,
        lag=clock.now() - oldest if oldest else timedelta(0),
        checkpoint=latest_checkpoint(),
        anchor=latest_anchor(),
        verifications=list(Verification.objects.order_by("-id")[:10]),
    )


def _by(actor: str) -> Q:
    """By name or id; a person's name is private, and found through its own column while it is not erased."""
    named = AuditPrivate.objects.filter(event=OuterRef("pk"), search_name=actor)
    found = Q(actor_name=actor) | Q(Exists(named))
    try:
        return found | Q(actor_id=UUID(actor))
    except ValueError:
        return found


def _mentions(text: str) -> Q:
    named = AuditPrivate.objects.filter(event=OuterRef("pk"), search_name__icontains=text)
    return (
        Q(action__icontains=text)
        | Q(target_label__icontains=text)
        | Q(target_id__icontains=text)
        | Q(target_version__icontains=text)
        | Q(actor_name__icontains=text)
        | Q(Exists(named))
    )
