"""Judging one window of production against the baseline of its version. Plain data in, plain data out."""

import math
from collections.abc import Iterator, Mapping, Sequence

from monitoring.engine.drift import KIND as DRIFT
from monitoring.engine.drift import Pair, find_drift
from monitoring.engine.embedding import find_embedding_drift
from monitoring.engine.findings import Finding
from monitoring.engine.gaps import find_missing, find_new_categories
from monitoring.engine.limits import Limits
from monitoring.engine.performance import judge_performance
from monitoring.engine.results import ColumnVerdict, Evaluation, State, finite, worst
from monitoring.engine.schema import find_changes, schema_notes
from monitoring.engine.wording import number
from monitoring.profiles import DEFAULT_KEY, IncompatibleProfiles, Profile, key_id
from monitoring.statistics import LEAST_WINDOWS, benjamini_hochberg, cusum_step

_REFERENCE_TIMES_WINDOW = 20  # below it, chance in the reference looks like a shift that never ends
_MOST_ALARMS = 10  # times the alarm that evidence grows to, so that it is gone some seven windows after the shift is


def evaluate(
    *,
    baseline: Profile,
    window: Profile,
    limits: Limits,
    reference_windows: Sequence[Profile] = (),
    sequential: Mapping[str, float] | None = None,
    key: bytes | None = None,
) -> Evaluation:
    """Judge `window`. The same arguments give the same evaluation.

    `reference_windows` are windows that people accepted as normal: with 14 or more, columns are judged by how these vary among each other.
    `sequential` is what the evaluation of the window before left in its own `sequential`. `key` is the baseline's hashing key; without it,
    categories of profiles with a key of their own have no names, and new numbers among more than 256 are not looked for.

    Raises:
        IncompatibleProfiles: the window, or an accepted one, is hashed with another key than the baseline.
    """
    for profile in (window, *reference_windows):
        if profile.key != baseline.key:
            raise IncompatibleProfiles(
                f"A window is hashed under key {profile.key}, and the baseline under {baseline.key}."
            )
    key = _key(baseline, key)
    before = dict(sequential or {})
    findings = list(_findings(baseline, window, reference_windows, limits, key)) if window.rows else []
    columns, evidence = _settle(findings, limits, before)
    schema = find_changes(baseline.columns, window.columns, limits) if window.rows else ()
    performance = judge_performance(baseline.performance, window.performance, limits)
    states: list[State] = [verdict.state for verdict in columns] + [change.state for change in schema]
    if performance is not None:
        states.append(performance.state)
    state = worst(states)
    if state not in ("warn", "critical") and (window.rows < limits.least_rows or state == "no_reference"):
        state = "not_enough_data"
    notes = (
        *_notes(baseline, window, reference_windows, limits),
        *schema_notes(baseline.columns, window.columns, limits),
    )
    return Evaluation(state, window.rows, columns, schema, performance, notes, before | evidence)


def _key(baseline: Profile, key: bytes | None) -> bytes | None:
    """The key that the baseline's hashes are made with, if it is known here."""
    return next((each for each in (key, DEFAULT_KEY) if each is not None and key_id(each) == baseline.key), None)


def _findings(
    baseline: Profile, window: Profile, accepted: Sequence[Profile], limits: Limits, key: bytes | None
) -> Iterator[Finding]:
    for name, current in window.columns.items():
        own = limits.of(name)
        reference = baseline.columns.get(name)
        if own.ignore or reference is None:
            continue
        windows = [each.columns[name] for each in accepted if name in each.columns]
        pair = Pair(name, reference, current, [each for each in windows if each.family == reference.family])
        yield from _of_column(pair, own, key)
    for name, current_embedding in window.embeddings.items():
        own = limits.of(name)
        if not own.ignore:
            of_windows = [each.embeddings[name] for each in accepted if name in each.embeddings]
            yield find_embedding_drift(name, baseline.embeddings.get(name), current_embedding, of_windows, limits=own)


def _of_column(pair: Pair, limits: Limits, key: bytes | None) -> Iterator[Finding]:
    """All questions about one column; of another family it is a change of the schema, and only its gaps compare."""
    families = {pair.reference.family, pair.current.family}
    if len(families) == 1 or "null" in families:
        yield find_drift(pair, limits=limits, key=key)
        new = find_new_categories(pair, limits=limits, key=key)
        if new is not None:
            yield new
    missing = find_missing(pair, limits=limits)
    if missing is not None:
        yield missing


def _settle(
    findings: Sequence[Finding], limits: Limits, before: Mapping[str, float]
) -> tuple[tuple[ColumnVerdict, ...], dict[str, float]]:
    """All tests of the window together decide which p-values are small; then each verdict, and the evidence so far."""
    p_values = {
        at: each.outcome.p_value for at, each in enumerate(findings) if each.outcome is not None and each.judged
    }
    adjusted = dict(zip(p_values, benjamini_hochberg(list(p_values.values())).tolist(), strict=True))
    verdicts, evidence = [], {}
    for at, finding in enumerate(findings):
        own = limits.of(finding.column)
        e_value, kept_up = None, False
        if finding.kind == DRIFT and at in p_values:
            had = before.get(finding.column, 1.0)
            e_value = min(cusum_step(had, p_values[at]), _MOST_ALARMS * own.sequential_alarm)
            kept_up = _has_kept_up(finding, had, e_value, own)
            evidence[finding.column] = 1.0 if _alarms_by_itself(finding, adjusted[at], own) else e_value
        verdicts.append(_verdict(finding, adjusted.get(at), e_value, own, kept_up=kept_up))
    return tuple(verdicts), evidence


def _alarms_by_itself(finding: Finding, adjusted: float, limits: Limits) -> bool:
    """Then evidence of small shifts begins anew: a large one says nothing of whether a small one lasts after it."""
    return adjusted <= limits.fdr and finding.grade != "ok"


def _has_kept_up(finding: Finding, had: float, e_value: float, limits: Limits) -> bool:
    """Enough evidence, not all of it from this window, and a move that is small but there: in many rows anything is significant."""
    return (
        e_value >= limits.sequential_alarm
        and had >= math.sqrt(limits.sequential_alarm)
        and (finding.effects.get("psi") or 0.0) >= limits.sequential_psi
    )


def _verdict(
    finding: Finding, adjusted: float | None, e_value: float | None, limits: Limits, *, kept_up: bool
) -> ColumnVerdict:
    state, message, over_windows = finding.grade, finding.calm, False
    if finding.outcome is not None:
        state = "ok"
        if not finding.judged:
            message = f"{message.removesuffix('.')}; labels are reported and not judged."
        elif adjusted is not None and _alarms_by_itself(finding, adjusted, limits):
            state, message = finding.grade, finding.alarm
        elif kept_up and e_value is not None:
            state, message, over_windows = "warn", _kept_up(finding, e_value), True
    return ColumnVerdict(
        column=finding.column,
        role=finding.role,
        kind=finding.kind,
        state=state,
        test=finding.test,
        statistic=finite(finding.outcome.statistic) if finding.outcome else None,
        p_value=finite(finding.outcome.p_value) if finding.outcome else None,
        adjusted_p=finite(adjusted),
        effects={name: finite(value) for name, value in finding.effects.items()},
        e_value=finite(e_value),
        message=message,
        over_windows=over_windows,
    )


def _kept_up(finding: Finding, e_value: float) -> str:
    odds = f"{e_value:,.0f}" if e_value < 1e9 else f"{e_value:.0e}"
    psi = finding.effects.get("psi") or 0.0
    return f"{finding.column}: a small shift has kept up (PSI {psi:.2g}; evidence {odds} to 1 over the windows so far)."


def _notes(baseline: Profile, window: Profile, accepted: Sequence[Profile], limits: Limits) -> Iterator[str]:
    if not window.rows:
        yield "The window has no rows."
    elif window.rows < limits.least_rows:
        yield f"{number(window.rows)} rows are too few to judge; {number(limits.least_rows)} are needed."
    if len(accepted) < LEAST_WINDOWS and 0 < baseline.rows < _REFERENCE_TIMES_WINDOW * window.rows:
        yield (
            f"The baseline has {number(baseline.rows)} rows and the window {number(window.rows)}: evidence over many windows can be "
            f"trusted where the baseline has {_REFERENCE_TIMES_WINDOW} times as many."
        )
    for name in baseline.embeddings:
        if window.rows and name not in window.embeddings and not limits.of(name).ignore:
            yield f"{name}: the embedding is in the baseline and not in the window."
