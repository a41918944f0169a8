"""Two at once, and one that dies: a part is one part, a judgement one judgement, an alert one alert."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from django.conf import settings
from django.db import connection

from audit.models import AuditEvent
from core.ids import uuid7
from monitoring.models import Alert, Evaluation, Monitor, ProfilePart, Window
from monitoring.services import ensure_monitor
from monitoring.services.evaluations import evaluate_window
from monitoring.services.windows import close_due
from tests.monitoring.production import day, new_trained_version, profile_of, promote, rows, send, states, windows
from tests.registry.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def _needs_several_writers():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time, and the tests' is in the memory of one process")


def test_one_id_is_one_part_however_many_bring_it(watched):
    _needs_several_writers()
    profile, part = profile_of(watched, rows()), uuid7()

    outcomes = at_once(*[lambda: send(watched, profile, day(2), part=part)] * 4)

    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert ProfilePart.objects.count() == 1


def test_the_first_parts_of_a_window_make_it_once(watched):
    _needs_several_writers()
    profiles = [profile_of(watched, rows(200, seed=n)) for n in range(4)]

    outcomes = at_once(*[lambda profile=profile: send(watched, profile, day(2)) for profile in profiles])

    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert (Window.objects.count(), ProfilePart.objects.count()) == (1, 4)


def test_two_workers_judge_a_window_once(watched):
    _needs_several_writers()
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    close_due()
    (window,) = windows(watched)

    outcomes = at_once(*[lambda: evaluate_window(window_id=window.pk)] * 3)

    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert (Evaluation.objects.count(), Alert.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action__in=["window.evaluate", "alert.open"]).count() == 2
    assert windows(watched)[0].evaluation.rows == 2_000, "no part was merged twice"


def test_a_part_that_comes_while_its_window_is_judged_is_not_lost(watched, monkeypatch, later, run_jobs):
    from monitoring.services import evaluations

    real, brought = evaluations.judge, []

    def judge_slowly(case):
        outcome = real(case)
        if not brought:
            brought.append(send(watched, profile_of(watched, rows(500, seed=8)), day(2)))
        return outcome

    monkeypatch.setattr(evaluations, "judge", judge_slowly)
    send(watched, profile_of(watched, rows()), day(2))
    close_due()
    run_jobs()
    assert [each.rows for each in Evaluation.objects.all()] == [2_000]
    assert states(watched) == ["closed"]

    later(3_700)
    run_jobs()

    assert windows(watched)[0].evaluation.rows == 2_500


def test_limits_that_change_while_a_window_is_judged_are_what_it_is_judged_by(watched, monkeypatch, run_jobs, alice):
    from monitoring import services
    from monitoring.services import evaluations

    real, changed = evaluations.judge, []

    def judge_slowly(case):
        outcome = real(case)
        if not changed:
            limits = {"columns": {"amount": {"ignore": True}}}
            changed.append(services.update_monitor(monitor=watched, changes={"limits": limits}, actor=alice))
        return outcome

    monkeypatch.setattr(evaluations, "judge", judge_slowly)
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    close_due()

    run_jobs()

    assert states(watched) == ["ok"]
    assert not Alert.objects.exists()


def test_a_monitor_is_made_once(home, project, bob):
    _needs_several_writers()
    version = new_trained_version(project, bob)
    place = promote(version, bob).environment

    outcomes = at_once(*[lambda: ensure_monitor(version=version, environment=place)] * 4)

    assert sorted(is_new for _, is_new in outcomes) == [False, False, False, True]
    assert Monitor.objects.count() == 1


WORKER = """
    import os, sys, time
    import django
    django.setup()
    from django.db import connection
    connection.settings_dict["NAME"] = {name!r}
    from core import jobs
    from monitoring.services import evaluations
    real = evaluations.{function}
    def stop(*arguments, **named):
        if {function!r} != "judge":
            real(*arguments, **named)  # the write is made, and not committed
        print("here", flush=True)
        time.sleep(60)
    evaluations.{function} = stop
    jobs.run_pending()
"""


@pytest.mark.parametrize("function", ["judge", "_pass_on"])
def test_a_worker_killed_in_the_middle_leaves_the_window_to_the_next(watched, run_jobs, later, function):
    """kill -9, once while it computes and once in the transaction, with evaluation, alert and ledger entry written."""
    _needs_several_writers()
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    close_due()
    program = textwrap.dedent(WORKER.format(name=str(connection.settings_dict["NAME"]), function=function))
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LINEAL_HOME": str(settings.HOME), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    try:
        assert worker.stdout.readline() == "here\n"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=10)
        worker.stdout.close()
    time.sleep(0.2)  # PostgreSQL notices that its client is gone
    assert (Evaluation.objects.count(), Alert.objects.count()) == (0, 0)
    run_jobs()
    assert states(watched) == ["closed"], "the dead worker's lease lasts"

    later(901)
    run_jobs()

    assert (Evaluation.objects.count(), Alert.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action__in=["window.evaluate", "alert.open"]).count() == 2
    assert windows(watched)[0].evaluation.rows == 2_000
