"""A COLUMN of the document: written, and read with its parts checked against each other."""

import math
from base64 import b64encode
from typing import Any

import numpy as np

from lineal._profiles import kll_bytes, kmv
from lineal._profiles.columns import COUNTS, FAMILIES, ROLES, SKETCHED, ColumnProfile
from lineal._profiles.counts import KEPT, Counts
from lineal._profiles.hashing import Hashes, hex_of
from lineal._profiles.histograms import read_histogram
from lineal._profiles.kll import Kll
from lineal._profiles.members import Member, unique, written
from lineal._profiles.text_counts import LONGEST_TEXT

MOMENTS = ("mean", "m2", "min", "max")
PARTS = ("values", "hashes", "kll", "kmv", "hist")
LARGEST_SKETCH = 1 << 20


def to_json(column: ColumnProfile) -> dict[str, Any]:
    return {
        "type": column.type,
        "family": column.family,
        "role": column.role,
        **{name: getattr(column, name) for name in COUNTS},
        **{name: written(getattr(column, name)) for name in MOMENTS},
        "values": _counts_json(column.values),
        "hashes": _counts_json(column.hashes, hashed=True),
        "kll": b64encode(kll_bytes.to_bytes(column.kll)).decode() if column.kll is not None else None,
        "kmv": b64encode(column.kmv.astype("<u8").tobytes()).decode() if column.kmv is not None else None,
        "hist": column.hist.to_json() if column.hist is not None else None,
    }


def _counts_json(counts: Counts | None, *, hashed: bool = False) -> dict[str, Any] | None:
    if counts is None:
        return None
    items = [[_key_json(key, hashed=hashed), count] for key, count in counts.items]
    return {"items": items, "other": counts.other, "error": counts.error}


def _key_json(key: Any, *, hashed: bool) -> Any:
    if hashed:
        return hex_of(key)
    return key if isinstance(key, str) else written(key)


def from_json(member: Member, *, strict: bool) -> ColumnProfile:
    """Read a COLUMN of a profile that is strict or not.

    Raises:
        InvalidProfile: naming the member that is wrong.
    """
    found = member.members("type", "family", "role", *COUNTS, *MOMENTS, *PARTS)
    kind = found["type"].one_of(*FAMILIES)
    if found["family"].value != FAMILIES[kind]:
        raise found["family"].wrong(f"{kind} is of the family {FAMILIES[kind]}")
    moments: dict[str, Any] = {name: None if found[name].is_null else found[name].number() for name in MOMENTS}
    column = ColumnProfile(
        type=kind,
        role=found["role"].one_of(*ROLES),
        **{name: found[name].count() for name in COUNTS},
        **moments,
        values=_read_counts(found["values"], text=FAMILIES[kind] == "text"),
        hashes=_read_hashes(found["hashes"]),
        kll=_read_kll(found["kll"]),
        kmv=_read_kmv(found["kmv"]),
        hist=None if found["hist"].is_null else read_histogram(found["hist"]),
    )
    _check_counts(column, member)
    _check_moments(column, found, strict=strict)
    _check_parts(column, found, strict=strict)
    return column


def _read_counts(member: Member, *, text: bool) -> Counts | None:
    if member.is_null:
        return None
    keys, counts, other, error = _items(member)
    if text:
        read = [key.text() for key in keys]
        for key, value in zip(keys, read, strict=True):
            if len(value) > LONGEST_TEXT:
                raise key.wrong(f"longer than {LONGEST_TEXT} characters")
        unique(keys, iter(read))
        return Counts.of(np.array(read, object), counts, other, error)
    numbers = [key.number() for key in keys]
    unique(keys, iter(numbers))
    return Counts.of(np.array(numbers, np.float64), counts, other, error)


def _read_hashes(member: Member) -> Counts | None:
    if member.is_null:
        return None
    keys, counts, other, error = _items(member)
    hashes = [int(key.hex(16), 16) for key in keys]
    unique(keys, iter(hashes))
    return Counts.of(np.array(hashes, np.uint64), counts, other, error)


def _items(member: Member) -> tuple[list[Member], Any, int, int]:
    found = member.members("items", "other", "error")
    pairs = [item.pair() for item in found["items"].items(most=KEPT)]
    counts = [count.count() for _, count in pairs]
    if 0 in counts:
        raise found["items"].wrong("an item with a count of 0")
    return [key for key, _ in pairs], np.array(counts, np.int64), found["other"].count(), found["error"].count()


def _read_kll(member: Member) -> Kll | None:
    if member.is_null:
        return None
    try:
        return kll_bytes.from_bytes(member.binary(most=LARGEST_SKETCH))
    except kll_bytes.NoSketch as error:
        raise member.wrong(str(error)) from error


def _read_kmv(member: Member) -> Hashes | None:
    if member.is_null:
        return None
    data = member.binary(most=8 * kmv.SIZE)
    if len(data) % 8:
        raise member.wrong(f"{len(data)} bytes are no hashes of 8 bytes each")
    hashes = np.frombuffer(data, "<u8").astype(np.uint64)
    if (hashes[1:] <= hashes[:-1]).any():
        raise member.wrong("not ascending")
    return hashes


def _check_counts(column: ColumnProfile, member: Member) -> None:
    if column.present < 0 or column.finite < 0:
        raise member.wrong(f"of {column.n} rows more are missing or infinite than there are")
    if column.zeros > column.finite:
        raise member.wrong(f"{column.zeros} zeros among {column.finite} finite values")


def _check_moments(column: ColumnProfile, found: dict[str, Member], *, strict: bool) -> None:
    expected = column.family in SKETCHED and column.finite > 0
    for name in MOMENTS:
        here = expected and not (strict and name in ("min", "max"))
        if found[name].is_null is here:
            raise found[name].wrong("missing" if here else "not expected here")
    if column.mean is not None and not math.isfinite(column.mean):
        raise found["mean"].wrong("not finite")
    if column.m2 is not None and column.m2 < 0:
        raise found["m2"].wrong("below 0")
    if column.min is not None and column.max is not None and not column.min <= column.max:
        raise found["min"].wrong(f"{column.min} is above max {column.max}")


def _check_parts(column: ColumnProfile, found: dict[str, Member], *, strict: bool) -> None:
    numeric, text = column.family in SKETCHED, column.family == "text"
    expected = {
        "values": (numeric or column.type == "utf8") and not strict,
        "hashes": text or (numeric and strict),
        "kll": numeric and not strict,
        "kmv": numeric or text,
    }
    for name, here in expected.items():
        lacks = found[name].is_null
        if lacks is here and not (lacks and name == "values" and text):  # texts that are no UTF-8 have no values
            raise found[name].wrong("missing" if here else "not expected here")
    totals = {
        "values": column.values.total if column.values is not None else None,
        "hashes": column.hashes.total if column.hashes is not None else None,
        "kll": column.kll.n if column.kll is not None else None,
        "hist": int(column.hist.counts.sum()) if column.hist is not None else None,
    }
    for name, total in totals.items():
        if total not in (None, column.present):
            raise found[name].wrong(f"counts {total} values where the column has {column.present}")
    if column.kmv is not None and len(column.kmv) > column.present:
        raise found["kmv"].wrong(f"{len(column.kmv)} distinct values where the column has {column.present}")
