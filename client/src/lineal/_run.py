"""A run, as training code holds it. Logging never raises and never waits for the server; `flush` and `finish` wait a bounded time."""

import atexit
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns as now_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from lineal import _settings, _signals, _values
from lineal._artifacts import find_files, log_files
from lineal._dataset_profiles import DatasetProfile, log_profile
from lineal._datasets import describe, size_on_the_wire, undescribed
from lineal._notices import Notices
from lineal._packing import Input, Output, Params, Tags
from lineal._progress import Progress
from lineal._refusals import shown
from lineal._sender import Sender

if TYPE_CHECKING:
    from lineal._profiles.document import Profile

logger = logging.getLogger("lineal")

Status = Literal["finished", "failed", "killed"]

LARGEST_STEP = (1 << 63) - 1
SMALLEST_STEP = -(1 << 63)

_open: set["Run"] = set()


class Run:
    """What `start_run` gives. Use it in a `with` block: an exception in there ends the run as failed, Ctrl-C as killed."""

    def __init__(self, sender: Sender, *, experiment: str, name: str | None, url: str | None) -> None:
        _open.add(self)
        self._sender = sender
        self._notices: Notices = sender.notices
        self._status: Status | None = None
        self._signatures: dict[str, dict[str, Any]] = {}
        self.id = sender.header.run
        self.project = sender.header.project
        self.experiment = experiment
        self.name = name
        self.url = url

    def __repr__(self) -> str:
        return f"<lineal.Run {self.id} of {self.experiment!r}, {self._status or 'running'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(status_of(kind, exc))

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record values of metrics at `step`; without one each metric counts on from its own last step, from 0.

        Numbers, numpy scalars and tensors of one element are taken, NaN and infinities included; anything else is
        skipped with a warning. Costs about a microsecond.
        """
        if self._status is not None:
            self._too_late("log")
            return
        try:
            for value in metrics.values():
                if type(value) is not float:
                    metrics = self._numbers(metrics)
                    break
            else:
                metrics = {**metrics}
            if step is not None and (type(step) is not int or not SMALLEST_STEP <= step <= LARGEST_STEP):
                step = self._step(step)
            self._sender.put((step, now_ns(), metrics))
        except Exception as exc:  # noqa: BLE001 - the promise of this class
            self._unlogged(metrics, exc)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters. Each is written once: the same value again is nothing, another one is refused by the server."""
        self._guarded("log_params", lambda: self._put_params(params))

    def log_param(self, key: str, value: Any) -> None:
        """Record one parameter, as `log_params` does."""
        self.log_params({key: value})

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag; None removes it."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; a value of None removes the tag."""
        self._guarded("set_tags", lambda: self._put_tags(tags))

    def use_dataset(
        self,
        name: str,
        data: Any,
        *,
        context: str = "",
        version: str | None = None,
        profile: "bool | Profile | None" = None,
    ) -> str | None:
        """Record that this run read `data`: a path, an address (`s3://…`), or a pandas, polars, Arrow or numpy table.

        Files, folders and tables are recorded by the digest of their content, which is returned; about 1 GB/s. An address is
        recorded as told, stronger if `version` names the state that was read.

        A table called `train`, by name or context, is profiled too (`lineal.profile`; some 10 million cells a second), because production
        is compared with it. `profile=True` does so with any data, `profile=False` with none; a profile made before is kept as it is.
        """
        digest: str | None = self._guarded(
            "use_dataset", lambda: self._put_dataset(Input, name, data, context, version, profile)
        )
        return digest

    def log_dataset(self, name: str, data: Any, *, context: str = "", version: str | None = None) -> str | None:
        """Record data that this run made, as `use_dataset` records what it read: whoever reads them continues its line.

        The bytes stay where they are; `log_artifact` keeps a copy. Data that the run itself came of are refused by the server.
        """
        digest: str | None = self._guarded(
            "log_dataset", lambda: self._put_dataset(Output, name, data, context, version, profile=False)
        )
        return digest

    def log_profile(self, profile: "Profile", name: str = "reference") -> None:
        """Keep a profile with the run. The one called `reference` is what production is compared with, before the training table's."""
        self._guarded("log_profile", lambda: log_profile(self._sender, profile, name))

    def log_artifact(self, source: str | Path, path: str | None = None) -> None:
        """Record a file, or a folder with all that is in it, as it is now. `path` is what it is called in the run, by default its name.

        Returns once the bytes are copied into the spool (about 1 GB/s), so the original may be changed or removed.
        """
        self._guarded("log_artifact", lambda: log_files(self._sender, find_files(Path(source), path)))

    def log_model(self, model: Any, name: str = "model", *, input_example: Any = None) -> None:
        """Record a model as the folder `name`: a scikit-learn object, or a path of files that some other library saved."""
        self._guarded("log_model", lambda: self._put_model(model, name, input_example))

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until the server has all that was logged; False if it has not in time (`LINEAL_FINISH_TIMEOUT`)."""
        delivered = self._sender.flush(_settings.finish_timeout_s() if timeout_s is None else timeout_s)
        return delivered and not self._sender.losses

    @property
    def why_not_delivered(self) -> str:
        """What keeps records from the server, as far as known."""
        return "; ".join(part for part in (self._sender.why_not, self._sender.losses) if part) or "no answer in time"

    def finish(self, status: Status = "finished", *, timeout_s: float | None = None) -> None:
        """End the run and wait, at most `timeout_s` (`LINEAL_FINISH_TIMEOUT`), until the server has all of it. Says what it has not.

        Only the process that started the run ends it; in a forked child, or one that joined, this delivers what that process logged.
        """
        if self._status is not None:
            return
        self._status = status
        _open.discard(self)
        ended_at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        body = {"status": status, "ended_at": ended_at} if self._sender.header.owner else None
        delivered = False
        try:
            with Progress(self._sender) as progress:
                delivered = self._sender.finish(body, _patience_s(timeout_s), on_wait=progress.show)
        finally:  # told too when somebody who does not want to wait presses Ctrl-C
            self._report(delivered)
            if not _open:
                _signals.unwatch()

    def __reduce__(self) -> tuple[Callable[..., "Run"], tuple[Any, ...]]:
        """For processes that are not forked: what arrives there is one more writer of this run. It holds no token."""
        from lineal._starting import rejoin

        header = self._sender.header
        return rejoin, (header.base_url, self.project, self.experiment, self.name, self._sender.create)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @property
    def is_open(self) -> bool:
        """Whether `finish` was not called yet."""
        return self._status is None

    @property
    def signatures(self) -> Mapping[str, dict[str, Any]]:
        """By name, the signatures of models that this process logged with an input example."""
        return self._signatures

    def _report(self, delivered: bool) -> None:
        sender = self._sender
        if sender.losses:
            logger.warning("run %s: %s", self.id, sender.losses)
        if not delivered and sender.folder is not None:
            logger.warning(
                "run %s: %d records are not on the server yet (%s). They wait in %s; `lineal sync` sends them.",
                self.id,
                sender.unsent,
                sender.why_not or "no answer in time",
                sender.folder,
            )

    def _guarded(self, act: str, call: Callable[[], Any]) -> Any:
        """Do it, or say once why it was not done: trouble with logging stops no training job."""
        if self._status is not None:
            self._too_late(act)
            return None
        try:
            return call()
        except Exception as exc:  # noqa: BLE001 - the promise of this class
            self._notices.warn_once(f"{act}: {type(exc).__name__}", f"run {self.id}: {act} recorded nothing: {exc}")
            return None

    def _unlogged(self, metrics: Any, exc: Exception) -> None:
        """What was given is no mapping, or changed while it was read."""
        what = shown(type(metrics)) if isinstance(exc, AttributeError | TypeError) else shown(exc)
        self._notices.warn_once(
            f"log {what}", f"run {self.id}: log recorded nothing: metrics are a dict of numbers by name, not {what}"
        )

    def _too_late(self, act: str) -> None:
        self._notices.warn_once("late", f"run {self.id} is {self._status}: {act} recorded nothing")

    def _numbers(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """Under their keys as given: the packer makes text of those."""
        found = {}
        for key, value in metrics.items():
            try:
                found[key] = _values.number(value)
            except _values.NotLoggable as exc:
                name = shown(key)  # whatever class a key is of
                self._notices.warn_once(
                    f"metric {name}", f"run {self.id}: metric {name} is skipped: {exc} (said once for each metric)"
                )
        return found

    def _step(self, step: Any) -> int | None:
        try:
            return _values.whole_step(step)
        except _values.NotLoggable as exc:
            self._notices.warn_once("step", f"run {self.id}: {exc}; values count on from their last step instead")
            return None

    def _put_params(self, params: Mapping[str, Any]) -> None:
        if params:
            self._sender.put(Params({key: _values.scalar(value) for key, value in _values.flat(params).items()}))

    def _put_tags(self, tags: Mapping[str, Any]) -> None:
        if tags:
            texts = {_values.text(key): None if value is None else _values.text(value) for key, value in tags.items()}
            self._sender.put(Tags(texts))

    def _put_dataset(  # noqa: PLR0917 - what use_dataset and log_dataset were given
        self,
        sort: type[Input | Output],
        name: str,
        data: Any,
        context: str,
        version: str | None,
        profile: "bool | Profile | None",
    ) -> str | None:
        profiled = DatasetProfile(profile, name, data, context)
        try:
            use = describe(name, data, context=context, version=version, rows=profiled.rows)
        except Exception as exc:  # noqa: BLE001 - the use itself is recorded in any case
            self._notices.warn_once(
                f"dataset {name}", f"run {self.id}: dataset {name!r} is recorded without a digest: {exc}"
            )
            use = undescribed(name, data, context=context)
        self._sender.put(sort(use, size_on_the_wire(use)))
        self._put_profile(name, profiled, context)
        digest: str | None = use.get("digest")
        return digest

    def _put_profile(self, name: str, profiled: DatasetProfile, context: str) -> None:
        try:
            found = profiled.result()
            if found is not None:
                log_profile(self._sender, found, context or name)
        except Exception as exc:  # noqa: BLE001 - the use is recorded already
            self._notices.warn_once(
                f"profile {name}", f"run {self.id}: dataset {name!r} is recorded without a profile: {exc}"
            )

    def _put_model(self, model: Any, name: str, input_example: Any) -> None:
        from lineal import _models

        with tempfile.TemporaryDirectory(prefix="lineal-model-") as folder:
            description = _models.save(model, Path(folder), input_example=input_example)
            log_files(self._sender, find_files(Path(folder), name))
        if "signature" in description:
            self._signatures[name] = description["signature"]


def _patience_s(timeout_s: float | None) -> float:
    """Schedulers kill some 30 seconds after they have told a job to go."""
    return _signals.patience_s(_settings.finish_timeout_s() if timeout_s is None else timeout_s)


def status_of(kind: type[BaseException] | None, exc: BaseException | None) -> Status:
    """How a run ended that this exception left: killed by the user or a scheduler, failed, or well (`sys.exit(0)` too)."""
    if kind is None:
        return "finished"
    if issubclass(kind, KeyboardInterrupt | _signals.Terminated):
        return "killed"
    if issubclass(kind, SystemExit):
        return "failed" if getattr(exc, "code", 0) else "finished"
    return "failed"


@atexit.register
def _finish_open_runs() -> None:
    """A script that ends without `finish`: its runs end as it does."""
    kind = _signals.Terminated if _signals.terminated() else getattr(sys, "last_type", None)
    if (
        hasattr(sys, "ps1") and kind is not _signals.Terminated
    ):  # what failed at a prompt, or in a notebook's cell, ended nothing
        kind = None
    for run in list(_open):
        run.finish(status_of(kind, getattr(sys, "last_value", None)))
