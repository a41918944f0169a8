"""Checks of what a server stands on beside its database: store, broker, processes, jobs, and the ledger's own machinery."""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from audit import anchors as anchoring
from audit import keys
from audit.models import Anchor, AuditCheckpoint, AuditPending, Verification
from audit.verifiers import registered
from config.celery import app
from config.findings import Finding, fail, ok, shown_age, warn
from core import clock, roster
from core.models import Job
from core.storage import LocalStore, get_store
from notify.models import Subscription

PROBE_PROJECT = UUID("00000000-0000-7000-8000-00000d0c7012")  # of no project, so that nothing of anybody's is touched
BROKER_LIMIT_S = 3
LATE_JOB_S = 60
LATE_EVENT_S = 10
LATE_CHECK_S = 3 * 3_600
LATE_ANCHOR_S = 3_600
OWN_ENTRIES = 10  # events that may lack an anchor for a while: anchoring and checking are events themselves
ALONE = frozenset({"web", "worker", "beat", "sequencer"})  # what `lineal up` runs


def store() -> Iterator[Finding]:
    """Writes, reads and deletes one small object of no project."""
    kept, content = get_store(), token_bytes(64)
    digest, staged = sha256(content).hexdigest(), kept.new_staging_key()
    kept.write_part(staged, 0, [content], max_bytes=len(content))
    kept.publish(staged, PROBE_PROJECT, digest)
    kept.discard(staged)
    try:
        same = b"".join(kept.open(PROBE_PROJECT, digest)) == content
    finally:
        kept.delete(PROBE_PROJECT, digest)
        _tidy(kept, digest)
    where = settings.BLOBS_URL.partition("?")[0]
    if not same:
        yield fail(
            "store",
            f"{where} gave back other bytes than it was given",
            "Trust no artifact in it; look at the disk or bucket.",
        )
    elif kept.exists(PROBE_PROJECT, digest):
        yield warn(
            "store", f"{where} keeps what was deleted", "Deleted runs keep their bytes: allow the server to delete."
        )
    else:
        yield ok("store", f"{where} takes, gives and deletes")


def _tidy(kept: object, digest: str) -> None:
    if isinstance(kept, LocalStore):
        shelf = kept.root / PROBE_PROJECT.hex / digest[:2]
        for folder in (shelf, shelf.parent):
            with suppress(OSError):  # somebody else's probe lies there
                folder.rmdir()


def broker() -> Iterator[Finding]:
    with app.connection_for_write(connect_timeout=BROKER_LIMIT_S) as connection:
        where = connection.as_uri()  # shows no password
        try:
            connection.ensure_connection(max_retries=1, timeout=BROKER_LIMIT_S)
        except Exception as exc:  # noqa: BLE001 - each transport raises its own
            yield fail(
                "broker", f"{where} does not answer: {exc}", "Start it, or mend LINEAL_BROKER_URL. Jobs wait meanwhile."
            )
            return
    yield ok(
        "broker",
        f"{settings.BROKER['kind']}, {where} answers"
        if settings.BROKER["kind"] != "folder"
        else "the folder in the home",
    )


def processes() -> Iterator[Finding]:
    """On this machine; a server may have its other processes elsewhere."""
    members = roster.living(roster.folder(settings.RUN_FOLDER))
    if not members:
        yield warn(
            "processes",
            "none run on this machine",
            "Fine if they run elsewhere; else: lineal up, or lineal serve, worker, beat and sequencer.",
        )
        return
    absent = sorted(ALONE - {member.role for member in members})
    said = ", ".join(f"{member.seat} (pid {member.pid})" for member in members)
    if absent:
        yield warn("processes", f"{said}; no {', no '.join(absent)}", "Fine if those run elsewhere.")
    else:
        yield ok("processes", said)


def jobs() -> Iterator[Finding]:
    now = clock.now()
    due = Job.objects.filter(done_at=None, failed_at=None, due_at__lte=now).exclude(leased_until__gte=now)
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first()
    late_s = clock.age_s(oldest)
    if late_s > LATE_JOB_S:
        yield fail(
            "jobs",
            f"{due.count()} are due, the first for {shown_age(late_s)}",
            "No worker does them: start one, or more.",
        )
    else:
        yield ok("jobs", "nothing is late")
    failed = Job.objects.filter(failed_at__isnull=False)
    for name, count in failed.values_list("name").annotate(count=Count("pk")).order_by("-count")[:5]:
        error = failed.filter(name=name).order_by("-failed_at").values_list("last_error", flat=True).first() or ""
        advice = "Mend the cause; the rows stay in core_job until somebody deletes them."
        yield warn("failed jobs", f"{count} of {name}, last: {error.strip().partition(chr(10))[0][:200]}", advice)


def sequencer() -> Iterator[Finding]:
    oldest = AuditPending.objects.order_by("event_id").values_list("event__at", flat=True).first()
    late_s = clock.age_s(oldest)
    if late_s > LATE_EVENT_S:
        detail = f"{AuditPending.objects.count()} events wait for their place, the first for {shown_age(late_s)}"
        yield fail(
            "sequencer", detail, "Start it, or read its log: it stops at a ledger that does not fit its checkpoint."
        )
    else:
        last = AuditCheckpoint.objects.order_by("-size").first()
        yield ok("sequencer", f"nothing waits; {last.size if last else 0} events are in the log")


def signing_key() -> Iterator[Finding]:
    """Reads public keys only."""
    last = AuditCheckpoint.objects.order_by("-size").values_list("vkey", flat=True).first()
    at_hand = keys.find_vkey()
    if at_hand is None:
        yield warn("signing key", "there is none yet", "The first start makes it.")
    elif last not in (None, at_hand):
        yield fail(
            "signing key",
            f"the log is signed with {last}, and the home holds {at_hand}",
            "Bring the key back from a backup.",
        )
    else:
        yield ok("signing key", f"{at_hand} signs the log")


def anchors() -> Iterator[Finding]:
    last = AuditCheckpoint.objects.order_by("-size").first()
    size = last.size if last else 0
    for place in anchoring.places():
        newest = Anchor.objects.filter(kind=place.kind, outcome=Anchor.Outcome.OK).order_by("-checkpoint_id").first()
        lag = size - (newest.checkpoint_id if newest else 0)
        check = f"anchor {place.kind}"
        if newest is None:
            state = warn(
                check, "nothing is anchored yet", "Happens within a quarter of an hour of the start, by a job."
            )
            yield state if size else ok(check, "the log is empty")
            continue
        age_s = clock.age_s(newest.at)
        detail = f"covers the log up to {newest.checkpoint_id} of {size}, {shown_age(age_s)} old"
        if lag > OWN_ENTRIES and age_s > LATE_ANCHOR_S:
            yield warn(check, detail, "What came since could be cut off unseen: look at the worker and at the place.")
        else:
            yield ok(check, detail)


def verifications() -> Iterator[Finding]:
    for subject in ["ledger", *registered()]:
        last = Verification.objects.filter(subject=subject).order_by("-id").first()
        check = f"verification {subject}"
        if last is None:
            yield ok(check, "not made yet; it is made every hour")
            continue
        age_s = clock.age_s(last.ended_at)
        detail = f"{last.outcome}, {last.checked} looked at, {shown_age(age_s)} ago"
        if last.outcome != Verification.Outcome.OK:
            yield fail(
                check,
                f"{detail}: {'; '.join(map(str, last.findings[:2]))}",
                "Export the trail and verify it elsewhere.",
            )
        elif age_s > LATE_CHECK_S:
            yield warn(check, detail, "It is due every hour: look at the worker and the beat.")
        else:
            yield ok(check, detail)


def messages() -> Iterator[Finding]:
    failing = Subscription.objects.filter(enabled=True, failing_since__isnull=False).count()
    if failing:
        yield warn("messages", f"{failing} subscriptions do not reach their places", "lineal webhooks list shows why.")
    else:
        yield ok("messages", "no subscription fails")
