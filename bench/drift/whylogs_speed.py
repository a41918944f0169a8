"""Run by whylogs' Python: seconds that a profile of a table takes, the best of three, and its bytes."""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import whylogs

warnings.simplefilter("ignore")

table = pd.read_csv(Path(sys.argv[1]) / "table.csv")
taken = []
for _ in range(3):
    begun = time.perf_counter()
    view = whylogs.log(table).view()
    taken.append(time.perf_counter() - begun)
print(json.dumps({"seconds": min(taken), "bytes": len(view.serialize())}))
