"""The page about profiles shows what works."""

import re
from pathlib import Path

import lineal
import numpy as np
import pandas as pd

PAGE = Path(__file__).parents[3] / "docs" / "profiles.md"


class Model:
    def predict(self, batch):
        return np.where(batch["age"] > 40, "yes", "no")


def test_the_first_example_runs(tmp_path, monkeypatch):
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    ages = pd.DataFrame({"age": np.arange(18, 98), "churned": ["yes", "no"] * 40})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evening").mkdir()
    ages[["age"]].to_parquet("evening/1.parquet")
    given = {"train": ages, "batch": ages[["age"]], "model": Model(), "outcomes": [None, "yes"] * 40}

    exec(compile(example, str(PAGE), "exec"), given)

    assert given["day"].rows == 160
    assert (
        given["day"].columns["age"].hist.counts.tolist() == (2 * given["baseline"].columns["age"].hist.counts).tolist()
    )
    assert given["day"].performance.labelled == 40
    assert isinstance(given["reference"], lineal.Reference)
