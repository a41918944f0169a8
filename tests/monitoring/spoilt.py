"""What can be wrong with a document, one fault at a time: a change of it, and the words of the refusal."""

from base64 import b64encode

import numpy as np

from tests.monitoring.building import build_kll


def b64(array: np.ndarray) -> str:
    return b64encode(array.tobytes()).decode()


SPOILT = {
    # place: (change of the document, words of the refusal)
    "schema": (lambda d: d.update(schema="lineal-profile/2"), "document.schema: expected"),
    "privacy": (lambda d: d.update(privacy="open"), r"document.privacy: expected .*standard\|strict"),
    "key": (lambda d: d.update(key="0" * 15), "document.key"),
    "no key": (lambda d: d.pop("key"), "missing required field `key`"),
    "unknown": (lambda d: d.update(extra=1), "unknown field `extra`"),
    "rows": (lambda d: d.update(rows=-1), "document.rows: expected `int` >= 0"),
    "rows text": (lambda d: d.update(rows="1000"), "expected `int`, got `str`"),
    "rows below n": (lambda d: d.update(rows=999), r'columns\["amount"\].n: expected at most the profile\'s 999 rows'),
    "columns": (lambda d: d.update(columns=[]), "document.columns: expected `object`"),
    "many columns": (lambda d: d.update(columns=dict.fromkeys(map(str, range(10_001)), 0)), "length <= 10000"),
    "long name": (lambda d: d["columns"].update({"a" * 501: 0}), "length <= 500"),
    "NUL in a name": (lambda d: d["columns"].update({"a\x00": 0}), "document.columns: expected"),
    "column": (lambda d: d["columns"].update(amount=1), r'columns\["amount"\]: expected `object`'),
    "many embeddings": (lambda d: d.update(embeddings=dict.fromkeys(map(str, range(101)), 0)), "length <= 100"),
}

COLUMN_SPOILT = {
    "unknown member": ("amount", lambda c: c.update(sum=1), "unknown field `sum`"),
    "type": ("amount", lambda c: c.update(type="f32"), "type: expected"),
    "family": ("amount", lambda c: c.update(family="text"), "family: expected number, the family of type f64"),
    "role": ("amount", lambda c: c.update(role="target"), r"role: expected .*feature\|prediction\|label"),
    "negative count": ("amount", lambda c: c.update(nulls=-1), "nulls: expected `int` >= 0"),
    "bool as count": ("amount", lambda c: c.update(nulls=True), "nulls: expected `int`, got `bool`"),
    "huge count": ("amount", lambda c: c.update(n=2**53 + 1), "n: expected `int` <= 9007199254740992"),
    "nulls above n": ("amount", lambda c: c.update(nulls=1_001), "no more than 1000 rows that are null"),
    "zeros above n": ("amount", lambda c: c.update(zeros=998), "zeros: expected no more zeros than finite"),
    "NaN in ints that have none": ("country", lambda c: c.update(nan=1), "nan: expected 0"),
    "infinite text": ("country", lambda c: c.update(pos_inf=1), "as these are not numbers"),
    "null type with values": ("nothing", lambda c: c.update(nulls=999), "nulls: expected all rows"),
    "NaN mean": ("amount", lambda c: c.update(mean=float("nan")), "mean: expected a number or"),
    "text for mean": ("amount", lambda c: c.update(mean="NaN"), "mean: expected"),
    "no mean": ("amount", lambda c: c.update(mean=None), "mean: expected a number"),
    "mean of texts": ("country", lambda c: c.update(mean=0.5), "mean: expected null"),
    "negative m2": ("amount", lambda c: c.update(m2=-1.0), "m2: expected a sum of squares"),
    "infinite end": ("amount", lambda c: c.update(max="Infinity"), "max: expected a finite number"),
    "ends crossed": ("amount", lambda c: c.update(min=10.0, max=9.0), "min: expected no more than max"),
    "values unsorted": (
        "children",
        lambda c: c["values"]["items"].reverse(),
        "values.items: expected the greatest count first",
    ),
    "value twice": (
        "children",
        lambda c: c["values"]["items"].append(c["values"]["items"][-1]),
        "items: expected different",
    ),
    "count of none": (
        "children",
        lambda c: c["values"]["items"].append([99.0, 0]),
        r"items\[5\]\[1\]: expected `int` >= 1",
    ),
    "total of values": (
        "children",
        lambda c: c["values"].update(other=1),
        "values: expected counts of the 1000 values",
    ),
    "error above other": ("children", lambda c: c["values"].update(error=1), "error: expected no more than other"),
    "text among numbers": (
        "children",
        lambda c: c["values"]["items"].insert(0, ["a", 9_999]),
        r"items\[0\]: expected a number",
    ),
    "number among texts": (
        "country",
        lambda c: c["values"]["items"].insert(0, [1.0, 9_999]),
        r"items\[0\]: expected a text",
    ),
    "long text": ("country", lambda c: c["values"]["items"].insert(0, ["a" * 257, 9_999]), "at most 256 characters"),
    "bool of two": ("is_new", lambda c: c["values"]["items"].append([2.0, 1]), r"items\[2\]: expected 0 or 1"),
    "many values": ("id", lambda c: c["values"]["items"].extend([["z", 1]]), "length <= 256"),
    "no hash": (
        "children",
        lambda c: c.update(hashes={"items": [["xyz", 1000]], "other": 0, "error": 0}),
        "16 hex digits",
    ),
    "kll no base64": ("amount", lambda c: c.update(kll="§"), "kll: expected base64"),
    "kll no sketch": ("amount", lambda c: c.update(kll="AAAA"), "kll: A sketch has at least 8 bytes"),
    "kll of others": (
        "amount",
        lambda c: c.update(kll=b64(np.frombuffer(build_kll(np.ones(9)).to_bytes(), "u1"))),
        "not of 9",
    ),
    "kll of other k": (
        "amount",
        lambda c: c.update(kll=b64(np.frombuffer(build_kll(np.ones(999), 200).to_bytes(), "u1"))),
        "k = 400",
    ),
    "no kll": ("amount", lambda c: c.update(kll=None), "kll: expected a sketch"),
    "kll of texts": ("country", lambda c: c.update(kll="AgEPAZABCAA="), "kll: expected a sketch of the 999"),
    "kmv unsorted": (
        "amount",
        lambda c: c.update(kmv=b64(np.array([2, 1], "<u8"))),
        "kmv: expected hashes in ascending order",
    ),
    "kmv twice": (
        "amount",
        lambda c: c.update(kmv=b64(np.array([2, 2], "<u8"))),
        "kmv: expected hashes in ascending order",
    ),
    "kmv too long": (
        "amount",
        lambda c: c.update(kmv=b64(np.arange(1_025, dtype="<u8"))),
        "kmv: expected at most 1024",
    ),
    "kmv odd": ("amount", lambda c: c.update(kmv="AAAA"), "kmv: expected 8 bytes for each"),
    "kmv above n": (
        "amount",
        lambda c: c.update(kmv=b64(np.arange(1_000, dtype="<u8"))),
        "kmv: expected hashes of at most 999",
    ),
    "kmv below values": (
        "children",
        lambda c: c.update(kmv=b64(np.arange(4, dtype="<u8"))),
        "kmv: expected at least the 5 values",
    ),
    "texts without hashes": ("country", lambda c: c.update(hashes=None), "hashes: expected counts of hashes"),
    "no values": ("amount", lambda c: c.update(values=None), "values: expected counts of values"),
    "values of nothing": ("nothing", lambda c: c.update(kmv=""), "kmv: expected null, as the type is null"),
    "no kmv": ("amount", lambda c: c.update(kmv=None), "kmv: expected at least"),
    "hist total": ("amount", lambda c: c["hist"]["counts"].append(1), "counts: expected counts of the 999"),
    "hist negative": ("amount", lambda c: c["hist"]["counts"].__setitem__(0, -1), r"counts\[0\]: expected `int` >= 0"),
    "hist kind": ("amount", lambda c: c["hist"].update(kind="bars"), r"kind: expected .*bins\|cells"),
    "hist id": ("amount", lambda c: c["hist"].update(id="f" * 64), "id: expected [0-9a-f]{64}, the id of its cells"),
    "edges unsorted": ("amount", lambda c: c["hist"]["edges"].reverse(), "edges: expected edges in ascending order"),
    "edges of cells": ("children", lambda c: c["hist"].update(edges=[]), "edges: expected nothing"),
    "many edges": ("amount", lambda c: c["hist"].update(edges=list(map(float, range(10)))), "length <= 9"),
    "NaN edge": ("amount", lambda c: c["hist"]["edges"].__setitem__(0, float("nan")), "edges: expected a number"),
    "cells twice": ("children", lambda c: c["hist"].update(hashes=["0" * 16] * 5), "hashes: expected different"),
    "cells and counts": ("children", lambda c: c["hist"].update(hashes=["0" * 16]), "counts: expected 2 counts"),
    "bins of texts": (
        "country",
        lambda c: c["hist"].update(kind="bins"),
        "kind: expected cells, as the family is text",
    ),
}

PERFORMANCE_SPOILT = {
    "kind": (lambda p: p.update(kind="ranking"), "performance.kind: expected classification or regression"),
    "no kind": (lambda p: p.pop("kind"), "performance.kind: expected"),
    "classes unsorted": (lambda p: p["classes"].reverse(), "classes: expected different texts, sorted"),
    "confusion": (lambda p: p["confusion"].pop(), "confusion: expected 2 rows of 2 counts"),
    "confusion total": (lambda p: p.update(labelled=999), "confusion: expected no more rows than are labelled"),
    "scored": (lambda p: p.update(scored=1_001), "scored: expected no more"),
    "log-loss": (lambda p: p.update(log_loss=-1.0), "log_loss: expected a finite sum"),
    "infinite log-loss": (lambda p: p.update(log_loss="Infinity"), "log_loss: expected a finite sum"),
    "scores of another class": (
        lambda p: p["scores"].update(x=p["scores"]["True"]),
        r'scores\["x"\]: expected one of the classes',
    ),
    "score bins": (lambda p: p["scores"]["True"].update(all="AAAA"), r'scores\["True"\].all: expected 8 bytes'),
    "score total": (lambda p: p.update(predicted=10), r'scores\["True"\].all: expected counts of at most 10 rows'),
    "huge scores": (
        lambda p: p["scores"]["True"].update(hit=b64(np.full(1000, 2**64 - 1, "<u8"))),
        "hit: expected counts of at most",
    ),
    "hits and misses": (
        lambda p: p["scores"]["True"].update(miss=p["scores"]["True"]["all"]),
        "hits and misses of at most 1000",
    ),
}

EMBEDDING_SPOILT = {
    "dim": (lambda e: e.update(dim=0), r'embeddings\["text"\].dim: expected `int` >= 1'),
    "sigma": (lambda e: e.update(sigma=0.0), "sigma: expected `float` > 0"),
    "NaN sigma": (lambda e: e.update(sigma=float("nan")), "sigma: expected"),
    "size": (lambda e: e.update(cos=b64(np.zeros(255))), "cos: expected 256 values, not 255"),
    "NaN": (lambda e: e.update(sin=b64(np.full(256, np.nan))), "sin: expected sums of 1000 values"),
    "too large": (lambda e: e.update(sin=b64(np.full(256, 1_001.0))), "sin: expected sums of 1000 values"),
}
