"""Windows in a row: their own variation, and shifts too small for any single one."""

import numpy as np
import pytest

from monitoring.engine import Limits, evaluate
from monitoring.profiles import DEFAULT_KEY, Profile, reference_of
from monitoring.statistics import cusum_step, ks
from tests.monitoring.building import build_column, build_embedding, build_profile
from tests.monitoring.worlds import alarms, verdict, window_of

NAMES = np.array(["de", "fr", "pl", "cz"], object)


def day(rng: np.random.Generator, rows: int = 600, *, shift: float = 0.0) -> dict:
    """A day of production: its mean and its mix differ from other days' by themselves."""
    mix = rng.dirichlet(np.array([50, 30, 15, 5]) * 2.0)
    return {"amount": rng.normal(rng.normal(0, 0.25) + shift, 1, rows), "country": NAMES[rng.choice(4, rows, p=mix)]}


def months(seed: int) -> tuple[Profile, list[Profile], np.random.Generator]:
    rng = np.random.default_rng(seed)
    parts = [day(rng) for _ in range(20)]
    baseline = build_profile({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return baseline, [window_of(day(rng), baseline) for _ in range(30)], rng


def test_days_that_vary_by_themselves_are_no_alarm_once_that_is_known():
    naive = calibrated = 0
    for seed in range(12):
        baseline, accepted, rng = months(seed)
        window = window_of(day(rng), baseline)
        limits = Limits(psi_warn=0.03, linf_warn=0.03)
        naive += bool(alarms(evaluate(baseline=baseline, window=window, limits=limits)))
        calibrated += bool(
            alarms(evaluate(baseline=baseline, window=window, limits=limits, reference_windows=accepted))
        )
    assert naive >= 8
    assert calibrated <= 1


def test_a_day_unlike_any_other_is_an_alarm_all_the_same():
    baseline, accepted, rng = months(0)

    found = evaluate(
        baseline=baseline, window=window_of(day(rng, shift=2.0), baseline), limits=Limits(), reference_windows=accepted
    )

    amount = verdict(found, "amount")
    assert (amount.state, amount.test) == ("critical", "window_calibrated")
    assert amount.message.endswith(", beside 30 accepted windows).")
    assert amount.effects["psi_baseline"] == pytest.approx(amount.effects["psi"], rel=0.2)


def test_what_people_accepted_is_the_new_normal():
    """Production differs from the training data for good; accepted once, it is no alarm any more."""
    rng = np.random.default_rng(0)
    baseline = build_profile({"x": rng.normal(size=20_000)})
    windows = [window_of({"x": rng.normal(1.0, 1, 500)}, baseline) for _ in range(15)]

    before = verdict(evaluate(baseline=baseline, window=windows[0], limits=Limits()), "x")
    after = verdict(evaluate(baseline=baseline, window=windows[0], limits=Limits(), reference_windows=windows[1:]), "x")

    assert (before.state, after.state) == ("critical", "ok")
    assert after.effects["psi"] < 0.1 < after.effects["psi_baseline"]


def test_thirteen_windows_are_not_enough_to_learn_from():
    baseline, accepted, rng = months(0)

    found = evaluate(
        baseline=baseline, window=window_of(day(rng), baseline), limits=Limits(), reference_windows=accepted[:13]
    )

    assert verdict(found, "amount").test == "ks"


def test_gaps_that_come_and_go_are_learnt_too():
    rng = np.random.default_rng(0)

    def gappy() -> dict:
        share = rng.beta(4, 36)
        return {"x": np.where(rng.random(1_000) < share, np.nan, rng.normal(size=1_000))}

    baseline = build_profile({"x": np.concatenate([gappy()["x"] for _ in range(20)])})
    accepted = [window_of(gappy(), baseline) for _ in range(30)]
    windows = [window_of(gappy(), baseline) for _ in range(20)]

    naive = sum(
        ("x", "missing") in alarms(evaluate(baseline=baseline, window=each, limits=Limits())) for each in windows
    )
    calibrated = [
        evaluate(baseline=baseline, window=each, limits=Limits(), reference_windows=accepted) for each in windows
    ]

    assert naive >= 10
    assert sum(("x", "missing") in alarms(each) for each in calibrated) <= 1
    assert verdict(calibrated[0], "x", "missing").test == "window_calibrated"


def run_of_windows(
    seed: int, *, shift: float, windows: int, rows: int = 1_000, reference_rows: int = 100_000
) -> int | None:
    """The first window, counted from 1, in which a shift that no single window shows is said to have kept up."""
    rng = np.random.default_rng(seed)
    baseline = build_profile({"x": rng.normal(size=reference_rows)})
    sequential: dict[str, float] = {}
    for number in range(1, windows + 1):
        window = window_of({"x": rng.normal(shift, 1, rows)}, baseline)
        found = evaluate(baseline=baseline, window=window, limits=Limits(), sequential=sequential)
        sequential = dict(found.sequential)
        if alarms(found):
            assert "a small shift has kept up" in verdict(found, "x").message
            return number
    return None


def test_a_small_shift_is_found_over_several_windows():
    """A tenth of a standard deviation, whose PSI of 0.01 is no alarm in any window."""
    found = [run_of_windows(seed, shift=0.1, windows=40) for seed in range(11)]

    assert None not in found
    assert 2 <= np.median(found) <= 10


def test_a_year_without_a_shift_is_quiet():
    assert [run_of_windows(seed, shift=0.0, windows=60) for seed in range(3)] == [None] * 3


def evidence_of_years(runs: int, windows: int, *, reference_rows: int, rows: int = 1_000) -> float:
    """Share of runs without any shift in which the evidence ever reaches 1,000, by the statistics alone."""
    alarmed = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        reference = build_column(rng.normal(size=reference_rows))
        evidence, highest = 1.0, 1.0
        for _ in range(windows):
            evidence = cusum_step(evidence, ks(reference, build_column(rng.normal(size=rows))).p_value)
            highest = max(highest, evidence)
        alarmed += highest >= 1_000
    return alarmed / runs


@pytest.mark.slow
def test_evidence_without_a_shift_stays_small():
    assert evidence_of_years(8, 120, reference_rows=100_000) <= 0.125


@pytest.mark.slow
def test_two_hundred_years_of_nothing():
    """200 runs of 365 windows beside a large reference: evidence reaches 1,000 in at most one of twenty."""
    assert evidence_of_years(200, 365, reference_rows=100_000) <= 0.05


def test_evidence_is_handed_on_and_survives_windows_that_say_nothing():
    rng = np.random.default_rng(0)
    baseline = build_profile({"x": rng.normal(size=30_000), "y": rng.normal(size=30_000)})
    window = window_of({"x": rng.normal(0.1, 1, 1_000)}, baseline)
    few = window_of({"x": rng.normal(0.1, 1, 10)}, baseline)

    first = evaluate(baseline=baseline, window=window, limits=Limits(), sequential={"y": 40.0})
    second = evaluate(baseline=baseline, window=few, limits=Limits(), sequential=first.sequential)

    assert first.sequential == {"x": verdict(first, "x").e_value, "y": 40.0}
    assert second.sequential == first.sequential


def test_a_small_baseline_is_warned_of():
    """Its own chance looks like a shift that never ends."""
    rng = np.random.default_rng(0)
    small, large = (build_profile({"x": rng.normal(size=rows)}) for rows in (5_000, 20_000))

    warned, silent = (
        evaluate(baseline=each, window=window_of({"x": np.ones(1_000)}, each), limits=Limits()).notes
        for each in (small, large)
    )

    assert warned[0].startswith(
        "The baseline has 5,000 rows and the window 1,000: evidence over many windows can be trusted"
    )
    assert silent == ()


def embedded(rng: np.random.Generator, like=None, *, rows: int = 500, shift: float = 0.0) -> Profile:
    embedding = build_embedding(rng.normal(shift, 1, (rows, 16)), like=like)
    base = build_profile({"x": np.zeros(rows)}, pin=False)
    return Profile("standard", base.key, rows, base.columns, None, {"text": embedding})


def test_embeddings_are_judged_beside_the_columns():
    rng = np.random.default_rng(0)
    baseline = embedded(rng, rows=5_000)
    like = baseline.embeddings["text"]
    accepted = [embedded(rng, like) for _ in range(14)]

    calm = evaluate(baseline=baseline, window=embedded(rng, like), limits=Limits())
    moved = evaluate(baseline=baseline, window=embedded(rng, like, shift=0.5), limits=Limits())
    known = evaluate(
        baseline=baseline, window=embedded(rng, like, shift=0.5), limits=Limits(), reference_windows=accepted
    )

    assert alarms(calm) == []
    assert alarms(moved) == alarms(known) == [("text", "embedding")]
    assert [verdict(each, "text", "embedding").test for each in (moved, known)] == ["rff", "window_calibrated"]
    assert verdict(moved, "text", "embedding").message.startswith("text: embeddings moved (squared discrepancy 0.")


def test_embeddings_that_do_not_compare_are_said_to_have_no_reference():
    rng = np.random.default_rng(0)
    baseline = embedded(rng)
    other = embedded(rng, build_embedding(rng.normal(size=(50, 16)), seed=8))
    none = build_profile({"x": np.zeros(500)}, pin=False)
    few = embedded(rng, baseline.embeddings["text"], rows=29)

    def state(before: Profile, now: Profile) -> str:
        return verdict(evaluate(baseline=before, window=now, limits=Limits()), "text", "embedding").state

    assert (state(baseline, other), state(none, baseline), state(baseline, few)) == (
        "no_reference",
        "no_reference",
        "not_enough_data",
    )
    assert (
        "text: the embedding is in the baseline and not in the window."
        in evaluate(baseline=baseline, window=none, limits=Limits()).notes
    )


def test_the_reference_of_a_window_is_the_baselines():
    """Guards the fixtures above: windows are pinned, or calibration would silently not happen."""
    baseline, accepted, _ = months(0)
    reference = reference_of(baseline, DEFAULT_KEY)

    assert {each.columns["amount"].hist.id for each in accepted} == {reference.columns["amount"].cells.id}
