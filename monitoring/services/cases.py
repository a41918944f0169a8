"""A window's case: all that its judgement depends on, under one digest; and the judgement of it, which writes nothing.

Merging and judging may take seconds, so they happen outside of any transaction, and `evaluations` writes what came of
them if the case is still the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db.models import Q

from monitoring.engine import Evaluation as Judgement
from monitoring.engine import Limits, evaluate
from monitoring.errors import ProfileUnreadable
from monitoring.models import Baseline, Monitor, ProfilePart, ReferenceWindow, Window
from monitoring.profiles import IncompatibleProfiles, Profile, merge
from monitoring.profiles.document import MOST_ROWS
from monitoring.profiles.reference import cells_of
from monitoring.services.baselines import baseline_profile, key_of, read_document

MOST_ACCEPTED = 90  # windows that a judgement learns from; the latest


@dataclass(frozen=True, slots=True)
class Case:
    """`parts` are those that the window's document does not have yet; `before` is what earlier windows left."""

    monitor: Monitor
    window: Window
    baseline: Baseline | None
    parts: Sequence[ProfilePart]
    all_parts: Sequence[tuple[str, str]]
    accepted: Sequence[Window]
    before: Mapping[str, float]

    @property
    def digest(self) -> str:
        """The same for the same inputs, in whichever order they came."""
        return _digest({**self._rules(), "parts": sorted(self.all_parts)})

    @property
    def rules(self) -> str:
        """Names all but the parts: what would make a judgement another one, were it made anew of the same profiles."""
        return _digest(self._rules())

    def _rules(self) -> dict[str, Any]:
        return {
            "baseline": self.baseline.sha256 if self.baseline is not None else None,
            "limits": self.monitor.limits,
            "columns": self.monitor.columns,
            "accepted": sorted((str(each.uuid), each.sha256) for each in self.accepted),
            "before": dict(self.before),
        }


def _digest(inputs: Mapping[str, Any]) -> str:
    return sha256(json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`document` is of the merged profile. `refused` says by primary key why a part could not be merged; `mismatches` are
    sentences on profiles that seem to be of another version.
    """

    judgement: Judgement
    document: bytes
    refused: Mapping[int, str]
    mismatches: Sequence[str]


def load_case(monitor: Monitor, window: Window) -> Case:
    baseline = Baseline.objects.filter(version=monitor.version_id).first()
    parts = ProfilePart.objects.filter(window=window)
    return Case(
        monitor=monitor,
        window=window,
        baseline=baseline,
        parts=list(parts.filter(merged=False, refused="").order_by("id")),
        all_parts=[(str(uuid), digest) for uuid, digest in parts.values_list("uuid", "sha256")],
        accepted=_accepted(monitor, window),
        before=_left_by_earlier(window, baseline),
    )


def _accepted(monitor: Monitor, window: Window) -> list[Window]:
    """What people accepted, whenever it was; and what was learnt, as far as it came before."""
    references = ReferenceWindow.objects.select_related("window").filter(monitor=monitor).exclude(window=window)
    fitting = references.filter(Q(accepted_by_id__isnull=False) | Q(window__start__lt=window.start))
    return [each.window for each in fitting.order_by("-window__start")[:MOST_ACCEPTED]]


def _left_by_earlier(window: Window, baseline: Baseline | None) -> Mapping[str, float]:
    """Evidence so far, against this baseline; none against another."""
    earlier = Window.objects.select_related("evaluation").filter(monitor=window.monitor_id, start__lt=window.start)
    latest = earlier.filter(evaluation__isnull=False).order_by("-start").first()
    left = latest.evaluation if latest is not None else None
    if left is None or baseline is None or left.baseline_sha256 != baseline.sha256:
        return {}
    return dict(left.sequential)


def judge(case: Case) -> Outcome:
    """Deterministic, and without a trace. Parts that do not merge with the others are left out, and told."""
    baseline = baseline_profile(case.baseline) if case.baseline is not None else None
    key = key_of(case.baseline) if case.baseline is not None else None
    merging = _Merging(case, baseline, key)
    window = merging.merged if merging.merged is not None else _empty(case)
    mismatches = merging.mismatches()
    try:
        judgement = _judged(case, baseline, key, window)
    except IncompatibleProfiles as exc:
        judgement = Judgement(state="no_reference", rows=window.rows, notes=(str(exc),), sequential=case.before)
        mismatches.append(str(exc))
    return Outcome(judgement, window.to_bytes(), merging.refused, mismatches)


class _Merging:
    """The window's parts, one after the other, onto what was merged before."""

    def __init__(self, case: Case, baseline: Profile | None, key: bytes | None) -> None:
        self.merged = read_document(bytes(case.window.document)) if case.window.sha256 else None
        self.refused: dict[int, str] = {}
        self._strays = 0
        cells = _cells(baseline, key) if baseline is not None and key is not None else {}
        for part in case.parts:
            self._add(part, cells)

    def _add(self, part: ProfilePart, cells: Mapping[tuple[str, str], str]) -> None:
        try:
            profile = _readable(part)
            together = _together(self.merged, profile) if self.merged is not None else profile
        except (IncompatibleProfiles, ProfileUnreadable) as exc:
            self.refused[part.pk] = str(exc)[:500]
            return
        self.merged = together
        self._strays += any(
            column.hist is not None and cells.get((name, column.family), column.hist.id) != column.hist.id
            for name, column in profile.columns.items()
        )

    def mismatches(self) -> list[str]:
        told = []
        if self.refused:
            why = next(iter(self.refused.values()))
            told.append(
                f"Profiles that do not merge with the window's others were left out: {len(self.refused)} ({why})"
            )
        if self._strays:
            told.append(
                f"Profiles that count over other cells than the baseline's: {self._strays}. Serving code profiles without "
                "the reference, or for another version."
            )
        return told


def _together(merged: Profile, profile: Profile) -> Profile:
    """Raises IncompatibleProfiles."""
    rows = merged.rows + profile.rows
    if rows > MOST_ROWS:
        raise IncompatibleProfiles(f"Together they have {rows} rows, and {MOST_ROWS} is the most.")
    return merge(merged, profile)


def _cells(baseline: Profile, key: bytes) -> dict[tuple[str, str], str]:
    """What the baseline's columns count over, by name and family: a column of another family has cells of its own, or none."""
    return {(name, column.family): cells_of(column, key).id for name, column in baseline.columns.items()}


def _readable(part: ProfilePart) -> Profile:
    """It was checked when it came. Raises ProfileUnreadable if the table was tampered with."""
    document = bytes(part.document)
    if sha256(document).hexdigest() != part.sha256:
        raise ProfileUnreadable("The stored bytes are not those that came.")
    return read_document(document)


def _empty(case: Case) -> Profile:
    key = case.baseline.key_name if case.baseline is not None else "0" * 16
    return Profile(case.window.privacy, key, 0)  # type: ignore[arg-type]  # one of the two that a profile can have


def _judged(case: Case, baseline: Profile | None, key: bytes | None, window: Profile) -> Judgement:
    if baseline is None:
        note = "The version has no baseline, so there is nothing to compare with."
        return Judgement(state="no_reference", rows=window.rows, notes=(note,))
    looked_at = case.monitor.columns
    accepted = [read_document(bytes(each.document)) for each in case.accepted if each.sha256]
    return evaluate(
        baseline=_narrowed(baseline, looked_at),
        window=_narrowed(window, looked_at),
        limits=Limits.from_json(case.monitor.limits),
        reference_windows=[_narrowed(each, looked_at) for each in accepted if each.key == baseline.key],
        sequential=case.before,
        key=key,
    )


def _narrowed(profile: Profile, looked_at: Mapping[str, Any]) -> Profile:
    """Without the columns that the monitor leaves out. Predictions and labels stay, unless they are named."""
    include, exclude = set(looked_at["include"]), set(looked_at["exclude"])
    if not include and not exclude:
        return profile

    def stays(name: str, role: str) -> bool:
        return name not in exclude and (not include or name in include or role != "feature")

    return Profile(
        profile.privacy,
        profile.key,
        profile.rows,
        {name: each for name, each in profile.columns.items() if stays(name, each.role)},
        profile.performance,
        {name: each for name, each in profile.embeddings.items() if stays(name, "feature")},
    )
