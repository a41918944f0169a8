"""What earlier processes could not deliver, sent now: every writer's folder in the spool whose process has ended."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from lineal import _credentials, _locks, _refusals, _settings, _spool
from lineal._delivery import Delivery, Postponed, Stopped, is_of_unknown_run, remove_folder
from lineal._errors import LinealError, NotConfigured
from lineal._http import Transport, backoff_s
from lineal._monitors.leftovers import Brought, bring
from lineal._monitors.parts import MONITORS, origin_of, part_files
from lineal._monitors.parts import remove_folder as remove_monitor_folder
from lineal._notices import Notices
from lineal._refusals import shown
from lineal._spool_reader import header_of_path

logger = logging.getLogger("lineal")

PATIENCE_S = (
    30.0  # for a server that does not answer; after it, the rest of that server's runs is left for the next time
)

State = Literal["sent", "living", "unreachable", "stopped", "damaged"]


@dataclass
class StreamReport:
    """One writer of one run, or of one monitor. `missing` records were lost to damage on disk; `unrecorded` values could
    not be written when they were logged.

    `refused` are sentences: what the server did not take, and what is `unrecorded` and why.
    """

    run: str
    project: str
    server: str
    folder: str
    state: State
    detail: str = ""
    records: int = 0
    batches: int = 0
    files: int = 0
    missing: int = 0
    unrecorded: int = 0
    refused: list[str] = field(default_factory=list)
    monitor: str = ""
    parts: int = 0


@dataclass
class SyncReport:
    """What `sync` found and did. `ok` when nothing is left behind except by living processes, and nothing was lost."""

    streams: list[StreamReport] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(each.state in ("sent", "living") and not each.refused and not each.missing for each in self.streams)

    @property
    def sent(self) -> list[StreamReport]:
        return [each for each in self.streams if each.state == "sent"]

    @property
    def left(self) -> list[StreamReport]:
        return [each for each in self.streams if each.state != "sent"]


def sync(spool_dir: str | Path | None = None, progress: bool = False, recreate: bool = False) -> SyncReport:
    """Send what dead processes left in the spool (by default `LINEAL_SPOOL_DIR`'s); each record arrives exactly once.

    A run whose process died before its end is ended as killed, unless it has ended since, or another process goes on with it. Living
    processes send their own. Runs and profiles of monitors go to the servers that they were made for, with the tokens stored for those;
    runs that were logged without any server go to the configured one.

    May be called again at any time, also while another `sync` runs. With `recreate`, a run that its server does not know is begun anew
    from what is on disk: for a server that was restored from a backup from before the run. It would also bring back one that was deleted.
    """
    root = Path(spool_dir) if spool_dir is not None else _settings.spool_dir()
    servers = Servers(recreate=recreate)
    folders = list(writer_folders(root))
    report = SyncReport()
    for position, folder in enumerate(folders, start=1):
        if progress:
            print(f"{position}/{len(folders)} run {folder.parent.name}", file=sys.stderr)  # noqa: T201 - asked for
        found = _sync_folder(folder, servers)
        if found is not None:
            report.streams.append(found)
    for folder in monitor_folders(root):
        found = _sync_monitor(folder, servers)
        if found is not None:
            report.streams.append(found)
    return report


def sync_writers(folders: list[Path], *, until: float) -> SyncReport:
    """As `sync`, for these writers' folders alone, whose run the caller ends; what is not done by then (`time.monotonic`) is left."""
    servers = Servers(ends=False, until=until)
    return SyncReport([found for folder in folders if (found := _sync_folder(folder, servers)) is not None])


def writer_folders(root: Path) -> Iterator[Path]:
    """Every writer's folder, oldest run first; writers that did not start their run come before the one that ends it."""
    found = [Path(lock).parent for lock in root.glob("*/*/*/*/lock")]
    yield from sorted(found, key=lambda folder: (folder.parent.name, _owns(folder), folder.name))


def monitor_folders(root: Path) -> list[Path]:
    """Every writer's folder of every monitor."""
    return sorted(Path(lock).parent for lock in root.glob(f"*/*/{MONITORS}/*/*/lock"))


def _owns(folder: Path) -> bool:
    from lineal._spool_reader import Reader

    reader = Reader(folder)
    try:
        reader.peek()
    except (LinealError, OSError):
        return False
    finally:
        reader.close()
    return reader.header.owner


class Servers:
    """One connection to each server, and which of them have stopped answering. `ends`: runs that nobody ended are ended as killed."""

    def __init__(self, *, recreate: bool = False, ends: bool = True, until: float = float("inf")) -> None:
        self.recreate = recreate
        self.ends = ends
        self.until = until
        self._transports: dict[str, Transport] = {}
        self._silent: dict[str, str] = {}

    def transport(self, base_url: str) -> Transport:
        """Raises NotConfigured."""
        if base_url not in self._transports:
            target = _credentials.stored_target(base_url) if base_url else _credentials.get_target()
            self._transports[base_url] = Transport(target, until=self.until)
        return self._transports[base_url]

    def silence_of(self, base_url: str) -> str | None:
        """Why this server is not tried again; None if it is."""
        return self._silent.get(base_url)

    def check_time(self, *_: object) -> None:
        """Raises Postponed: it is over."""
        if time.monotonic() >= self.until:
            raise Postponed("there was no time left for it")

    def give_up(self, base_url: str, reason: str) -> None:
        self._silent[base_url] = reason


def _sync_folder(folder: Path, servers: Servers) -> StreamReport | None:
    """None for a folder that vanished meanwhile, or had nothing in it."""
    header = header_of_path(folder)
    report = StreamReport(header.run, header.project, header.base_url, str(folder), "sent")
    return _if_dead(folder, servers, report, _sync_locked)


def _sync_monitor(folder: Path, servers: Servers) -> StreamReport | None:
    """As `_sync_folder`."""
    origin = origin_of(folder)
    report = StreamReport("", origin.project, origin.base_url, str(folder), "sent", monitor=origin.name)
    return _if_dead(folder, servers, report, _bring_parts)


Act = Callable[[Path, Servers, StreamReport], StreamReport | None]


def _if_dead(folder: Path, servers: Servers, report: StreamReport, act: Act) -> StreamReport | None:
    """Do it while the folder is locked, unless its process lives or its server is known to be silent."""
    try:
        handle = _locks.take(folder / "lock")
    except FileNotFoundError:
        return None
    except OSError:
        why_not = _locks.why_not_dead(folder / "lock")
        if why_not:
            report.state, report.detail = "living", why_not
            return report
        return _unless_silent(folder, servers, report, act)  # two at once are harmless: the server knows repeats
    if handle is None:
        report.state, report.detail = "living", "its process still runs and sends by itself"
        return report
    try:
        return _unless_silent(folder, servers, report, act)
    finally:
        os.close(handle)


def _unless_silent(folder: Path, servers: Servers, report: StreamReport, act: Act) -> StreamReport | None:
    silence = servers.silence_of(report.server)
    if silence is not None:
        report.state, report.detail = "unreachable", silence
        return report
    return act(folder, servers, report)


def _bring_parts(folder: Path, servers: Servers, report: StreamReport) -> StreamReport | None:
    if not part_files(folder):
        remove_monitor_folder(folder)
        return None
    found = Brought()
    try:
        transport = servers.transport(report.server)
        _until_done(lambda: bring(folder, transport, found), servers)
    except Postponed as exc:
        report.state, report.detail = "unreachable", str(exc)
        servers.give_up(report.server, str(exc))
    except NotConfigured as exc:
        report.state, report.detail = "stopped", str(exc)
    except OSError as exc:
        report.state, report.detail = "damaged", str(exc)
    if report.state == "sent" and found.closed:
        report.state, report.detail = "stopped", "; ".join(sorted(set(found.closed.values())))
    report.parts, report.refused, report.missing = found.parts, found.refused, found.damaged
    remove_monitor_folder(folder)
    return report


def _sync_locked(folder: Path, servers: Servers, report: StreamReport) -> StreamReport | None:
    if not _spool.segment_numbers(folder):
        return _without_segments(folder)
    try:
        transport = servers.transport(report.server)
        delivery = Delivery(folder, transport, Notices(), leftover=True, on_uploaded=servers.check_time)
    except LinealError as exc:
        report.state, report.detail = "stopped", str(exc)
        return report
    try:
        _deliver(delivery, servers, report)
    finally:
        delivery.close()
    _count(delivery, report)
    if report.state == "sent":
        remove_folder(folder)
    return report


def _without_segments(folder: Path) -> StreamReport | None:
    """A process that died before it logged anything, or things that were refused and kept."""
    remove_folder(folder)
    return None


def _deliver(delivery: Delivery, servers: Servers, report: StreamReport) -> None:
    try:
        _send_all(delivery, servers)
        if servers.ends and delivery.reader.header.owner and not delivery.sent.finished:
            if _goes_on(delivery.folder):
                report.state, report.detail = "living", "another process goes on with its run"
                return
            _until_done(lambda: delivery.end_killed(_last_written(delivery.folder)), servers)
    except Postponed as exc:
        report.state, report.detail = "unreachable", str(exc)
        servers.give_up(report.server, str(exc))
    except Stopped as exc:
        report.state, report.detail = "stopped", str(exc)
    except (LinealError, OSError) as exc:
        report.state, report.detail = "damaged", str(exc)
    except Exception as exc:  # the folder is kept as it is, and other runs are sent all the same
        logger.debug("sending from %s ends", delivery.folder, exc_info=exc)
        report.state, report.detail = "stopped", f"an error of the client's own: {shown(exc)}"


def _goes_on(folder: Path) -> bool:
    """Whether a process that lives has taken the run up again, or another `sync` is about to say so."""
    return any(_owns(other) and _is_held(other) for other in folder.parent.iterdir() if other != folder)


def _is_held(folder: Path) -> bool:
    try:
        handle = _locks.take(folder / "lock")
    except FileNotFoundError:
        return False
    except OSError:
        return bool(_locks.why_not_dead(folder / "lock"))
    if handle is None:
        return True
    os.close(handle)
    return False


def _send_all(delivery: Delivery, servers: Servers) -> None:
    """Every record; from the first one on if the server does not know the run, and that is asked for. Raises Postponed, Stopped."""
    try:
        _until_done(delivery.step, servers)
    except Stopped as exc:
        if not (servers.recreate and is_of_unknown_run(exc)):
            raise
        if not delivery.begin_again():
            raise Stopped("the run's beginning was delivered and cleared away, so it cannot be begun anew") from exc
        _until_done(delivery.step, servers)


def _until_done(step: Callable[[], bool], servers: Servers) -> None:
    """Repeat `step` until it has nothing left; a silent server is asked again for a while. Raises Postponed, Stopped."""
    silent_since: float | None = None
    attempt = 0
    while True:
        servers.check_time()
        try:
            if not step():
                return
            silent_since, attempt = None, 0
            continue
        except Postponed as exc:
            attempt += 1
            silent_since = silent_since or time.monotonic()
            wait_s = exc.after_s if exc.after_s is not None else backoff_s(attempt, 5.0)
            if exc.after_s is None and time.monotonic() + wait_s - silent_since > PATIENCE_S:
                raise
        time.sleep(max(min(wait_s, servers.until - time.monotonic()), 0.0))


def _last_written(folder: Path) -> datetime:
    """About when the process died: the last write to its spool."""
    times = [_spool.segment_path(folder, number).stat().st_mtime for number in _spool.segment_numbers(folder)]
    return datetime.fromtimestamp(max(times, default=time.time()), UTC)


def _count(delivery: Delivery, report: StreamReport) -> None:
    report.records = delivery.sent.records
    report.batches = delivery.sent.batches
    report.files = delivery.sent.files
    refusals = _refusals.read(delivery.folder)
    report.unrecorded = refusals.records
    report.refused = delivery.sent.refused + refusals.sentences
    report.missing = delivery.reader.missing
    report.project, report.run = delivery.reader.header.project, delivery.reader.header.run
