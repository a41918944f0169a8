"""Run by Evidently's Python: how many columns its defaults call drifted, in each of the runs of a folder."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import Report
from evidently.metrics import DriftedColumnsCount, ValueDrift

warnings.simplefilter("ignore")


def frame(array):
    return pd.DataFrame({f"c{at}": column for at, column in enumerate(array.T)})


def drifted(reference, current):
    found = Report([DriftedColumnsCount()]).run(frame(current), frame(reference)).dict()["metrics"][0]["value"]
    return int(found["count"])


def psi(reference, current):
    report = Report([ValueDrift(column="c0", method="psi")]).run(frame(current), frame(reference))
    return float(report.dict()["metrics"][0]["value"])


folder = Path(sys.argv[1])
counts = {}
for path in sorted(folder.glob("runs-*.npz")):
    held = np.load(path)
    counts[path.stem.removeprefix("runs-")] = [
        drifted(held["reference"][at], held["current"][at]) for at in range(len(held["reference"]))
    ]
outlier = np.load(folder / "outlier.npz")
psis = {name: psi(outlier["reference"], outlier[name]) for name in ("plain", "outlier")}
print(json.dumps({"counts": counts, "psi": psis}))
