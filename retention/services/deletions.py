"""Acts on many things: frozen as rows when they are asked for, then carried out some at a time.

Each step is one transaction: the acts, their ledger events, and the outcome on the row of each thing. A worker that dies
in the middle loses the step it was in; whoever comes next goes on with the rows that have no outcome yet.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import Project
from audit.events import Target
from audit.services import record
from core import clock, jobs
from core.access import Principal, system_principal
from core.errors import LinealError
from retention import bin as the_bin
from retention import holds as held
from retention import kinds
from retention.errors import Held
from retention.kinds import GUARDED, Act, Kind
from retention.models import Deletion, DeletionItem
from retention.plans import Plan, make_plan

STEP = 50  # things in one transaction, which holds the project's guard
AT_ONCE = 50  # small selections are done before the request answers
EXPIRED_AT_ONCE = 5_000
Outcome = DeletionItem.Outcome


def request_deletion(*, project: Any, plan: Plan, reason: str, actor: Principal) -> Deletion:
    """Promise the plan's act, on the record; up to AT_ONCE things are done when this returns, more by a worker.

    What was held when the plan was made is tried again, and told as held if it still is.
    """
    deletion = _freeze(project, plan, reason, actor)
    if deletion.total <= AT_ONCE:
        advance_deletion(deletion_id=deletion.pk)
        deletion.refresh_from_db()
    return deletion


@transaction.atomic
def _freeze(project: Any, plan: Plan, reason: str, actor: Principal) -> Deletion:
    deletion = Deletion.objects.create(
        project=project,
        kind=plan.kind.name,
        act=plan.act.value,
        selection=dict(plan.selection),
        reason=reason,
        actor=_plain(actor),
        total=len(plan.entries),
    )
    rows = [DeletionItem(deletion=deletion, key=each.item.key, label=each.item.label[:600]) for each in plan.entries]
    DeletionItem.objects.bulk_create(rows, batch_size=1_000)
    record(
        action="deletion.request",
        target=target_of(deletion),
        actor=actor,
        project=project,
        reason=reason,
        after={"kind": deletion.kind, "act": deletion.act, "total": deletion.total, "selection": deletion.selection},
    )
    _call_worker(deletion.pk)
    return deletion


def _call_worker(deletion_id: int) -> None:
    jobs.enqueue("retention.advance_deletion", _dedupe=_job_key(deletion_id), deletion_id=deletion_id)


def _job_key(deletion_id: int) -> str:
    return f"deletion:{deletion_id}"


def resume_deletions() -> int:
    """Have those gone on with that no worker will: their job failed for good, or its workers died. How many these were."""
    running = Deletion.objects.filter(state=Deletion.State.RUNNING).order_by("pk")
    left = [pk for pk in running.values_list("pk", flat=True) if not jobs.is_open(_job_key(pk))]
    for deletion_id in left:
        with transaction.atomic():
            _call_worker(deletion_id)
    return len(left)


def advance_deletion(*, deletion_id: int) -> None:
    """Go on until nothing is left. Safe to run twice, or at once."""
    while _step(deletion_id):
        pass


@transaction.atomic
def _step(deletion_id: int) -> bool:
    """The next things; False when none is left. The project's guard comes first, before any row is locked."""
    deletion = Deletion.objects.select_related("project").get(pk=deletion_id)
    kind, act = kinds.get_kind(deletion.kind), Act(deletion.act)
    holds = None
    if act in GUARDED:
        holds = held.guarded(deletion.project)
    else:
        held.enter(deletion.project)  # what is restored holds what it came from
    deletion = Deletion.objects.select_for_update(of=("self",)).select_related("project").get(pk=deletion_id)
    if deletion.state != Deletion.State.RUNNING:
        return False
    some = list(DeletionItem.objects.filter(deletion=deletion, outcome="").order_by("id")[:STEP])
    for item in some:
        item.outcome, item.detail = _do(deletion, kind, act, item, holds)
    DeletionItem.objects.bulk_update(some, ["outcome", "detail"])
    counts = {name: F(name) + sum(item.outcome == name for item in some) for name in Outcome.values}
    Deletion.objects.filter(pk=deletion_id).update(**counts)
    if len(some) < STEP:
        _finish(deletion_id)
    return len(some) == STEP


def _do(deletion: Deletion, kind: Kind, act: Act, item: DeletionItem, holds: held.Holds | None) -> tuple[str, str]:
    """The outcome for one thing, and why where it is not simply done. Another error than ours stops the whole step."""
    try:
        with transaction.atomic():
            changed = kind.perform[act](
                project=deletion.project,
                key=item.key,
                actor=principal_of(deletion.actor),
                reason=deletion.reason,
                holds=holds,
            )
    except Held as exc:
        return Outcome.HELD, "; ".join(exc.extra["holds"])
    except LinealError as exc:
        return Outcome.FAILED, exc.detail
    return (Outcome.DONE if changed else Outcome.UNCHANGED), ""


def _finish(deletion_id: int) -> None:
    deletion = Deletion.objects.select_related("project").get(pk=deletion_id)
    deletion.state, deletion.finished_at = Deletion.State.DONE, clock.now()
    deletion.save(update_fields=["state", "finished_at"])
    record(
        action="deletion.finish",
        target=target_of(deletion),
        actor=principal_of(deletion.actor),
        project=deletion.project,
        after={name: getattr(deletion, name) for name in Outcome.values},
    )


@transaction.atomic
def cancel_deletion(*, deletion: Deletion, actor: Principal) -> Deletion:
    """Let what has not been done be. What was done stays done; again changes nothing."""
    locked = Deletion.objects.select_for_update(of=("self",)).select_related("project").get(pk=deletion.pk)
    if locked.state == Deletion.State.RUNNING:
        locked.state, locked.finished_at = Deletion.State.CANCELLED, clock.now()
        locked.save(update_fields=["state", "finished_at"])
        after = {name: getattr(locked, name) for name in Outcome.values}
        record(action="deletion.cancel", target=target_of(locked), actor=actor, project=locked.project, after=after)
    return locked


def empty_bins() -> int:
    """Purge what has lain in the bin for LINEAL_BIN_DAYS and is not held; how many things were asked to go."""
    before = the_bin.expired_before()
    if before is None:
        return 0
    asked = 0
    for kind in reversed(kinds.all_kinds()):  # what stands on other things goes before them
        for due in _expired(kind, before):
            for project_id, keys in due.items():
                asked += _purge_expired(kind, project_id, keys)
    return asked


def _expired(kind: Kind, before: datetime) -> Iterator[Mapping[int, list[str]]]:
    """Keys by project, some at a time, each once: what is held is passed by, so that it hides nothing behind it."""
    after = 0
    while page := kind.expired(before, after, EXPIRED_AT_ONCE):
        due: dict[int, list[str]] = defaultdict(list)
        for each in page:
            due[each.project_id].append(each.key)
        yield due
        after = page[-1].pk


def _purge_expired(kind: Kind, project_id: int, keys: list[str]) -> int:
    project = Project.objects.get(pk=project_id)
    worker = system_principal("worker")
    plan = make_plan(project=project, kind=kind.name, act=Act.PURGE, principal=worker, keys=keys, measured=False)
    going = Plan(plan.kind, plan.act, plan.going)
    if going.entries:
        reason = f"in the bin for {the_bin.days()} days"
        deletion = _freeze(project, going, reason, worker)
        advance_deletion(deletion_id=deletion.pk)
    return len(going.entries)


def target_of(deletion: Deletion) -> Target:
    return Target("deletion", str(deletion.uuid), deletion.label)


def _plain(actor: Principal) -> dict[str, Any]:
    """Who asked, so that the ledger names them when a worker acts in their name. Rights were checked for the plan."""
    return {
        "id": str(actor.id),
        "kind": actor.kind,
        "name": actor.name,
        "display_name": actor.display_name,
        "auth_method": actor.auth_method,
        "token_id": str(actor.token_id) if actor.token_id else None,
    }


def principal_of(facts: dict[str, Any]) -> Principal:
    token_id = facts.get("token_id")
    return Principal(
        id=UUID(facts["id"]),
        kind=facts["kind"],
        name=facts["name"],
        display_name=facts["display_name"],
        auth_method=facts["auth_method"],
        token_id=UUID(token_id) if token_id else None,
    )
