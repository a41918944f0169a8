"""One window against the baseline: what is said of each column, and in which words."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from monitoring.engine import Limits, evaluate
from monitoring.profiles import IncompatibleProfiles, merge, reference_of
from monitoring.statistics import chi_square, psi
from tests.monitoring.building import build_profile
from tests.monitoring.worlds import alarms, judge, verdict, window_of

RNG = np.random.default_rng(0)
AGES = RNG.normal(40, 12, 5_000).round(1)
COUNTRIES = np.array(["de", "fr", "pl"], object)[RNG.choice(3, 5_000, p=[0.5, 0.3, 0.2])]


def countries(rows: int, shares: list[float], names: tuple[str, ...] = ("de", "fr", "pl"), seed: int = 1) -> np.ndarray:
    return np.array(names, object)[np.random.default_rng(seed).choice(len(names), rows, p=shares)]


def test_nothing_moved_is_said_calmly():
    found = judge({"age": AGES, "country": COUNTRIES}, {"age": AGES[:1_000], "country": COUNTRIES[:1_000]})

    assert (found.state, found.rows, alarms(found)) == ("ok", 1_000, [])
    assert verdict(found, "age").message.startswith("age: no drift that matters (PSI 0.0")


def test_a_number_that_moved_is_an_alarm_in_one_plain_sentence():
    moved = np.concatenate((np.random.default_rng(1).normal(40, 12, 700), np.full(300, 19.5)))

    found = verdict(judge({"age": AGES}, {"age": moved}), "age")

    assert (found.state, found.test, found.kind, found.role) == ("critical", "ks", "drift", "feature")
    assert found.p_value <= found.adjusted_p <= 1e-6
    assert (
        found.message == f"age: the distribution moved (PSI {found.effects['psi']:.2f}; up to 25: was 10 %, now 38 %)."
    )


def test_effects_are_those_of_the_raw_values():
    """Pinned bins are exact, and so are small columns: no approximation stands between the rows and the numbers."""
    before, now = AGES[:400], AGES[400:700] + 6
    edges = np.unique(np.sort(before)[[39, 79, 119, 159, 199, 239, 279, 319, 359]])
    counts = [np.bincount(np.searchsorted(edges, values), minlength=10) for values in (before, now)]

    found = verdict(judge({"age": before}, {"age": now}), "age")

    assert found.effects["psi"] == pytest.approx(psi(*counts), rel=1e-12)
    assert found.effects["js"] == pytest.approx(jensenshannon(*counts), rel=1e-12)
    assert found.effects["wasserstein_sd"] == pytest.approx(wasserstein_distance(before, now) / before.std(), rel=1e-9)
    assert (found.statistic, found.p_value) == pytest.approx(ks_2samp(before, now), abs=1e-12)


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_categories_are_judged_by_their_counts(privacy):
    now = countries(1_000, [0.2, 0.3, 0.5])
    counts = [[(values == name).sum() for name in ("de", "fr", "pl")] for values in (COUNTRIES, now)]

    found = verdict(judge({"country": COUNTRIES}, {"country": now}, privacy=privacy), "country")

    assert (found.state, found.test) == ("critical", "chi_square")
    assert (found.statistic, found.p_value) == chi_square(*counts)
    assert found.effects["l_infinity"] == pytest.approx(0.3, abs=0.03)
    name = "“de”" if privacy == "standard" else "category 1"
    assert f"; {name}: was 50 %, now " in found.message


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_numbers_of_few_values_are_categories(privacy):
    before, now = RNG.integers(0, 5, 2_000), RNG.integers(0, 3, 500)

    found = verdict(judge({"n": before}, {"n": now}, privacy=privacy), "n")

    assert (found.state, found.test) == ("critical", "chi_square")


def test_strict_profiles_are_judged_on_pinned_cells():
    """Without sketches KS and Wasserstein are not to be had; the rest stays exact."""
    found = verdict(judge({"age": AGES}, {"age": AGES[:1_000] + 12}, privacy="strict"), "age")

    assert (found.state, found.test) == ("critical", "chi_square")
    assert found.effects["wasserstein_sd"] is None
    assert found.effects["psi"] > 0.25
    assert verdict(judge({"age": AGES}, {"age": AGES[:1_000]}, privacy="strict"), "age").state == "ok"


def test_one_outlier_does_not_hide_a_shift():
    """A histogram over the range of both would put all but the outlier into one bin."""
    now = AGES[:1_000] + 6
    plain = verdict(judge({"age": AGES}, {"age": now}), "age")

    found = verdict(judge({"age": AGES}, {"age": np.append(now, 1e9)}), "age")

    assert plain.effects["psi"] > 0.2
    assert found.effects["psi"] == pytest.approx(plain.effects["psi"], abs=0.005)
    assert found.state == plain.state
    assert found.state in ("warn", "critical")


def test_a_significant_move_that_is_too_small_to_matter_is_no_alarm():
    rng = np.random.default_rng(0)

    found = verdict(judge({"x": rng.normal(size=100_000)}, {"x": rng.normal(0.1, 1, 50_000)}), "x")

    assert found.adjusted_p < 1e-6
    assert (found.state, found.effects["psi"] < 0.05) == ("ok", True)


def test_a_large_effect_that_may_be_chance_is_no_alarm():
    """In 40 rows, PSI is over 0.1 by chance alone."""
    rng = np.random.default_rng(0)
    effects = []
    for _ in range(20):
        found = verdict(judge({"x": rng.normal(size=1_000)}, {"x": rng.normal(size=40)}), "x")
        assert found.state == "ok"
        effects.append(found.effects["psi"])
    assert np.mean(np.array(effects) > 0.1) > 0.5
    assert found.effects["psi_limit"] > 0.5


def test_few_rows_get_no_verdict():
    found = judge({"age": AGES}, {"age": np.full(29, 99.0)})

    assert found.state == verdict(found, "age").state == "not_enough_data"
    assert verdict(found, "age").p_value is None
    assert verdict(found, "age").message == "age: 29 values are too few to judge, 30 are needed."
    assert "29 rows are too few to judge; 30 are needed." in found.notes


def test_limits_of_a_column_are_its_own():
    limits = Limits.from_json({"columns": {"a": {"ignore": True}, "b": {"psi_warn": 2, "psi_critical": 3}}})
    moved = AGES[:1_000] + 12

    found = judge({"a": AGES, "b": AGES, "c": AGES}, {"a": moved, "b": moved, "c": moved}, limits=limits)

    assert [each.column for each in found.columns] == ["b", "c"]
    assert alarms(found) == [("c", "drift")]


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_a_baseline_without_pinned_cells_is_compared_all_the_same(privacy):
    """A baseline that was merged from parts has no histogram of its own: sketches and lists have to do, where there are any."""
    before = {"age": AGES, "country": COUNTRIES, "n": np.arange(5_000) % 7}
    now = {"age": AGES[:1_000] + 12, "country": countries(1_000, [0.2, 0.3, 0.5]), "n": np.arange(1_000) % 3}

    found = judge(before, now, privacy=privacy, pin=False)
    calm = judge(before, {name: values[:1_000] for name, values in before.items()}, privacy=privacy, pin=False)

    strict = privacy == "strict"
    assert verdict(found, "age").state == ("no_reference" if strict else "critical")
    assert {verdict(found, "country").state, verdict(found, "n").state} == {"critical"}
    assert (calm.state, alarms(calm)) == ("ok", [])


def test_merged_baselines_pin_windows_and_count_by_their_sketch():
    halves = [build_profile({"age": half}) for half in (AGES[:2_500], AGES[2_500:])]
    baseline = merge(*halves)
    assert baseline.columns["age"].hist is None

    found = verdict(evaluate(baseline=baseline, window=window_of({"age": AGES}, baseline), limits=Limits()), "age")

    assert found.state == "ok"
    assert found.effects["psi"] < 0.001


def test_gaps_are_an_alarm_of_their_own():
    now = [None if i % 5 == 0 else age for i, age in enumerate(AGES[:1_000])]

    found = judge({"age": AGES}, {"age": now})

    missing = verdict(found, "age", "missing")
    assert alarms(found) == [("age", "missing")]
    assert (missing.state, missing.test, missing.effects) == ("critical", "two_proportion_z", {"missing_points": 0.2})
    assert missing.message == "age: missing values rose from 0 % to 20 %."


def test_nan_is_missing_as_nulls_are():
    found = judge({"age": AGES}, {"age": np.where(np.arange(1_000) % 20 == 0, np.nan, AGES[:1_000])})

    assert verdict(found, "age", "missing").effects["missing_points"] == 0.05


def test_a_gap_that_closes_is_told_too():
    before = [None if i % 5 == 0 else age for i, age in enumerate(AGES)]

    found = verdict(judge({"age": before}, {"age": AGES[:1_000]}), "age", "missing")

    assert found.message == "age: missing values fell from 20 % to 0 %."


def test_a_rare_gap_is_judged_exactly():
    """One value of a hundred, after none of a thousand, is no alarm."""
    found = judge({"age": AGES[:1_000]}, {"age": [None, *AGES[1_000:1_099]]})

    missing = verdict(found, "age", "missing")
    assert (missing.state, missing.test) == ("ok", "fisher_exact")
    assert missing.message == "age: 1.0 % of values are missing, as before (0 %)."


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_new_categories_are_an_alarm_of_their_own(privacy):
    now = countries(1_000, [0.48, 0.29, 0.19, 0.03, 0.01], ("de", "fr", "pl", "cz", "at"))

    found = judge({"country": COUNTRIES}, {"country": now}, privacy=privacy)

    new = verdict(found, "country", "new_category")
    assert ("country", "new_category") in alarms(found)
    assert new.effects == {"new_category_mass": pytest.approx(0.04, abs=0.015), "new_category_count": 2}
    assert new.message.startswith("country: 2 new categories in ")


def test_identifiers_are_new_every_time_and_no_surprise():
    def ids(rows, seed):
        return np.array([f"id{i}" for i in np.random.default_rng(seed).integers(0, 10**12, rows)], object)

    found = judge({"id": ids(3_000, 0)}, {"id": ids(500, 1)})

    new = verdict(found, "id", "new_category")
    assert (new.state, found.state) == ("ok", "ok")
    assert "which is no surprise" in new.message


def test_categories_of_accepted_windows_are_not_new():
    baseline = build_profile({"country": COUNTRIES})
    shares, names = [0.5, 0.29, 0.17, 0.04], ("de", "fr", "pl", "cz")
    windows = [window_of({"country": countries(1_000, shares, names, seed)}, baseline) for seed in range(3)]

    found = evaluate(baseline=baseline, window=windows[0], limits=Limits(), reference_windows=windows[1:])

    assert ("country", "new_category") not in alarms(found)


def test_predictions_are_judged_under_their_role():
    scores = np.random.default_rng(0).beta(2, 5, 5_000)

    found = judge({"score": scores}, {"score": scores[:1_000] ** 0.5}, roles={"score": "prediction"})

    assert (verdict(found, "score").role, verdict(found, "score").state) == ("prediction", "critical")


def test_labels_are_reported_and_not_judged():
    labels = RNG.integers(0, 2, 2_000)

    found = judge({"y": labels, "age": AGES[:2_000]}, {"y": np.ones(500, int), "age": AGES[:500]}, roles={"y": "label"})

    label = verdict(found, "y")
    assert (found.state, label.state, label.adjusted_p, label.e_value) == ("ok", "ok", None, None)
    assert label.effects["l_infinity"] > 0.4
    assert label.message.endswith("labels are reported and not judged.")
    assert "y" not in found.sequential


def test_dates_move_by_themselves():
    """Every window is later than the training data; only who asks for it hears of that."""
    days = np.datetime64("2026-01-01", "s") + RNG.integers(0, 90 * 86_400, 2_000).astype("timedelta64[s]")
    later = {"seen": days[:500] + np.timedelta64(200, "D")}

    found = judge({"seen": days}, later)

    assert (found.state, verdict(found, "seen").test) == ("ok", None)
    assert verdict(found, "seen").message == "seen: dates move by themselves and are not judged."
    asked = verdict(judge({"seen": days}, later, limits=Limits(judge_dates=True)), "seen")
    assert (asked.state, "above 2026-03-" in asked.message) == ("critical", True)


def test_another_key_is_refused():
    baseline = build_profile({"country": COUNTRIES})
    window = build_profile({"country": COUNTRIES}, key=b"k" * 16)

    with pytest.raises(IncompatibleProfiles, match="A window is hashed under key"):
        evaluate(baseline=baseline, window=window, limits=Limits())
    with pytest.raises(IncompatibleProfiles):
        evaluate(baseline=baseline, window=baseline, limits=Limits(), reference_windows=[window])


def test_names_of_categories_need_the_key_that_hashed_them():
    key = b"a key of its own"
    baseline = build_profile({"country": COUNTRIES}, key=key)
    window = build_profile(
        {"country": countries(1_000, [0.2, 0.3, 0.5])}, key=key, reference=reference_of(baseline, key)
    )

    named = verdict(evaluate(baseline=baseline, window=window, limits=Limits(), key=key), "country")
    nameless = verdict(evaluate(baseline=baseline, window=window, limits=Limits()), "country")

    assert "“de”" in named.message
    assert "category 1" in nameless.message


def test_odd_names_are_shown_in_one_line():
    before = np.array(["a\nb\x00c" + "x" * 100, "d", "e"] * 500, object)

    found = verdict(judge({"t": before}, {"t": np.array(["d", "e"] * 500, object)}), "t")

    assert "“a�b�cxxx" in found.message
    assert "…”" in found.message
    assert "\n" not in found.message
