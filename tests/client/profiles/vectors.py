"""The documents that hold the client's writer and the server's reader together: tests/vectors/profiles/.

    python -m tests.client.profiles.vectors      # writes them anew

The rows are chosen so that sums come out exactly: a machine that adds in another order writes the same means, and so the same edges.
Only sums of logarithms, cosines and quotients may differ in their last digits.
"""

import base64
import copy
import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Any

import lineal
import numpy as np
import pyarrow as pa
from lineal._profiles.envelope import MAGIC, pack
from lineal._profiles.making import late_labels

FOLDER = Path(__file__).parents[2] / "vectors" / "profiles"
KEY = bytes(range(16))
ROWS = (2_048, 1_024)  # powers of two: means of dyadic values are exact
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def table(part: int) -> pa.Table:
    """One batch. The second is shifted, and has a column that the first has not."""
    rows, first = ROWS[part], 5_000 * part
    n = np.arange(first, first + rows)
    noise = (n * 7_919 % 1_024) / 64.0
    columns: dict[str, Any] = {
        "amount": pa.array(noise * noise / 16.0 - 3.0 + part),
        "balance": pa.array([_balance(int(k)) for k in n]),
        "age": pa.array(n * 31 % 50 + 18, pa.int32()),
        "visits": pa.array(n * n % 257, pa.uint16()),
        "flag": pa.array([None if k % 16 == 7 else bool(k % 3) for k in n]),
        "country": pa.array([None if k % 32 == 5 else ["DE", "AT", "CH", "FR", "ÖS"][int(k * k % 5)] for k in n]),
        "comment": pa.array([_comment(int(k)) for k in n]),
        "customer": pa.array([f"customer-{k}" for k in n]),
        "raw": pa.array([bytes([int(k) % 7, 255]) for k in n]),
        "at": pa.array([START + dt.timedelta(seconds=int(k) * 900) for k in n], pa.timestamp("us", tz="UTC")),
        "day": pa.array([START.date() + dt.timedelta(days=int(k) % 8) for k in n]),
        "price": pa.array([decimal.Decimal(int(k) % 400) / 4 for k in n], pa.decimal128(12, 2)),
        "constant": pa.array(np.full(rows, 2.5)),
        "nothing": pa.nulls(rows, pa.float64()) if part else pa.nulls(rows),
        "tags": pa.array([["a"], ["b", "c"]] * (rows // 2)),
    }
    if part:
        columns["late"] = pa.array(n % 4)
    return pa.table(columns)


def _balance(k: int) -> float | None:
    """Everything a float can be."""
    special = {0: None, 1: float("nan"), 2: float("inf"), 3: float("-inf"), 4: -0.0, 5: 0.0}
    return special.get(k % 64, (k * 37 % 2_048) / 32.0)


def _comment(k: int) -> str:
    return "x" * 300 + str(k % 2) if k % 100 == 0 else f"Größe {k * k % 97}"


def outcomes(part: int) -> dict[str, Any]:
    """A binary model: scores in eighths, labels known for three of four rows."""
    n = np.arange(ROWS[part]) + part
    scores = (n * 5 % 9) / 8.0
    labels = pa.array([None if k % 4 == 3 else ("no", "yes")[int(k * 3 % 7 > 2)] for k in n])
    return {
        "predictions": np.where(scores > 0.5, "yes", "no"),
        "labels": labels,
        "scores": {"no": 1 - scores, "yes": scores},
    }


def embedding(part: int) -> np.ndarray:
    n = np.arange(ROWS[part])[:, None] + part
    return (n * np.array([3, 5, 7, 11]) % 64) / 16.0


def parts(privacy: str, reference: lineal.Reference | None = None) -> list[lineal.Profile]:
    key = KEY if reference is None else None
    return [
        lineal.profile(table(part), reference, privacy, key=key, embeddings={"text": embedding(part)}, **outcomes(part))
        for part in (0, 1)
    ]


def of_privacy(privacy: str) -> dict[str, Any]:
    """A baseline that pins its own histograms; its reference; two batches counted over that, and their merge."""
    baseline = parts(privacy)[0]
    reference = baseline.reference()
    one, two = parts(privacy, reference)
    return {
        "about": f"{privacy}: the reference is made from the baseline, the parts are counted over it, merged is both parts together",
        "key": base64.b64encode(KEY).decode(),
        "baseline": baseline.to_json(),
        "reference": reference.to_json(),
        "parts": [one.to_json(), two.to_json()],
        "merged": written(one.merge(two)),
    }


def performances() -> dict[str, Any]:
    """What is not a binary model: numbers, three classes, and labels that come late."""
    n = np.arange(64)
    late = late_labels(
        np.array(["no", "yes"])[n % 2],
        np.array(["no", "yes"])[n // 2 % 2],
        {"yes": (n % 9) / 8.0, "no": 1 - (n % 9) / 8.0},
    )
    return {
        "about": "performance of other kinds; each list is two parts and their merge",
        "key": base64.b64encode(b"lineal-profile/1").decode(),
        "regression": merged_list(
            *(
                lineal.profile(None, predictions=n / 4 + part, labels=np.where(n % 8, n / 4, np.nan), task="regression")
                for part in (0, 1)
            )
        ),
        "classes": merged_list(
            *(
                lineal.profile(None, predictions=n % 3 + part, labels=n % 2 + part, task="classification")
                for part in (0, 1)
            )
        ),
        "late": merged_list(lineal.profile(None, **{**outcomes(0), "labels": pa.nulls(ROWS[0], pa.string())}), late),
    }


def merged_list(one: lineal.Profile, two: lineal.Profile) -> list[dict[str, Any]]:
    return [one.to_json(), two.to_json(), one.merge(two).to_json()]


def written(profile: lineal.Profile) -> dict[str, Any]:
    """The document, and bytes that hold it (another zlib may write others)."""
    return {"document": profile.to_json(), "bytes": base64.b64encode(profile.to_bytes()).decode()}


def broken() -> dict[str, Any]:
    """Documents and bytes that every reader refuses, and why."""
    good = lineal.profile(pa.table({"x": np.arange(100.0), "s": [f"k{k % 3}" for k in range(100)]}), key=KEY).to_json()
    cases = [{"why": why, "document": changed(good, *path, value=value)} for why, path, value in CHANGES]
    data = pack(good)
    bytes_of = {
        "empty": b"",
        "of something else": b"PAR1" + data,
        "of another version": data.replace(b"/1\n", b"/2\n", 1),
        "cut off": data[:-1],
        "one bit changed": data[:100] + bytes([data[100] ^ 1]) + data[101:],
        "no zlib stream": MAGIC + _hashed(b"not zlib"),
    }
    return {
        "about": "what a reader has to refuse: documents that contradict the format or themselves, and bytes that are no profile",
        "documents": cases,
        "bytes": [{"why": why, "bytes": base64.b64encode(each).decode()} for why, each in bytes_of.items()],
    }


def _hashed(body: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(body).digest() + body


ABSENT = object()
X, S = ("columns", "x"), ("columns", "s")
CHANGES: list[tuple[str, tuple[str, ...], Any]] = [
    ("another schema", ("schema",), "lineal-profile/2"),
    ("no schema", ("schema",), ABSENT),
    ("an unknown member", ("extra",), 1),
    ("an unknown member of a column", (*X, "median"), 1.0),
    ("a missing member", (*X, "kmv"), ABSENT),
    ("an unknown privacy", ("privacy",), "secret"),
    ("a key that is no hash", ("key",), "xyz"),
    ("negative rows", ("rows",), -1),
    ("rows that are no whole number", ("rows",), 100.0),
    ("a bool for a count", (*X, "nulls"), True),
    ("more nulls than rows", (*X, "nulls"), 101),
    ("a column of more rows than the profile", ("rows",), 99),
    ("an unknown type", (*X, "type"), "i128"),
    ("a family of another type", (*X, "family"), "text"),
    ("an unknown role", (*X, "role"), "target"),
    ("a text for a number", (*X, "mean"), "NaN"),
    ("no mean of values", (*X, "mean"), None),
    ("a mean of texts", (*S, "mean"), 1.0),
    ("a negative m2", (*X, "m2"), -1.0),
    ("min above max", (*X, "min"), 1e9),
    ("values that do not add up", (*X, "values", "other"), 1),
    ("a value twice", (*X, "values", "items"), [[1.0, 50], [1.0, 50]]),
    ("an item of count 0", (*X, "values", "items"), [[1.0, 100], [2.0, 0]]),
    ("a hash that is none", (*S, "hashes", "items"), [["ff", 100]]),
    ("a strict profile with values", ("privacy",), "strict"),
    ("a sketch that is none", (*X, "kll"), base64.b64encode(b"no sketch").decode()),
    ("a sketch of fewer values", (*X, "kll"), "AgEPAZABCAA="),
    ("no base64", (*X, "kmv"), "?"),
    ("hashes that do not ascend", (*X, "kmv"), base64.b64encode(bytes(16)).decode()),
    ("more distinct values than values", (*X, "kmv"), base64.b64encode(np.arange(101, dtype="<u8").tobytes()).decode()),
    ("a histogram that does not add up", (*X, "hist", "counts"), [100, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ("edges that do not ascend", (*X, "hist", "edges"), [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0]),
    ("edges of another id", (*X, "hist", "id"), "0" * 64),
    ("a performance of no kind", ("performance",), {"kind": "ranking"}),
    ("an embedding without sums", ("embeddings",), {"e": {"dim": 2, "seed": 7, "sigma": 1.0, "n": 1}}),
    ("columns that are a list", ("columns",), []),
]


def changed(document: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    place = copied
    for name in path[:-1]:
        place = place[name]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


FILES = {
    "standard.json": lambda: of_privacy("standard"),
    "strict.json": lambda: of_privacy("strict"),
    "performance.json": performances,
    "broken.json": broken,
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        (FOLDER / name).write_text(
            json.dumps(make(), ensure_ascii=False, indent=None, sort_keys=True) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
