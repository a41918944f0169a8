"""Sources: made and deleted by people; each window's files are profiled once, by the client's own command, in a process of
its own, because the server imports nothing of the client.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid5

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction

from audit.services import record
from core import clock
from core.access import Principal
from core.errors import LinealError
from core.ids import uuid7
from monitoring.errors import NameTaken, PartDiffers, SourceRefused
from monitoring.evidence import monitor_target
from monitoring.models import Baseline, Monitor, Source
from monitoring.quiet import check_time
from monitoring.selectors import is_in_service
from monitoring.services.baselines import reference_for
from monitoring.services.parts import receive_part
from monitoring.services.windows import aligned
from monitoring.sources import SCHEME, NotReadable, check_pattern, files_for

log = logging.getLogger(__name__)

TIMEOUT_S = 1_800  # some two thousand million cells
MOST_ATTEMPTS = 6  # at one window, before the next one's turn
RETRY_S = 60
SENDER = "lineal profile"
_MESSAGE_LENGTH = 500


class ProfilingFailed(Exception):
    """The command made no profile; the message is its own."""


@transaction.atomic
def create_source(
    *, monitor: Monitor, path: str, actor: Principal, predictions: str = "", labels: str = "", daily_at: str = ""
) -> Source:
    """Have the files at `path` profiled, from the window on that is running now.

    Raises:
        SourceRefused: the path leads where this server reads nothing, or the time is none.
        NameTaken: the monitor has a source of that path.
    """
    try:
        check_pattern(path, settings.DATA_ROOTS)
        if daily_at:
            check_time(daily_at)
    except NotReadable as exc:
        raise SourceRefused(str(exc), field="path") from exc
    except ValueError as exc:
        raise SourceRefused(str(exc), field="daily_at") from exc
    source = Source(
        monitor=monitor,
        path=path,
        predictions=predictions,
        labels=labels,
        daily_at=daily_at,
        created_by_id=actor.id,
        created_by=actor.name,
    )
    _wait_for(source, aligned(monitor, clock.now()))
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as exc:
        raise NameTaken("This monitor has a source of that path already.") from exc
    after = {"path": path, "predictions": predictions, "labels": labels, "daily_at": daily_at}
    _record(source, "source.create", actor, after=after)
    return source


@transaction.atomic
def delete_source(*, source: Source, actor: Principal) -> None:
    """Its files are profiled no more. What came of them stays."""
    _record(source, "source.delete", actor, before={"path": source.path})
    source.delete()


def due_sources() -> list[int]:
    """Primary keys of sources with a window that has ended, longest first; of versions in service alone, since what lies there
    comes from those.
    """
    due = Source.objects.select_related("monitor").filter(
        next_at__lte=clock.now(), monitor__enabled=True, monitor__project__archived_at__isnull=True
    )
    return [source.pk for source in due.order_by("next_at") if is_in_service(source.monitor)]


def inherit_sources(*, monitor: Monitor, before: Monitor) -> None:
    """The next version of the model writes where the last one did. In the caller's transaction."""
    for source in Source.objects.filter(monitor=before).order_by("pk"):
        source.pk, source.uuid, source.monitor = None, uuid7(), monitor
        source.attempts, source.last_error, source.last_error_at, source.last_done_at = 0, "", None, None
        _wait_for(source, aligned(monitor, clock.now()))
        source.save(force_insert=True)


def profile_source(*, source_id: int) -> None:
    """Profile the files of the window that is next, and wait for the one after it. What fails is tried again, a few times;
    then it is the next window's turn. Idempotent: a window's part has the same id on every attempt.
    """
    source = _begin(source_id)
    if source is None:
        return
    try:
        _bring(source, _profile(source))
    except (NotReadable, ProfilingFailed, LinealError) as exc:
        detail = exc.detail if isinstance(exc, LinealError) else str(exc)
        log.warning("The source %s has no profile of %s: %s", source.uuid, clock.text(source.next_start), detail)
        _note_failure(source, detail)
    else:
        _go_on(source, last_error="", last_done_at=clock.now())


@transaction.atomic
def _begin(source_id: int) -> Source | None:
    """Counts the attempt before it is made, so that one which killed its worker is counted too."""
    sources = Source.objects.select_related(
        "monitor__project", "monitor__environment", "monitor__version__model__project"
    )
    source = sources.filter(pk=source_id).first()
    if source is None or source.next_at > clock.now():
        return None
    until = clock.now() + timedelta(seconds=TIMEOUT_S)  # nobody else begins while it runs
    mine = Source.objects.filter(pk=source.pk, next_at=source.next_at, attempts=source.attempts)
    source.attempts += 1
    return source if mine.update(attempts=source.attempts, next_at=until) else None


def _profile(source: Source) -> bytes:
    """Raises NotReadable, ProfilingFailed, and what reading the baseline raises."""
    files = files_for(source.path, source.next_start, settings.DATA_ROOTS)
    baseline = Baseline.objects.filter(version=source.monitor.version_id).first()
    with tempfile.TemporaryDirectory(prefix="lineal-source-") as folder:
        command = [sys.executable, "-m", "lineal.cli", "profile", *files, "--out", "-"]
        if baseline is not None:
            reference = Path(folder) / "reference.json"
            reference.touch(mode=0o600)
            reference.write_bytes(orjson.dumps(reference_for(baseline).to_json()))
            command += ["--reference", str(reference), "--privacy", baseline.privacy]
        for option, column in (("--predictions", source.predictions), ("--labels", source.labels)):
            command += [option, column] if column else []
        return _run(command, folder, _credentials() if files[0].startswith(SCHEME) else {})


def _credentials() -> dict[str, str]:
    """What opens the bucket: of the environment alone, for a process that sees nothing else of this server. pyarrow does not know
    AWS_ENDPOINT_URL_S3.
    """
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    endpoint = found.get("AWS_ENDPOINT_URL_S3")
    return found | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})


def _run(command: list[str], folder: str, credentials: Mapping[str, str]) -> bytes:
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    environment |= {"HOME": folder, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **credentials}
    try:
        done = subprocess.run(  # an argument list; the files' paths are absolute, so none is taken for an option
            command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S / 2, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ProfilingFailed(f"It took more than {TIMEOUT_S // 2} seconds.") from exc
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ProfilingFailed(said[-1] if said else f"It ended with {done.returncode}.")
    return done.stdout


def _bring(source: Source, document: bytes) -> None:
    """Files that have changed since a first profile of the window was kept change nothing: the first one stands."""
    start, end = source.next_start, _end_of(source)
    part = uuid5(source.uuid, clock.text(start))
    try:
        receive_part(monitor=source.monitor, uuid=part, start=start, end=end, document=document, sender=SENDER)
    except PartDiffers:
        log.info("The window %s of the source %s was profiled before", clock.text(start), source.uuid)


def _note_failure(source: Source, detail: str) -> None:
    error = {"last_error": detail[:_MESSAGE_LENGTH], "last_error_at": clock.now()}
    if source.attempts >= MOST_ATTEMPTS:
        _go_on(source, **error)
        return
    wait_s = RETRY_S * 2 ** (source.attempts - 1)
    Source.objects.filter(pk=source.pk).update(next_at=clock.now() + timedelta(seconds=wait_s), **error)


def _go_on(source: Source, **news: Any) -> None:
    """To the next window; several that were missed are profiled one after the other."""
    _wait_for(source, aligned(source.monitor, _end_of(source)))
    Source.objects.filter(pk=source.pk).update(next_start=source.next_start, next_at=source.next_at, attempts=0, **news)


def _wait_for(source: Source, start: datetime) -> None:
    source.next_start = start
    source.next_at = _due_at(_end_of(source), source.daily_at)


def _end_of(source: Source) -> datetime:
    return aligned(source.monitor, source.next_start) + timedelta(seconds=source.monitor.window_s)


def _due_at(end: datetime, daily_at: str) -> datetime:
    """When the window has ended, or at that time of day (UTC) after it."""
    if not daily_at:
        return end
    due = datetime.combine(end.date(), time.fromisoformat(daily_at), tzinfo=UTC)
    return due if due >= end else due + timedelta(days=1)


def _record(source: Source, action: str, actor: Principal, **evidence: Any) -> None:
    monitor = source.monitor
    record(
        action=action,
        target=monitor_target(monitor),
        actor=actor,
        project=monitor.project,
        refs=[("source", str(source.uuid)), ("model_version", str(monitor.version.uuid))],
        **evidence,
    )
