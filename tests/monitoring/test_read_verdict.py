"""Other tools' documents: real ones are read for what they say, and whatever else comes is refused by its place."""

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.intake import TOOLS, UnreadableVerdict, read_verdict
from registry.services.reports import SUMMARY_BYTES

VECTORS = Path(__file__).parents[1] / "vectors" / "verdicts"
FAILED = {"petal_length", "petal_width", "species"}
DRIFTED = {"petal_length", "petal_width", "sepal_width"}

REAL = {
    "gx-0.18.22-validation-pass": ("pass", 3, set()),
    "gx-0.18.22-validation-fail": ("fail", 4, FAILED),
    "gx-0.18.22-checkpoint-pass": ("pass", 3, set()),
    "gx-0.18.22-checkpoint-fail": ("fail", 7, FAILED),
    "gx-1.24.1-validation-pass": ("pass", 3, set()),
    "gx-1.24.1-validation-fail": ("fail", 4, FAILED),
    "gx-1.24.1-validation-described-fail": ("fail", 4, FAILED),
    "gx-1.24.1-checkpoint-pass": ("pass", 3, set()),
    "gx-1.24.1-checkpoint-fail": ("fail", 7, FAILED),
    "evidently-0.4.40-report-pass": ("pass", 5, set()),
    "evidently-0.4.40-report-fail": ("fail", 5, DRIFTED),
    "evidently-0.4.40-suite-pass": ("pass", 2, set()),
    "evidently-0.4.40-suite-fail": ("fail", 8, DRIFTED),
    "evidently-0.4.40-suite-error": ("error", 2, set()),
    "evidently-0.7.23-snapshot-pass": ("pass", 6, set()),
    "evidently-0.7.23-snapshot-fail": ("fail", 6, DRIFTED),
    "evidently-0.7.23-snapshot-untested-fail": ("fail", 5, DRIFTED),
    "evidently-0.7.23-snapshot-warning": ("pass", 2, set()),
    "evidently-0.7.23-snapshot-nan-fail": ("fail", 1, {"species"}),
}
GENERIC = {
    "name": "bias audit",
    "verdict": "fail",
    "tool": "aequitas",
    "version": "1.0.0",
    "summary": {"checked": 12, "failures": [{"check": "equal odds", "columns": ["age"], "detail": "ratio 0.71"}]},
    "url": "https://reports.example.org/17",
    "observed_at": "2026-11-21T04:14:00+01:00",
}


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_bytes())


def read(document, **options):
    return read_verdict(json.dumps(document).encode(), **options)


@pytest.mark.parametrize("name", REAL)
def test_a_real_document_is_read_for_what_it_says(name):
    verdict = read_verdict((VECTORS / f"{name}.json").read_bytes())

    found = (verdict.verdict, verdict.summary["checked"], set(verdict.summary["columns"]))
    assert found == REAL[name]
    assert verdict.kind == verdict.tool == ("great_expectations" if name.startswith("gx") else "evidently")
    assert (verdict.summary["failed"] > 0) == (verdict.verdict != "pass")


def test_every_recorded_document_is_tried():
    assert {path.stem for path in VECTORS.glob("*.json")} == set(REAL) | {"evidently-0.7.23-snapshot-no-verdict"}


@pytest.mark.parametrize("name", ["gx-0.18.22-validation-fail", "gx-1.24.1-validation-fail"])
def test_an_expectation_that_could_not_be_tried_says_why(name):
    details = [failure["detail"] for failure in read(load(name)).summary["failures"]]

    assert details == [
        'Error: The column "species" in BatchData does not exist.',
        "28 % of the values were not as expected.",
        "Observed 1.19933.",
    ]


@pytest.mark.parametrize("name", [name for name in REAL if name.startswith("gx") and name.endswith("fail")])
def test_no_value_of_a_row_gets_into_the_summary(name):
    """Great Expectations lists unexpected values; the summary is shown in more places than the document."""
    text = orjson.dumps(read(load(name)).summary)

    assert b"partial_unexpected" not in text
    assert b"6.7" not in text


@pytest.mark.parametrize(
    ("name", "suite", "version", "hour"),
    [
        ("gx-0.18.22-validation-fail", "iris strict", "0.18.22", 8),
        ("gx-0.18.22-checkpoint-fail", "nightly", "0.18.22", 8),
        ("gx-1.24.1-validation-pass", "iris", "1.24.1", 8),
    ],
)
def test_name_version_and_time_are_the_tools_own(name, suite, version, hour):
    verdict = read(load(name))

    assert (verdict.name, verdict.tool_version, verdict.observed_at.hour) == (suite, version, hour)
    assert verdict.observed_at.utcoffset().total_seconds() == 0


def test_a_time_without_a_zone_may_be_any_time():
    """Evidently 0.4 writes the clock of the machine it ran on."""
    document = load("evidently-0.4.40-suite-pass")

    assert "+" not in document["timestamp"]
    assert read(document).observed_at is None


def test_only_exceptions_are_an_error_and_no_failure():
    document = load("gx-1.24.1-validation-fail")
    document["results"] = [result for result in document["results"] if result["success"] or not result["result"]]

    verdict = read(document)

    assert (verdict.verdict, verdict.summary["failed"]) == ("error", 1)


@pytest.mark.parametrize(
    "document",
    [
        {"success": True, "results": [], "meta": {}},
        {"success": True, "validation_results": []},
        {"success": True, "run_results": {}},
        {"metrics": [], "tests": [{"name": "x", "status": "SKIPPED"}]},
    ],
)
def test_what_checked_nothing_is_no_pass(document):
    verdict = read(document)

    assert verdict.verdict == "error"
    assert "Nothing was checked." in verdict.summary["notes"]


def test_one_empty_suite_among_others_is_no_pass():
    document = load("gx-1.24.1-checkpoint-pass")
    document["validation_results"].append({"success": True, "expectations": [], "statistics": {}})

    assert read(document).verdict == "error"


def test_a_result_that_lists_failures_alone_may_pass():
    """`only_return_failures` leaves the list empty; the statistics say how much was checked."""
    document = load("gx-1.24.1-validation-pass") | {"results": []}

    assert (read(document).verdict, read(document).summary["checked"]) == ("pass", 3)


def test_a_failure_without_an_expectation_is_a_failure():
    document = load("gx-1.24.1-validation-pass") | {"success": False}

    assert read(document).verdict == "fail"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("metric", [0, 1])
def test_a_drift_that_is_no_number_is_no_pass(metric, value):
    document = load("evidently-0.7.23-snapshot-untested-fail")
    document["metrics"] = [document["metrics"][metric]]
    number = {"count": value, "share": value} if metric == 0 else value
    document["metrics"][0]["value"] = number

    assert read(document).verdict in {"error", "fail"}


def test_columns_may_drift_without_the_whole():
    document = load("evidently-0.7.23-snapshot-untested-fail")
    document["metrics"][0]["value"] = {"count": 1.0, "share": 0.2}

    verdict = read(document)

    assert (verdict.verdict, verdict.summary["failed"]) == ("pass", 0)
    assert any("petal_width" in note for note in verdict.summary["notes"])


def test_the_generic_document_is_read():
    verdict = read(GENERIC)

    assert (verdict.name, verdict.kind, verdict.verdict, verdict.tool) == ("bias audit", "generic", "fail", "aequitas")
    assert (verdict.tool_version, verdict.url) == ("1.0.0", "https://reports.example.org/17")
    assert verdict.observed_at == datetime(2026, 11, 21, 3, 14, tzinfo=UTC)
    assert verdict.summary["failures"] == [{"check": "equal odds", "columns": ["age"], "detail": "ratio 0.71"}]
    assert read({"name": "x", "verdict": "pass", "tool": "y"}).summary["checked"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"verdict": "passed"}, "verdict"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"tool": "  "}, "tool"),
        ({"surprise": 1}, "surprise"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"observed_at": "yesterday"}, "observed_at"),
        ({"observed_at": "2026-11-21T03:14:00"}, "observed_at"),
        ({"summary": []}, "summary"),
        ({"summary": {"checked": -1}}, "summary.checked"),
        ({"summary": {"checked": True}}, "summary.checked"),
        ({"summary": {"failures": [{"check": "a"}, {"column": "b"}]}}, "summary.failures.1.column"),
        ({"summary": {"failures": [{"check": "a", "columns": "age"}]}}, "summary.failures.0.columns"),
        ({"verdict": "pass"}, "summary.failures"),
    ],
)
def test_a_mistake_in_a_generic_document_is_named_by_its_place(change, field):
    with pytest.raises(UnreadableVerdict) as refused:
        read(GENERIC | change)

    assert refused.value.field == field


def _drop(document, *path):
    *above, last = path
    for step in above:
        document = document[step]
    del document[last]


@pytest.mark.parametrize(
    ("name", "path", "field"),
    [
        ("gx-1.24.1-validation-fail", ("results", 1, "success"), "results.1.success"),
        ("gx-1.24.1-validation-fail", ("results", 1, "expectation_config", "type"),
         "results.1.expectation_config.expectation_type"),
        ("gx-1.24.1-checkpoint-fail", ("validation_results", 1, "success"), "validation_results.1.success"),
        ("gx-1.24.1-checkpoint-fail", ("success",), "success"),
        ("evidently-0.7.23-snapshot-fail", ("tests", 0, "status"), "tests.0.status"),
        ("evidently-0.4.40-report-fail", ("metrics", 0, "result", "number_of_columns"),
         "metrics.0.result.number_of_columns"),
        ("evidently-0.7.23-snapshot-untested-fail", ("metrics", 0, "config", "drift_share"),
         "metrics.0.config.drift_share"),
    ],
)  # fmt: skip
def test_what_a_tool_always_writes_is_missed_by_its_place(name, path, field):
    document = load(name)
    _drop(document, *path)

    with pytest.raises(UnreadableVerdict) as refused:
        read(document)

    assert refused.value.field == field


@pytest.mark.parametrize("where", [(), ("validation_results", 1)])
def test_a_pass_over_failures_is_refused(where):
    """Somebody has edited it, or something broke; either way it proves nothing."""
    document = load("gx-1.24.1-checkpoint-fail")
    place = document
    for step in where:
        place = place[step]
    place["success"] = True

    with pytest.raises(UnreadableVerdict, match=r"says (true|false)"):
        read(document)


def test_a_snapshot_without_tests_and_drift_gives_no_verdict():
    with pytest.raises(UnreadableVerdict, match="include_tests"):
        read(load("evidently-0.7.23-snapshot-no-verdict"))


def test_an_unknown_status_is_refused():
    document = load("evidently-0.4.40-suite-pass")
    document["tests"][0]["status"] = "FINE"

    with pytest.raises(UnreadableVerdict, match=r"tests\.0\.status.*SUCCESS"):
        read(document)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1,}', "line 1, column 9"),
        (b"\xff\xfe", "UTF-8"),
        (b"[" * 100_000, "nested too deep|Nested too deep"),
        (b"9" * 5_000, "Cannot be read"),
        (b"[]", "Expected an object, found a list"),
        (b"{}", "No known tool"),
        (b'{"accuracy": 0.9, "loss": 0.1}', "accuracy, loss"),
    ],
)
def test_what_no_tool_writes_is_refused_with_the_reason(body, words):
    with pytest.raises(UnreadableVerdict, match=words):
        read_verdict(body)


def test_a_named_tool_is_believed_over_the_shape():
    with pytest.raises(UnreadableVerdict, match="This is missing"):
        read(GENERIC, tool="great_expectations")
    with pytest.raises(UnreadableVerdict, match="Known are generic, great_expectations, evidently"):
        read(GENERIC, tool="deepchecks")


def test_a_summary_of_very_many_failures_stays_small():
    failures = [{"check": f"{n}é" * 60, "columns": [f"column {n}"], "detail": "\N{SNOWMAN}" * 300} for n in range(500)]

    summary = read(GENERIC | {"summary": {"failures": failures}}).summary

    assert summary["failed"] == 500
    assert 0 < len(summary["failures"]) < 500
    assert len(orjson.dumps(summary)) < SUMMARY_BYTES


SAMPLES = [json.dumps(load(name)) for name in REAL] + [json.dumps(GENERIC)]
ODD = st.sampled_from([None, True, -1, 1e400, float("nan"), 2**70, "", "\x00\ud800", [], {}, [[]], {"a": {}}])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_changed_in_a_document_it_is_read_or_refused(data):
    """No change of any value leads to an exception of another kind, or to a summary that no table can hold."""
    document = json.loads(data.draw(st.sampled_from(SAMPLES)))
    place, parent, key = document, None, None
    while isinstance(place, dict | list) and place and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        parent, place = place, place[key]
    if parent is not None:
        parent[key] = data.draw(ODD)

    try:
        verdict = read_verdict(json.dumps(document).encode(), tool=data.draw(st.sampled_from([None, *TOOLS])))
    except UnreadableVerdict:
        return

    assert verdict.verdict in {"pass", "fail", "error"}
    text = orjson.dumps(verdict.summary)
    assert b"\\u0000" not in text
    assert len(text) < SUMMARY_BYTES
