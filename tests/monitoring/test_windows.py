"""From profiles to verdicts: each part is taken once, each window is judged, in order, and restated when more comes."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from core.errors import Invalid
from core.ids import uuid7
from monitoring import services
from monitoring.errors import PartDiffers
from monitoring.models import ColumnResult, Evaluation, ProfilePart, ReferenceWindow, Window
from monitoring.services.evaluations import evaluate_window
from monitoring.services.windows import close_due, drop_old_parts
from tests.monitoring.building import build_classification, build_profile
from tests.monitoring.production import DAY, day, profile_of, rows, send, states, windows

pytestmark = pytest.mark.django_db


def test_a_days_profiles_become_one_verdict(watched, judge):
    for hour in range(3):
        send(watched, profile_of(watched, rows(500, seed=hour)), day(2) + timedelta(hours=hour))

    judge()

    (window,) = windows(watched)
    assert (window.state, window.evaluation.state, window.evaluation.rows) == ("evaluated", "ok", 1_500)
    assert (window.start, window.end) == (day(2), day(1))
    assert set(ColumnResult.objects.filter(kind="drift").values_list("column", flat=True)) == {
        "amount",
        "age",
        "country",
    }


def test_a_shift_is_found_in_the_window_that_it_is_in(watched, judge):
    for back, shift in ((4, 0.0), (3, 1.0), (2, 0.0)):
        send(watched, profile_of(watched, rows(seed=back, shift=shift)), day(back))

    judge()

    assert states(watched) == ["ok", "critical", "ok"]
    assert windows(watched)[1].evaluation.alarms == {"drift": "critical"}


def test_a_part_is_taken_once(watched):
    profile, part = profile_of(watched, rows()), uuid7()

    first, again = (send(watched, profile, day(2), part=part) for _ in range(2))

    assert first == again
    assert ProfilePart.objects.count() == 1


def test_an_id_names_one_profile(watched):
    part = uuid7()
    send(watched, profile_of(watched, rows()), day(2), part=part)

    with pytest.raises(PartDiffers):
        send(watched, profile_of(watched, rows(seed=1)), day(2), part=part)


@pytest.mark.parametrize(("start", "end"), [(timedelta(hours=1), timedelta(hours=2)), (-DAY, -2 * DAY)])
def test_times_that_cannot_be_are_refused(watched, start, end):
    from core import clock

    with pytest.raises(Invalid):
        send(watched, profile_of(watched, rows()), clock.now() + start, end=clock.now() + end)

    assert not Window.objects.exists()


def test_a_window_is_judged_when_its_grace_is_over(watched, run_jobs, later):
    send(watched, profile_of(watched, rows()), day(0))
    close_due()
    run_jobs()
    assert states(watched) == ["open"]

    later(86_400 + 3_601)
    close_due()
    run_jobs()

    assert states(watched) == ["ok"]


def test_windows_are_judged_in_their_order_after_a_standstill(watched, run_jobs):
    """What one window leaves is where the next begins; the jobs come in any order."""
    for back in (2, 5, 3, 4):
        send(watched, profile_of(watched, rows(seed=back)), day(back))
    close_due()
    for window in reversed(windows(watched)):
        assert evaluate_window(window_id=window.pk) is None or window == windows(watched)[0]

    run_jobs()

    judged = list(Evaluation.objects.order_by("id").values_list("window__start", flat=True))
    assert judged == [day(back) for back in (5, 4, 3, 2)]
    assert states(watched) == ["ok"] * 4


def test_a_window_twice_is_one_judgement(watched, judge):
    send(watched, profile_of(watched, rows()), day(2))
    judge()
    (window,) = windows(watched)
    Window.objects.update(state="closed")

    evaluate_window(window_id=window.pk)
    evaluate_window(window_id=window.pk)

    assert Evaluation.objects.count() == 1
    assert states(watched) == ["ok"]
    assert AuditEvent.objects.filter(action="window.evaluate").count() == 1


def test_what_comes_late_restates_the_verdict(watched, judge):
    send(watched, profile_of(watched, rows(1_000)), day(2))
    judge()
    send(watched, profile_of(watched, rows(4_000, seed=1, shift=2.0)), day(2) + timedelta(hours=5))
    assert states(watched) == ["closed"]

    judge()

    (window,) = windows(watched)
    numbers = list(Evaluation.objects.order_by("number").values_list("number", "state", "rows"))
    assert numbers == [(1, "ok", 1_000), (2, "critical", 5_000)]
    assert window.evaluation.number == 2
    assert set(ColumnResult.objects.values_list("evaluation", flat=True)) == {window.evaluation_id}


def test_late_labels_bring_the_verdict_on_performance(make_watched, judge):
    import numpy as np

    rng = np.random.default_rng(0)
    y, noise = rng.random(4_000) < 0.5, rng.random(4_000)
    said = np.where(noise < 0.9, y, ~y)
    trained = build_profile(rows(4_000), performance=build_classification(y, said))
    monitor = make_watched(profiles={"reference": trained.to_bytes()})
    wrong = np.where(noise < 0.6, y, ~y)
    predicted = build_classification(None, wrong, classes=("False", "True"))
    send(monitor, profile_of(monitor, rows(4_000, seed=1), performance=predicted), day(2))
    judge()
    assert windows(monitor)[0].evaluation.result["performance"]["state"] == "not_enough_data"

    labels = build_profile({}, performance=build_classification(y, wrong, late=True))
    send(monitor, labels, day(2) + timedelta(hours=20))
    judge()

    evaluation = windows(monitor)[0].evaluation
    assert evaluation.result["performance"]["state"] == "critical"
    assert evaluation.alarms == {"performance": "critical"}


def test_restated_evidence_is_passed_on(watched, judge):
    """Each window's evidence begins where the one before it ended, so a later word on an earlier window is heard by all."""
    for back in (4, 3, 2):
        send(watched, profile_of(watched, rows(1_000, seed=back, shift=0.05)), day(back))
    judge()
    before = [each.evaluation.sequential for each in windows(watched)]

    send(watched, profile_of(watched, rows(8_000, seed=9, shift=0.1)), day(4))
    for _ in range(3):
        judge()

    after = [each.evaluation for each in windows(watched)]
    assert [each.number for each in after] == [2, 2, 2]
    assert all(now.sequential["amount"] > then["amount"] for now, then in zip(after, before, strict=True))


def test_the_first_good_windows_teach_how_windows_vary(make_watched, judge):
    monitor = make_watched(learn_windows=2)
    for back, shift in ((5, 0.0), (4, 2.0), (3, 0.0), (2, 0.0)):
        send(monitor, profile_of(monitor, rows(seed=back, shift=shift)), day(back))

    judge()

    learnt = ReferenceWindow.objects.order_by("window__start").values_list("window__start", flat=True)
    assert list(learnt) == [day(5), day(3)]


def test_a_window_that_people_accept_is_judged_beside(watched, judge, alice):
    for back in range(17, 2, -1):
        send(watched, profile_of(watched, rows(500, seed=back)), day(back))
    judge()
    first = windows(watched)[0]

    services.accept_window(window=first, reason="as every Monday", actor=alice)
    send(watched, profile_of(watched, rows(500, seed=1)), day(2))
    judge()

    tests = set(ColumnResult.objects.filter(start=day(2), kind="drift").values_list("test", flat=True))
    assert tests == {"window_calibrated"}
    assert AuditEvent.objects.filter(action="window.accept").count() == 1


def test_old_parts_are_dropped_and_their_ids_stay(watched, judge, later):
    part, profile, start = uuid7(), profile_of(watched, rows()), day(2)
    send(watched, profile, start, part=part)
    judge()
    later(40 * 86_400)

    assert drop_old_parts(days=30) == 1

    assert bytes(ProfilePart.objects.get().document) == b""
    send(watched, profile, start, part=part)
    send(watched, profile_of(watched, rows(seed=5)), start + timedelta(hours=2))
    judge()
    assert windows(watched)[0].evaluation.rows == 4_000


def test_a_new_length_holds_from_the_next_window_on(watched, judge, alice):
    send(watched, profile_of(watched, rows()), day(3) + timedelta(hours=3))
    services.update_monitor(monitor=watched, changes={"window_s": 3_600}, actor=alice)
    send(watched, profile_of(watched, rows()), day(3) + timedelta(hours=5))
    send(watched, profile_of(watched, rows()), day(2) + timedelta(hours=5, minutes=30))
    services.update_monitor(monitor=watched, changes={"window_s": 86_400}, actor=alice)
    send(watched, profile_of(watched, rows()), day(2) + timedelta(hours=7))
    send(watched, profile_of(watched, rows()), day(2) + timedelta(hours=1))

    spans = [(each.start - day(3), each.end - each.start) for each in windows(watched)]

    hours = [(start / timedelta(hours=1), length / timedelta(hours=1)) for start, length in spans]
    assert hours == [(0, 24), (24, 5), (29, 1), (30, 18)]


def test_a_monitor_that_is_off_keeps_what_comes_and_judges_it_later(make_watched, judge, alice):
    monitor = make_watched(enabled=False)
    send(monitor, profile_of(monitor, rows()), day(2))
    judge()
    assert states(monitor) == ["open"]

    services.update_monitor(monitor=monitor, changes={"enabled": True}, actor=alice)
    judge()

    assert states(monitor) == ["ok"]


def test_the_judgement_is_on_the_ledger_with_what_it_was_made_of(watched, judge):
    send(watched, profile_of(watched, rows()), day(2))

    judge()

    event, evaluation = AuditEvent.objects.get(action="window.evaluate"), Evaluation.objects.get()
    for told in (evaluation.input_digest, evaluation.baseline_sha256, windows(watched)[0].sha256):
        assert told in event.body
