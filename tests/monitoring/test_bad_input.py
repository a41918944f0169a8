"""Whatever comes as a profile: a defined result or a clear refusal, never a verdict of NaN, never a lost window."""

import math
from datetime import timedelta

import numpy as np
import pytest

from core import clock
from monitoring.models import Alert, ColumnResult, Evaluation, ProfilePart, Window
from monitoring.services import evaluations
from monitoring.services.baselines import MOST_BYTES
from monitoring.services.evaluations import MOST_ATTEMPTS
from tests.monitoring.building import build_classification, build_profile, build_regression
from tests.monitoring.production import (
    body,
    day,
    new_trained_version,
    profile_of,
    promote,
    rows,
    send,
    states,
    the_monitor,
    windows,
)

pytestmark = pytest.mark.django_db


def numbers(value):
    """Every number in a document."""
    if isinstance(value, dict):
        return [each for item in value.values() for each in numbers(item)]
    if isinstance(value, list):
        return [each for item in value for each in numbers(item)]
    return [value] if isinstance(value, float) else []


def without(column):
    table = rows()
    del table[column]
    return table


ODD = {
    "no rows": rows(0),
    "one row": rows(1),
    "a column unheard of": {**rows(), "unheard of": np.arange(2_000)},
    "a column gone": without("age"),
    "another type": {**rows(), "amount": np.array([f"{x:.2f}" for x in range(2_000)], object)},
    "all null": {**rows(), "age": [None] * 2_000},
    "all NaN": {**rows(), "age": np.full(2_000, np.nan)},
    "all infinite": {**rows(), "amount": np.full(2_000, np.inf)},
    "both infinities": {**rows(), "amount": np.where(np.arange(2_000) % 2, np.inf, -np.inf)},
    "one value": {**rows(), "amount": np.zeros(2_000)},
    "huge values": {**rows(), "amount": np.full(2_000, 1.7e308)},
    "nothing at all": {},
}


@pytest.mark.parametrize("privacy", ["standard", "strict"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_profile_has_a_verdict_in_numbers(watched, judge, name, privacy):
    send(watched, profile_of(watched, ODD[name], privacy=privacy), day(2))

    judge()

    (window,) = windows(watched)
    assert window.state == "evaluated"
    assert window.evaluation.state in ("ok", "warn", "critical", "not_enough_data")
    assert all(math.isfinite(number) for number in numbers(window.evaluation.result))
    for column in ("statistic", "p_value", "adjusted_p", "e_value"):
        found = ColumnResult.objects.exclude(**{column: None}).values_list(column, flat=True)
        assert all(math.isfinite(each) for each in found), column


def test_an_odd_part_does_not_take_the_others_with_it(watched, judge):
    """A regression's outcomes do not merge with a classification's: it is left out, and somebody is told."""
    y = np.arange(2_000) % 2
    send(watched, profile_of(watched, rows(seed=1), performance=build_classification(y, y)), day(2))
    send(watched, profile_of(watched, rows(seed=2), performance=build_regression(y * 1.0, y * 1.0)), day(2))
    send(watched, profile_of(watched, rows(seed=3)), day(2))

    judge()

    (window,) = windows(watched)
    assert (window.evaluation.state, window.evaluation.rows) == ("ok", 4_000)
    assert ProfilePart.objects.exclude(refused="").count() == 1
    assert "left out: 1" in Alert.objects.get(kind="mismatch").message


def test_more_rows_than_can_be_counted_do_not_wedge_the_window(watched, judge):
    profile = profile_of(watched, {})
    many = type(profile)(profile.privacy, profile.key, 2**53)
    send(watched, many, day(2))
    send(watched, type(profile)(profile.privacy, profile.key, 2**53 - 1), day(2))

    judge()

    assert states(watched) == ["critical"], "every column is gone"
    assert ProfilePart.objects.filter(refused__contains="rows").count() == 1


def test_a_profile_against_another_reference_is_judged_as_far_as_it_goes_and_told(watched, judge):
    """Cells differ, sketches do not; in strict mode there is nothing to compare, and no verdict is made up."""
    other = build_profile(rows(20_000, seed=5, shift=3.0))
    from monitoring.profiles import DEFAULT_KEY, reference_of

    send(watched, build_profile(rows(), reference=reference_of(other, DEFAULT_KEY)), day(3))
    send(watched, build_profile(rows(), reference=reference_of(other, DEFAULT_KEY), privacy="strict"), day(2))

    judge()

    assert windows(watched)[0].evaluation.state == "ok"
    strict = ColumnResult.objects.get(start=day(2), column="amount", kind="drift")
    assert strict.state == "no_reference"
    assert "other cells" in Alert.objects.get(kind="mismatch").message


def test_a_window_that_begins_years_ago_is_a_window(watched, judge):
    send(watched, profile_of(watched, rows()), day(4_000))

    judge()

    assert states(watched) == ["ok"]


def test_a_stored_part_that_was_tampered_with_is_left_out_and_told(watched, judge):
    send(watched, profile_of(watched, rows(seed=1)), day(2))
    part = send(watched, profile_of(watched, rows(seed=2)), day(2))
    ProfilePart.objects.filter(pk=part.pk).update(document=profile_of(watched, rows(seed=3, shift=4.0)).to_bytes())

    judge()

    assert windows(watched)[0].evaluation.rows == 2_000
    assert ProfilePart.objects.get(pk=part.pk).refused == "The stored bytes are not those that came."
    assert Alert.objects.filter(kind="mismatch").exists()


def test_a_window_that_cannot_be_judged_holds_up_no_other(watched, judge, later, run_jobs, monkeypatch):
    from core import jobs
    from monitoring.services import windows as closing

    real = evaluations.judge
    send(watched, profile_of(watched, rows(seed=1)), day(3))
    send(watched, profile_of(watched, rows(seed=2)), day(2))

    first_day = day(3)

    def judge_others(case):
        if case.window.start == first_day:
            raise ZeroDivisionError("a bug")
        return real(case)

    monkeypatch.setattr(evaluations, "judge", judge_others)
    closing.close_due()
    for _ in range(MOST_ATTEMPTS + 1):
        jobs.run_pending()
        later(120)

    failed, judged = windows(watched)
    assert (failed.state, failed.detail) == ("failed", "ZeroDivisionError: a bug")
    assert judged.evaluation.state == "ok"
    monkeypatch.setattr(evaluations, "judge", real)
    send(watched, profile_of(watched, rows(seed=4)), first_day + timedelta(hours=2))
    later(4_000)
    jobs.run_pending()
    assert states(watched) == ["ok", "ok"], "what comes for it later has it judged after all"


def test_a_worker_that_dies_each_time_is_not_tried_for_ever(watched, judge):
    send(watched, profile_of(watched, rows()), day(2))
    Window.objects.update(attempts=MOST_ATTEMPTS, state="closed")
    (window,) = windows(watched)

    assert evaluations.evaluate_window(window_id=window.pk) is None

    assert states(watched) == ["failed"]
    assert not Evaluation.objects.exists()


def test_a_version_of_another_model_kind_has_nothing_to_do_with_it(home, project, bob, run_jobs, judge):
    """Parts of one version's monitor never reach another's windows."""
    first = new_trained_version(project, bob)
    promote(first, bob)
    second = new_trained_version(project, bob)
    promote(second, bob)
    run_jobs()

    send(the_monitor(first), profile_of(the_monitor(first), rows()), day(2))
    judge()

    assert states(the_monitor(first)) == ["ok"]
    assert states(the_monitor(second)) == []


def test_more_bytes_than_a_profile_has_are_refused_unread(watched, api, bob):
    huge = body(b"x" * (MOST_BYTES + 1), clock.now())

    answer = api(bob).post(f"monitors/{watched.uuid}/profiles", json=huge)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/profile-unreadable")
    assert f"at most {MOST_BYTES}" in answer.json()["detail"]
