"""Limits come from people, by hand or over the wire, and are refused where they make no sense."""

import pytest

from monitoring.engine import InvalidLimits, Limits


def test_defaults_read_back():
    assert Limits.from_json({}) == Limits() == Limits.from_json(Limits().to_json())


def test_columns_differ_where_they_say_so():
    limits = Limits.from_json({"psi_warn": 0.2, "columns": {"age": {"psi_warn": 0.05}, "id": {"ignore": True}}})

    assert (limits.of("age").psi_warn, limits.of("age").psi_critical) == (0.05, 0.25)
    assert limits.of("other").psi_warn == 0.2
    assert limits.of("id").ignore
    assert not limits.of("other").ignore
    assert Limits.from_json(limits.to_json()) == limits


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "limits: expected an object"),
        (None, "limits: expected an object"),
        ({"psi": 0.1}, "limits.psi: expected one of embedding_critical, .*, sequential_psi"),
        ({"ignore": True}, "limits.ignore: expected one of"),
        ({"fdr": 0}, "limits.fdr: expected a number from 1e-06 to 0.5"),
        ({"fdr": True}, "limits.fdr: expected a number"),
        ({"fdr": "0.01"}, "limits.fdr: expected a number"),
        ({"fdr": float("nan")}, "limits.fdr: expected a number"),
        ({"psi_warn": float("inf")}, "limits.psi_warn: expected a number from 0 to 100"),
        ({"least_rows": 30.0}, "limits.least_rows: expected a whole number"),
        ({"least_rows": 0}, "limits.least_rows: expected a whole number from 1"),
        ({"least_rows": True}, "limits.least_rows: expected a whole number"),
        ({"judge_dates": 1}, "limits.judge_dates: expected true or false"),
        ({"psi_warn": 0.5}, "limits.psi_warn: expected no more than psi_critical, which is 0.25"),
        ({"missing_critical": 0.001}, "limits.missing_points: expected no more than missing_critical, which is 0.001"),
        ({"columns": []}, "limits.columns: expected an object of columns"),
        ({"columns": {"age": 1}}, "limits.columns.age: expected an object of limits"),
        ({"columns": {1: {}}}, "limits.columns.1: expected"),
        (
            {"columns": {"age": {"fdr": 0.1}}},
            "limits.columns.age.fdr: expected one of embedding_critical, .*, sequential_psi",
        ),
        ({"columns": {"age": {"psi_warn": 0.3}}}, "limits.columns.age.psi_warn: expected no more than psi_critical"),
        ({"columns": {str(i): {} for i in range(10_001)}}, "limits.columns: expected at most 10000 columns"),
    ],
)
def test_limits_that_make_no_sense_are_refused(document, words):
    with pytest.raises(InvalidLimits, match=words) as caught:
        Limits.from_json(document)
    assert str(caught.value).startswith(caught.value.field)
