"""Packed records on their way into one writer's spool. What finds no room, or cannot be written, is counted and told; the rest is kept.

Two sorts of loss are kept apart: `lost` is what a full disk cost, `refused` is single records that no disk would have helped.
"""

import contextlib
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal import _refusals
from lineal._notices import Notices
from lineal._packing import Batch, File, Group
from lineal._refusals import Refusal, Refusals, refusal
from lineal._spool import End, Header, Spool, SpoolFull

logger = logging.getLogger("lineal")

MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made there, as in any place for temporary files
SEND_INTERVAL_S = 1.0  # values are spooled more often; charts of a living run lag by so much at most


@dataclass
class Lost:
    """What there was no room for."""

    records: int = 0
    points: int = 0


class Keeper:
    """Not thread-safe: its caller holds a lock. Without a spool until `open` found a place for one.

    `create` is the body that makes the run; every writer's stream begins with it, because none knows which arrives first.
    """

    def __init__(self, header: Header, create: dict[str, Any], notices: Notices, *, resume: bool) -> None:
        self.spool: Spool | None = None
        self.sendable = End(0, 0), 0  # so far may be sent, up to this record
        self.waiting_bytes = 0
        self.lost = Lost()
        self.refused = Refusals()
        self._header = header
        self._create = create
        self._resume = resume
        self._notices = notices
        self._group: Group | None = None
        self._written_refusals = 0

    def open(self) -> None:
        """Find a place for the spool; where there is none, whatever is kept later is lost, and that is told."""
        try:
            self.spool = Spool(self._header)
        except (OSError, ValueError) as exc:
            self._open_elsewhere(exc)
        with contextlib.suppress(SpoolFull):  # tried again, and told, with the first values
            self._ensure_created()
            self.close_group()

    def _open_elsewhere(self, exc: Exception) -> None:
        """A container without a home still has a place for temporary files, or at least some memory that looks like one."""
        reasons = [str(exc)]
        for place in (None, MEMORY):
            try:
                root = Path(tempfile.mkdtemp(prefix="lineal-spool-", dir=place))
                self.spool = Spool(self._header, root=root)
            except (OSError, ValueError) as other:
                reasons.append(str(other))
                continue
            words = "in memory only, and lost with this machine or container" if place else "a temporary one"
            self._notices.warn_once(
                "elsewhere",
                f"the spool is {words}: {root}, for `lineal sync` from {root.parent} if need be"
                f" (LINEAL_SPOOL_DIR chooses another place): {'; '.join(reasons)}",
            )
            return
        self._notices.warn_once("full", f"nothing of run {self._header.run} can be kept: {'; '.join(reasons)}")

    def _ensure_created(self) -> None:
        if self.spool is not None and self.spool.last_number == 0:
            self.spool.append("create", body=self._create, resume=self._resume)

    def keep(self, item: Batch | File | Refusal) -> None:
        """Write one item; never raises an Exception."""
        try:
            self._keep(item)
        except MemoryError:  # not even the words for what is wrong found room
            self.lost.records += 1
            self.lost.points += item.points if isinstance(item, Batch | Refusal) else 0

    def _keep(self, item: Batch | File | Refusal) -> None:
        if isinstance(item, Refusal):
            self._refuse(item)
            return
        try:
            self._append(item)
        except SpoolFull as exc:
            self._lose(item, str(exc))
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with one record, the others are kept
            self._keep_apart(item, exc)

    def _append(self, item: Batch | File) -> None:
        if self.spool is None:
            raise SpoolFull("there is no spool")
        self._ensure_created()
        if isinstance(item, File):
            self._group = None
            self.spool.append("artifact", **item.record)
            self.waiting_bytes += item.record["size"]
            self.close_group()
            return
        if self._group is not None and not self._group.takes(item):
            self.close_group()
        sequence = self.spool.last_sequence + (self._group is None)
        self.spool.append("batch", sequence=sequence, body=item.body(writer=self._header.writer, sequence=sequence))
        self._group = self._group or Group(time.monotonic())
        self._group.add(item)

    def _keep_apart(self, item: Batch | File, exc: Exception) -> None:
        """Halve a batch until the one value is found that cannot be written. What failed has left nothing in the spool."""
        if isinstance(item, File):
            self._drop_copy(item)
            self._refuse(refusal("file", item.record["path"], exc))
            return
        try:
            halves = item.halves()
        except MemoryError:  # which may be what `exc` says too
            halves = []
        if not halves:
            self._refuse(item.refused(exc))
        for half in halves:
            self.keep(half)

    def _refuse(self, refused: Refusal) -> None:
        self.refused.add(refused)
        self._notices.warn_once(
            "unrecorded",
            f"run {self._header.run}: {refused.what} could not be recorded, all else is: {refused.reason}"
            " (said once; counted at the end of the run)",
        )

    def _lose(self, item: Batch | File, reason: str) -> None:
        self.lost.records += 1
        if isinstance(item, Batch):
            self.lost.points += item.points
        else:
            self._drop_copy(item)
        self._notices.warn_once("full", f"run {self._header.run}: values are being lost, training goes on: {reason}")

    def _drop_copy(self, item: File) -> None:
        if self.spool is None:
            return
        try:
            (self.spool.folder / "files" / item.record["file"]).unlink(missing_ok=True)
        except OSError as exc:  # it takes its room until the folder goes
            logger.debug("a copy in %s cannot be removed: %s", self.spool.folder, exc)
            return
        self.spool.release(item.record["size"])

    def close_group(self) -> None:
        """What is spooled so far may be sent: the next values get the next sequence number."""
        self._group = None
        if self.spool is not None:
            self.sendable = self.spool.end, self.spool.last_number

    def settle(self) -> None:
        """After a round of `keep`: let the values go that waited long enough, and note what was refused, for `lineal sync`."""
        if self._group is not None and time.monotonic() - self._group.since >= SEND_INTERVAL_S:
            self.close_group()
        if self.spool is None or self.refused.records == self._written_refusals:
            return
        try:
            _refusals.write(self.spool.folder, self.refused)
            self._written_refusals = self.refused.records
        except OSError as exc:  # `finish` tells of them in any case
            logger.debug("what was refused is not noted in %s: %s", self.spool.folder, exc)

    def append_finish(self, body: dict[str, Any]) -> None:
        """The record that ends the run."""
        if self.spool is None:
            return
        try:
            self._ensure_created()
            self._group = None
            self.spool.append("finish", body=body)
        except SpoolFull as exc:
            self._notices.warn_once("full", f"run {self._header.run}: its end is not recorded: {exc}")

    @property
    def losses(self) -> str:
        """What will never reach the server, in words; empty where there is nothing."""
        told = []
        if self.lost.records:
            told.append(
                f"{self.lost.records} records ({self.lost.points} points) were lost because the spool, or memory, was full"
            )
        if self.refused.records:
            told.append(str(self.refused))
        return "; ".join(told)
