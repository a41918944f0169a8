"""The page about monitoring shows what works."""

import re
from datetime import UTC, datetime
from pathlib import Path

import lineal
import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "monitoring-client.md"


class Model:
    def predict_proba(self, rows):
        return np.array([[0.25, 0.75]] * len(rows))


def test_the_first_example_runs(production, warnings):
    fraud = production.serve(reference=lineal.profile({"amount": [1.0, 2.0]}, key=b"k" * 16).reference())
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    given = {"model": Model()}

    exec(compile(example, str(PAGE), "exec"), given)
    given["answer"]({"amount": 12.5, "country": "DE"})
    given["settled"]({"said": 1, "score": 0.75}, datetime.now(UTC), 1)
    given["monitor"].close()

    assert fraud.whole.rows == 1
    assert fraud.whole.performance.confusion.tolist() == [[1]]
    assert fraud.whole.performance.scored == 1
    assert warnings() == []
