"""Mark and sweep over a project's stored objects: what nothing refers to goes, and nothing else ever does.

A sweep walks in three phases, a bounded step at a time, and goes on where it stopped:

    objects  the store beside the rows. An object without a row (a crash came between) gets one, not usable and marked;
             a row without its object is found missing, on the record
    marks    a row that nothing refers to is marked; a mark is taken off what is referred to again
    bytes    what was marked before this sweep began, and at least the grace ago, goes: it is given up (state missing,
             on the record, so that no announcement is told "have it" any more), then bytes and row in one transaction

Why no referenced object is lost: whoever refers to a blob holds its row's lock while looking, and so does whoever deletes
its bytes. Bytes go before the row does, under that lock; without a row there is nothing to delete, so an upload that finds
no row may publish. A row that was given up is published anew by the next upload, under the same lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from accounts.models import Project
from audit.events import Target
from audit.services import record
from core import clock, jobs
from core.access import Principal, system_principal
from core.storage import StoredObject, get_store
from tracking.models import Blob, Sweep
from tracking.references import is_referenced, unreferenced
from tracking.services.blobs import verify_blob

OBJECTS_AT_ONCE = 500
ROWS_AT_ONCE = 1_000
GIVEN_UP_AT_ONCE = 200  # digests in one ledger entry
DELETED_AT_ONCE = 200  # objects, each in a transaction of its own
FIRST = "0"  # a cursor before every id
BUDGET_S = 1_200  # of one job; then it makes room for others and comes again
Phase = Sweep.Phase


def grace() -> timedelta:
    return timedelta(hours=settings.SWEEP_GRACE_HOURS)


def start_sweep(*, project: Any, actor: Principal, reason: str = "") -> tuple[Sweep, bool]:
    """The project's sweep under way, or a new one, and whether it is new. A worker carries it out; one that was given up is
    taken up again.
    """
    try:
        with transaction.atomic():
            sweep = Sweep.objects.create(project=project, started_at=clock.now(), started_by=actor.name)
            if actor.kind != "system":
                target = Target("project", str(project.uuid), project.name)
                record(action="sweep.start", target=target, actor=actor, project=project, reason=reason)
            _call_worker(sweep.pk)
            return sweep, True
    except IntegrityError:
        open_one = Sweep.objects.filter(project=project, finished_at=None).first()
        if open_one is None:  # it has ended in this moment
            return start_sweep(project=project, actor=actor, reason=reason)
        if not jobs.is_open(_job_key(open_one.pk)):
            with transaction.atomic():
                _call_worker(open_one.pk)
        return open_one, False


def _call_worker(sweep_id: int) -> None:
    jobs.enqueue("tracking.advance_sweep", _dedupe=_job_key(sweep_id), sweep_id=sweep_id)


def _job_key(sweep_id: int) -> str:
    return f"sweep:{sweep_id}"


def advance_sweep(*, sweep_id: int) -> None:
    """Go on until the sweep is done, or the time of one job is over. Safe to run twice, or at once."""
    until = clock.now() + timedelta(seconds=BUDGET_S)
    while _step(sweep_id):
        if clock.now() > until:
            with transaction.atomic():
                _call_worker(sweep_id)
            return


def _step(sweep_id: int) -> bool:
    """One bounded step; False when the sweep is done."""
    sweep = Sweep.objects.select_related("project").get(pk=sweep_id)
    match sweep.phase:
        case Phase.OBJECTS:
            _compare(sweep)
        case Phase.MARKS:
            _mark(sweep)
        case Phase.BYTES:
            _clear(sweep)
    return sweep.phase != Phase.DONE


def _compare(sweep: Sweep) -> None:
    """A page of the store beside the same stretch of rows. The store is read outside of any transaction."""
    store, after = get_store(), sweep.cursor
    objects = list(islice(store.list_objects(sweep.project.uuid, after), OBJECTS_AT_ONCE))
    rows = list(Blob.objects.filter(project=sweep.project, sha256__gt=after).order_by("sha256")[:OBJECTS_AT_ONCE])
    end = _end_of_page(objects, rows)
    seen = [each for each in objects if end is None or each.sha256 <= end]
    known = {row.sha256: row for row in rows if end is None or row.sha256 <= end}
    old = clock.now() - grace()
    orphans = [each for each in seen if each.sha256 not in known and each.modified_at <= old]
    there = {each.sha256 for each in seen}
    lost = [row for digest, row in known.items() if row.is_usable and digest not in there and row.created_at <= old]
    gone = sum(verify_blob(blob_id=row.pk) == Blob.State.MISSING for row in lost)  # looks again: a listing may lag
    with transaction.atomic():
        adopted = sum(_adopt(sweep, each) for each in orphans)
        counts = {"objects_seen": len(seen), "adopted": adopted, "missing": gone}
        _move(sweep, after, end or "", Phase.OBJECTS if end else Phase.MARKS, counts)


def _end_of_page(objects: Sequence[StoredObject], rows: Sequence[Blob]) -> str | None:
    """The last digest up to which both lists are whole; None where both have come to their end."""
    ends = [some[-1].sha256 for some in (objects, rows) if len(some) == OBJECTS_AT_ONCE]
    return min(ends) if ends else None


def _adopt(sweep: Sweep, found: StoredObject) -> bool:
    """A row for an object that has none, so that it goes as all others do: under a lock, after the grace."""
    _, created = Blob.objects.get_or_create(
        project=sweep.project,
        sha256=found.sha256,
        defaults={"size": found.size, "state": Blob.State.MISSING, "marked_at": clock.now()},
    )
    return created


@transaction.atomic
def _mark(sweep: Sweep) -> None:
    """Marks for some rows, in the order of their ids."""
    after = int(sweep.cursor or 0)
    ids = list(
        Blob.objects.filter(project=sweep.project, pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:ROWS_AT_ONCE]
    )
    rows = Blob.objects.filter(pk__in=ids)
    loose = set(unreferenced(rows).values_list("pk", flat=True))
    held = [pk for pk in ids if pk not in loose]
    Blob.objects.filter(pk__in=held, condemned_at=None).exclude(marked_at=None).update(marked_at=None)
    old = clock.now() - grace()
    marked = Blob.objects.filter(pk__in=loose, marked_at=None, created_at__lte=old).update(marked_at=clock.now())
    done = len(ids) < ROWS_AT_ONCE
    _move(sweep, sweep.cursor, "" if done else str(ids[-1]), Phase.BYTES if done else Phase.MARKS, {"marked": marked})


def _clear(sweep: Sweep) -> None:
    """Give up what is due, some at a time, while there is no cursor; then take away what was given up, in the order of ids.

    Nothing is read while it writes: on SQLite a transaction that began to read before another one wrote cannot write itself.
    """
    if not sweep.cursor:
        if not _take_back(sweep) and not _give_up(sweep):
            _move(sweep, "", FIRST, Phase.BYTES, {})
        return
    given_up = Blob.objects.filter(
        project=sweep.project, pk__gt=int(sweep.cursor), condemned_at__isnull=False, state=Blob.State.MISSING
    )
    ids = list(given_up.order_by("pk").values_list("pk", flat=True)[:DELETED_AT_ONCE])
    for blob_id in ids:
        size = _delete(blob_id)
        if size is not None:
            Sweep.objects.filter(pk=sweep.pk).update(deleted=F("deleted") + 1, deleted_bytes=F("deleted_bytes") + size)
    if len(ids) < DELETED_AT_ONCE:
        _move(sweep, sweep.cursor, "", Phase.DONE, {})
    else:
        _move(sweep, sweep.cursor, str(ids[-1]), Phase.BYTES, {})


def due(project: Any, before: datetime) -> QuerySet[Blob]:
    """What nothing refers to and was marked by `before`, and the grace ago. Lazy."""
    limit = min(before, clock.now() - grace())
    marked = Blob.objects.filter(project_id=project.id, marked_at__lte=limit, marked_at__lt=before)
    return unreferenced(marked)


@transaction.atomic
def _give_up(sweep: Sweep) -> bool:
    """Some blobs are not usable any more from here on, on the record; False when none is left to give up."""
    wanted = due(sweep.project, sweep.started_at).filter(condemned_at=None).order_by("pk")
    ids = list(wanted.values_list("pk", flat=True)[:GIVEN_UP_AT_ONCE])
    list(Blob.objects.select_for_update().filter(pk__in=ids).order_by("pk"))  # waits for whoever refers to one now
    some = list(due(sweep.project, sweep.started_at).filter(pk__in=ids, condemned_at=None).order_by("pk"))
    if some:
        now = clock.now()
        Blob.objects.filter(pk__in=[blob.pk for blob in some]).update(state=Blob.State.MISSING, condemned_at=now)
        record(
            action="blob.purge",
            target=Target("sweep", str(sweep.uuid), f"{len(some)} of {sweep.project.name}"),
            actor=system_principal("sweeper"),
            project=sweep.project,
            reason=f"Nothing has referred to them since {clock.text(min(blob.marked_at or now for blob in some))}.",
            after={
                "objects": len(some),
                "bytes": sum(blob.size for blob in some),
                "sha256": [blob.sha256 for blob in some],
            },
        )
    return bool(ids)


@transaction.atomic
def _delete(blob_id: int) -> int | None:
    """Bytes, then row, of a blob that was given up and is still not wanted; its size. None where it is.

    A crash in between leaves a row that is not usable, and the next sweep comes by here again.
    """
    blob = (
        Blob.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("project")
        .filter(pk=blob_id, condemned_at__isnull=False, state=Blob.State.MISSING)
        .first()
    )
    if blob is None or is_referenced(blob):
        return None
    get_store().delete(blob.project.uuid, blob.sha256)
    blob.delete()
    return blob.size


@transaction.atomic
def _take_back(sweep: Sweep) -> bool:
    """A reference that came to be all the same (a process of an earlier release takes no lock): look at the bytes again.
    Some at a time; False when there is none.
    """
    given_up = Blob.objects.filter(project=sweep.project, condemned_at__isnull=False)
    wanted = given_up.exclude(pk__in=unreferenced(given_up).values("pk"))
    some = list(wanted.select_for_update().order_by("pk")[:GIVEN_UP_AT_ONCE])
    for blob in some:
        Blob.objects.filter(pk=blob.pk).update(condemned_at=None, marked_at=None)
        jobs.enqueue("tracking.verify_blob", _dedupe=f"verify:{blob.pk}", blob_id=blob.pk)
    return bool(some)


def _move(sweep: Sweep, expected: str, cursor: str, phase: str, counts: dict[str, int]) -> None:
    """On to the next step, unless another worker has done this one meanwhile; its numbers count then."""
    same = Sweep.objects.filter(Q(pk=sweep.pk), phase=sweep.phase, cursor=expected)
    finished = {"finished_at": clock.now()} if phase == Phase.DONE else {}
    added = {name: F(name) + number for name, number in counts.items()}
    if same.update(cursor=cursor, phase=phase, **finished, **added):
        sweep.cursor, sweep.phase = cursor, phase
    else:
        sweep.refresh_from_db(fields=["cursor", "phase"])


def sweep_all() -> None:
    """A sweep of every project; one that is under way goes on. A project without rows may have objects all the same."""
    worker = system_principal("sweeper")
    for project in Project.objects.order_by("pk"):
        start_sweep(project=project, actor=worker)
