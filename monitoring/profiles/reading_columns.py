"""Reading one column of a profile: each part by itself, and all of them against the counts."""

import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from monitoring.profiles.document import ColumnDocument, CountsDocument, HistogramDocument, real, shaped, unpacked
from monitoring.profiles.errors import InvalidProfile, InvalidSketch, require
from monitoring.profiles.hashing import Hashes, cells_id, edges_id
from monitoring.profiles.kll import Kll
from monitoring.profiles.parts import (
    FAMILY_OF,
    KLL_K,
    KMV_SIZE,
    LONGEST_VALUE,
    ORDERED,
    ColumnProfile,
    Family,
    Histogram,
    Privacy,
    Role,
    Value,
    ValueCounts,
)

_HASH = re.compile(r"[0-9a-f]{16}")
_SPELLED = {"Infinity": np.inf, "-Infinity": -np.inf}
_VALUED = ORDERED | {"text"}  # families that values are counted of


def is_hash(text: Any) -> bool:
    """Is it a hash as JSON spells it: 16 hex digits?"""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def read_column(document: Any, place: str, privacy: Privacy) -> ColumnProfile:
    """The column that `document` describes.

    Raises:
        InvalidProfile: at `place` or below it.
    """
    found = shaped(document, ColumnDocument, place)
    family = FAMILY_OF[found.type]
    require(found.family == family, f"{place}.family", f"{family}, the family of type {found.type}")
    _check_counts(found, family, place)
    present = found.n - found.nulls - found.nan
    is_open = privacy == "standard"
    column = ColumnProfile(
        type=found.type,
        family=family,
        role=cast("Role", found.role),
        n=found.n,
        nulls=found.nulls,
        nan=found.nan,
        pos_inf=found.pos_inf,
        neg_inf=found.neg_inf,
        zeros=found.zeros,
        mean=real(found.mean, f"{place}.mean"),
        m2=real(found.m2, f"{place}.m2"),
        min=real(found.min, f"{place}.min"),
        max=real(found.max, f"{place}.max"),
        values=_values(found.values, family, present, f"{place}.values"),
        hashes=_hashes(found.hashes, present, f"{place}.hashes"),
        kll=_kll(found.kll, present, f"{place}.kll"),
        kmv=_kmv(found.kmv, present, f"{place}.kmv"),
        hist=_histogram(found.hist, family, present, f"{place}.hist"),
    )
    _check_moments(column, place, is_open=is_open)
    _check_parts(column, place, is_open=is_open)
    return column


def _check_counts(found: ColumnDocument, family: Family, place: str) -> None:
    missing = found.nulls + found.nan
    infinite = found.pos_inf + found.neg_inf
    require(missing + infinite <= found.n, place, f"no more than {found.n} rows that are null, NaN or infinite")
    require(found.zeros <= found.n - missing - infinite, f"{place}.zeros", "no more zeros than finite values")
    require(not found.nan or family in ("number", "other"), f"{place}.nan", "0, as only numbers can be NaN")
    if family not in ("number", "bool"):
        require(not infinite and not found.zeros, place, "no zeros or infinities, as these are not numbers")
    if family == "null":
        require(found.nulls == found.n, f"{place}.nulls", "all rows, as the type is null")


def _check_moments(column: ColumnProfile, place: str, *, is_open: bool) -> None:
    """Moments are there when there is a finite value to have them; the ends stay at home in strict mode."""
    there = column.family in ORDERED and column.finite > 0
    state = "a number" if there else "null"
    require((column.mean is not None) is there, f"{place}.mean", state)
    require((column.m2 is not None) is there, f"{place}.m2", state)
    require(column.m2 is None or column.m2 >= 0, f"{place}.m2", "a sum of squares")
    there = there and is_open
    state = "a finite number" if there else "null"
    for name, end in (("min", column.min), ("max", column.max)):
        require((end is not None) is there and (end is None or bool(np.isfinite(end))), f"{place}.{name}", state)
    if column.min is not None and column.max is not None:
        require(column.min <= column.max, f"{place}.min", "no more than max")


def _check_parts(column: ColumnProfile, place: str, *, is_open: bool) -> None:
    """Which parts a column has follows from its family and the privacy."""
    if column.family not in _VALUED:
        for name in ("values", "hashes", "kll", "kmv"):
            require(getattr(column, name) is None, f"{place}.{name}", f"null, as the type is {column.type}")
        require(column.hist is None or column.family == "null", f"{place}.hist", f"null, as the type is {column.type}")
        return
    if not is_open:
        require(column.values is None, f"{place}.values", "null, as the profile is strict")
        require(column.kll is None, f"{place}.kll", "null, as the profile is strict")
    is_ordered = column.family in ORDERED
    has_values = column.present > 0
    require(column.kll is None or is_ordered, f"{place}.kll", f"null, as the family is {column.family}")
    if is_ordered and is_open:
        require(column.kll is not None or not has_values, f"{place}.kll", "a sketch")
        require(column.values is not None or not has_values, f"{place}.values", "counts of values")
    else:
        require(column.hashes is not None or not has_values, f"{place}.hashes", "counts of hashes")
    listed = len(column.counted.items) if column.counted else 0
    known = len(column.kmv) if column.kmv is not None else 0
    least = max(listed, int(has_values))
    require(known >= least, f"{place}.kmv", f"at least the {least} values that are counted")


def _values(found: CountsDocument | None, family: Family, present: int, place: str) -> ValueCounts | None:
    if found is None:
        return None
    items = [(_value(value, family, f"{place}.items[{i}]"), count) for i, (value, count) in enumerate(found.items)]
    return _counts(items, found, present, place)


def _value(value: Value, family: Family, place: str) -> Value:
    if family == "text":
        require(
            isinstance(value, str) and len(value) <= LONGEST_VALUE,
            place,
            f"a text of at most {LONGEST_VALUE} characters",
        )
        return value
    value = _SPELLED.get(value, value) if isinstance(value, str) else value
    require(
        isinstance(value, float) and not np.isnan(value), place, 'a number or "Infinity", as the values are numbers'
    )
    require(family != "bool" or value in (0.0, 1.0), place, "0 or 1")
    return value


def _hashes(found: CountsDocument | None, present: int, place: str) -> ValueCounts | None:
    if found is None:
        return None
    for i, (value, _) in enumerate(found.items):
        require(is_hash(value), f"{place}.items[{i}]", "a hash of 16 hex digits")
    return _counts(found.items, found, present, place)


def _counts(items: Sequence[tuple[Value, int]], found: CountsDocument, present: int, place: str) -> ValueCounts:
    require(len({value for value, _ in items}) == len(items), f"{place}.items", "different values")
    require(list(items) == by_count(items), f"{place}.items", "the greatest count first, equal ones by value")
    total = sum(count for _, count in items) + found.other
    require(total == present, place, f"counts of the {present} values that are not missing, not of {total}")
    require(found.error <= found.other, f"{place}.error", "no more than other")
    return ValueCounts(tuple(items), found.other, found.error)


def by_count(items: Sequence[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """The order of value counts: greatest count first, then by value."""
    return sorted(items, key=lambda item: (-item[1], item[0]))


def _kll(text: str | None, present: int, place: str) -> Kll | None:
    if text is None:
        return None
    raw = unpacked(text, "u1", place).tobytes()
    try:
        sketch = Kll.from_bytes(raw)
    except InvalidSketch as exc:
        raise InvalidProfile(place, str(exc).removesuffix(".")) from exc
    require(sketch.k == KLL_K, place, f"a sketch of k = {KLL_K}, not {sketch.k}")
    require(sketch.n == present, place, f"a sketch of the {present} values that are not missing, not of {sketch.n}")
    return sketch


def _kmv(text: str | None, present: int, place: str) -> Hashes | None:
    if text is None:
        return None
    hashes = unpacked(text, "<u8", place, at_most=KMV_SIZE).astype(np.uint64)
    require(bool((hashes[1:] > hashes[:-1]).all()), place, "hashes in ascending order, each once")
    require(len(hashes) <= present, place, f"hashes of at most {present} values")
    return hashes


def _histogram(found: HistogramDocument | None, family: Family, present: int, place: str) -> Histogram | None:
    if found is None:
        return None
    require(family in ORDERED or found.kind == "cells", f"{place}.kind", f"cells, as the family is {family}")
    require(sum(found.counts) == present, f"{place}.counts", f"counts of the {present} values that are not missing")
    edges = hashes = None
    if isinstance(found.edges, list):
        require(found.kind == "bins", f"{place}.edges", "nothing, as the kind is cells")
        edges = np.array([real(edge, f"{place}.edges") for edge in found.edges], np.float64)
        require(bool((edges[1:] > edges[:-1]).all()), f"{place}.edges", "edges in ascending order")
    if isinstance(found.hashes, list):
        require(found.kind == "cells", f"{place}.hashes", "nothing, as the kind is bins")
        hashes = np.array([int(each, 16) for each in found.hashes], np.uint64)
        require(len(np.unique(hashes)) == len(hashes), f"{place}.hashes", "different hashes")
    _check_cells(found, edges, hashes, place)
    return Histogram(
        "bins" if found.kind == "bins" else "cells", found.id, np.array(found.counts, np.int64), edges, hashes
    )


def _check_cells(found: HistogramDocument, edges: Any, hashes: Any, place: str) -> None:
    """Pinned cells have one count more than edges or categories, and the id is theirs."""
    if edges is None and hashes is None:
        return
    pinned = edges if edges is not None else hashes
    require(len(found.counts) == len(pinned) + 1, f"{place}.counts", f"{len(pinned) + 1} counts")
    name = edges_id(edges) if edges is not None else cells_id(hashes)
    require(found.id == name, f"{place}.id", f"{name}, the id of its cells")
