"""Evidently: the JSON of a snapshot (0.7), of a test suite or of a report (0.4).

Tests decide where there are any. A report without tests gives a verdict by its drift metrics alone, by the share of
columns or the threshold that the tool itself wrote beside the value; without those it gives none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from monitoring.intake.place import Place, UnreadableVerdict, clean
from monitoring.intake.verdict import PASS, Failure, Verdict, summarise, word_for

KIND = "evidently"
STATUSES = ("SUCCESS", "FAIL", "ERROR", "WARNING", "SKIPPED")


def looks_like(whole: Place) -> bool:
    return whole.has("metrics", list) or (whole.has("tests", list) and whole.has("summary", dict))


def read(whole: Place) -> Verdict:
    tests = whole.find("tests")
    listed = tests.items() if tests is not None else []
    word, summary = _by_tests(listed) if listed else _by_metrics(whole)
    version, time = whole.find("version"), whole.find("timestamp")
    return Verdict(
        name=KIND,
        kind=KIND,
        verdict=word,
        tool=KIND,
        tool_version=version.text(64) if version is not None else "",
        summary=summary,
        observed_at=time.moment() if time is not None else None,
    )


def _by_tests(tests: Sequence[Place]) -> tuple[str, dict[str, object]]:
    """A warning is a test that its author called uncritical: it is noted, and passes."""
    by_status: dict[str, list[Place]] = {status: [] for status in STATUSES}
    for test in tests:
        by_status[_status(test)].append(test)
    checked = len(tests) - len(by_status["SKIPPED"])
    failed, errors = by_status["FAIL"], by_status["ERROR"]
    notes = [f"Warning: {_described(test)}" for test in by_status["WARNING"]]
    notes += [f"Skipped: {test['name'].text()}" for test in by_status["SKIPPED"]]
    word = word_for(checked=checked, failed=len(failed), errors=len(errors))
    return word, summarise(checked=checked, failures=[_failure(test) for test in failed + errors], notes=notes)


def _status(test: Place) -> str:
    status = test["status"].text()
    if status not in STATUSES:
        raise UnreadableVerdict(f"{test.path}.status", f"Expected one of {', '.join(STATUSES)}, found {status[:40]!r}.")
    return status


def _described(test: Place) -> str:
    description = test.find("description")
    return description.text(300) if description is not None else test["name"].text()


def _failure(test: Place) -> Failure:
    return Failure(check=test["name"].text(), columns=_columns_of_test(test), detail=_described(test))


def _columns_of_test(test: Place) -> list[str]:
    config = test.find("metric_config")
    params = config.find("params") if config is not None else None
    older = test.find("parameters")
    named = params.find("column") if params is not None else older.find("column_name") if older is not None else None
    if named is not None:
        return [named.text()]
    features = older.find("features") if older is not None else None
    return _detected(features, "detected") if features is not None else []


def _detected(columns: Place, flag: str) -> list[str]:
    return [clean(name, 200) for name, column in columns.fields() if column.has(flag, bool) and column[flag].boolean()]


@dataclass(frozen=True, slots=True)
class _Drift:
    """What one metric says of the drift of `count` columns. `is_known` is false where its value is no number."""

    of_dataset: bool
    count: int
    drifted: bool
    failure: Failure
    is_known: bool = True


def _by_metrics(whole: Place) -> tuple[str, dict[str, object]]:
    found = [each for metric in whole["metrics"].items() if (each := _drift_of(metric)) is not None]
    if not found:
        raise UnreadableVerdict(
            "tests", "There are none, and no metric of drift, so it gives no verdict. Run it with include_tests=True."
        )
    datasets = [each for each in found if each.of_dataset]
    decisive = datasets or found
    failures = [each.failure for each in found if each.drifted or not each.is_known]
    word = word_for(
        checked=max(each.count for each in datasets) if datasets else len(found),
        failed=sum(each.drifted for each in decisive),
        errors=sum(not each.is_known for each in decisive),
    )
    checked = max(len(found) - len(datasets), *(each.count for each in found))
    if word == PASS:  # columns may drift without the whole counting as drifted
        return word, summarise(checked=checked, failures=(), notes=[failure.detail for failure in failures])
    return word, summarise(checked=checked, failures=failures)


def _drift_of(metric: Place) -> _Drift | None:
    result = metric.find("result")
    return _drift_of_report(metric, result) if result is not None else _drift_of_snapshot(metric)


def _drift_of_report(metric: Place, result: Place) -> _Drift | None:
    """0.4: `DatasetDriftMetric`, `DataDriftTable` and `ColumnDriftMetric` say themselves whether there is drift."""
    if result.has("dataset_drift", bool):
        table = result.find("drift_by_columns")
        columns = _detected(table, "drift_detected") if table is not None else []
        drifted, count = result["number_of_drifted_columns"].count(), result["number_of_columns"].count()
        failure = Failure(metric["metric"].text(), columns, f"{drifted} of {count} columns drifted.")
        return _Drift(True, count, result["dataset_drift"].boolean(), failure)
    if result.has("drift_detected", bool):
        column = result["column_name"].text()
        failure = Failure(metric["metric"].text(), [column], f"'{column}' drifted.")
        return _Drift(False, 1, result["drift_detected"].boolean(), failure)
    return None


def _drift_of_snapshot(metric: Place) -> _Drift | None:
    """0.7: the value, with its limit in the configuration of the metric."""
    config = metric.find("config")
    kind = config.find("type") if config is not None else None
    name = kind.text().rpartition(":")[2] if kind is not None else ""
    if config is not None and name == "DriftedColumnsCount":
        return _drift_by_share(name, metric, config)
    return _drift_by_score(name, metric, config) if config is not None and name == "ValueDrift" else None


def _drift_by_share(name: str, metric: Place, config: Place) -> _Drift:
    share, limit = metric["value"]["share"].number(), config["drift_share"].number()
    failure = Failure(name, (), f"A share of {share:.3g} of the columns drifted; the limit is {limit:g}.")
    return _Drift(True, 1, share >= limit, failure, is_known=isfinite(share))


def _drift_by_score(name: str, metric: Place, config: Place) -> _Drift:
    column, score = config["column"].text(), metric["value"].number()
    limit, method = config["threshold"].number(), config["method"].text()
    failure = Failure(name, [column], f"'{column}': {method} {score:.3g}, the limit is {limit:g}.")
    return _Drift(False, 1, score < limit if "p_value" in method else score >= limit, failure, is_known=isfinite(score))
