"""How often tools cry drift where there is none, and how often they find one: real columns, drawn anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lineal
import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from bench.drift.data import profiled, real_numbers, resampled
from bench.peers import EVIDENTLY, Unavailable
from bench.sheet import Sheet, share
from monitoring.engine import Limits, evaluate
from monitoring.profiles import Profile
from monitoring.statistics import psi

HERE = Path(__file__).parent
RUNS = 60
SHARED = 20  # of them are judged by the peer as well, which takes half a second each
COLUMNS = 33
ALPHA = 0.05
PSI_GATE = 0.1


@dataclass(frozen=True)
class Setting:
    """Rows on both sides, and by how many standard deviations the current ones are moved."""

    before: int
    now: int
    shift_sd: float = 0.0

    @property
    def label(self) -> str:
        moved = f"+{self.shift_sd:g} sd" if self.shift_sd else "no drift"
        return f"{moved}, {self.before:,} against {self.now:,} rows"


SETTINGS = (
    Setting(500, 100),
    Setting(1_001, 50),
    Setting(1_001, 100),
    Setting(10_000, 100),
    Setting(10_000, 1_000),
    Setting(10_000, 200, 0.3),
    Setting(10_000, 1_000, 0.1),
)


def measure(folder: Path) -> list[Sheet]:
    counts = {setting: _judge(setting, folder / f"runs-{at}.npz") for at, setting in enumerate(SETTINGS)}
    ours = _outlier(folder / "outlier.npz")
    try:
        peer = EVIDENTLY.run(HERE / "evidently_alarms.py", str(folder))
        trouble = ""
    except Unavailable as exc:
        peer, trouble = {"counts": {}, "psi": {}}, f" {exc}."
    theirs = {setting: peer["counts"].get(str(at)) for at, setting in enumerate(SETTINGS)}
    return [
        Sheet(
            "alarms",
            "Alarms without drift, and with",
            ("", f"{EVIDENTLY.label}, defaults", f"KS, p < {ALPHA} each", f"PSI ≥ {PSI_GATE}", "Lineal"),
            [
                [setting.label, _shown_peer(theirs[setting]), *(_shown(each) for each in counts[setting])]
                for setting in SETTINGS
            ],
            f"Share of columns that are called drifted / share of runs with any such column. {COLUMNS} real columns, drawn anew for both"
            f" sides in each run; {RUNS} runs a line, of which Evidently judges the first {SHARED}. In brackets the share of runs that it"
            f" calls “dataset drift”, half of the columns. Lineal judges profiles, with the default limits.{trouble}",
        ),
        Sheet(
            "outlier",
            "One value of 1e9 in the current rows",
            ("PSI of +0.5 sd, 10,000 against 1,000 rows", EVIDENTLY.label, "Lineal"),
            [
                [words, f"{peer['psi'][name]:.2g}" if peer["psi"] else "not measured", f"{ours[name]:.2g}"]
                for name, words in (("plain", "as it is"), ("outlier", "with one value of 1e9"))
            ],
            f"Evidently's method `psi`, whose bins span both samples; Lineal's cells are those of the baseline.{trouble}",
        ),
    ]


def _judge(setting: Setting, path: Path) -> list[NDArray[np.int64]]:
    """Columns called drifted, run by run: by KS alone, by PSI alone, by Lineal. The first runs are kept for the peer."""
    rng = np.random.default_rng(setting.before + setting.now)
    columns = dict(list(real_numbers().items())[:COLUMNS])
    found, kept = [], []
    for run in range(RUNS):
        before, now = (
            resampled(columns, setting.before, rng),
            resampled(columns, setting.now, rng, shift_sd=setting.shift_sd),
        )
        if run < SHARED:
            kept.append([np.column_stack(list(side.values())) for side in (before, now)])
        baseline, window = _profiles(before, now)
        by_ks = sum(ks_2samp(before[name], now[name]).pvalue < ALPHA for name in columns)
        by_psi = sum(_psi(baseline, window, name) >= PSI_GATE for name in columns)
        verdicts = evaluate(baseline=baseline, window=window, limits=Limits()).columns
        drifted = {each.column for each in verdicts if each.kind == "drift" and each.state in ("warn", "critical")}
        found.append((by_ks, by_psi, len(drifted)))
    np.savez(path, reference=[side[0] for side in kept], current=[side[1] for side in kept])
    return list(np.array(found).T)


def _profiles(before: dict[str, NDArray[np.float64]], now: dict[str, NDArray[np.float64]]) -> tuple[Profile, Profile]:
    reference = lineal.profile(before).reference()
    return profiled(before, reference), profiled(now, reference)


def _psi(baseline: Profile, window: Profile, name: str) -> float:
    return psi(baseline.columns[name].hist.counts, window.columns[name].hist.counts)


def _outlier(path: Path) -> dict[str, float]:
    rng = np.random.default_rng(5)
    column = {"c0": rng.normal(size=10_000)}
    plain = {"c0": rng.normal(0.5, size=1_000)}
    outlier = {"c0": np.append(plain["c0"][:-1], 1e9)}
    np.savez(path, reference=column["c0"][:, None], plain=plain["c0"][:, None], outlier=outlier["c0"][:, None])
    return {name: _psi(*_profiles(column, now), "c0") for name, now in (("plain", plain), ("outlier", outlier))}


def _shown(drifted: Sequence[int]) -> str:
    found = np.asarray(drifted)
    return f"{share(float(found.mean()) / COLUMNS)} / {share(float((found > 0).mean()))}"


def _shown_peer(drifted: Sequence[int] | None) -> str:
    if drifted is None:
        return "not measured"
    return f"{_shown(drifted)} ({share(float((2 * np.asarray(drifted) >= COLUMNS).mean()))})"
