"""The ledger's own arithmetic: the root of a million leaves, and an export of 200,000 events checked by somebody who has only its key.

The limit of the root is hashing as many nodes one by one; that of the check is reading the file and hashing each of its lines. What the
verifier says is compared with what was written: all is well, and after one flipped byte it is not.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from lineal._audit_verify import verify_export

from audit import merkle
from bench.table import Row
from tests.client.audit_verify.exports import KEEPER, write_long_export

LEAVES = 1_000_000
EVENTS = 200_000
ROUNDS = 3
TARGET = 100_000  # events a second

Result = TypeVar("Result")


def measure(folder: Path) -> Sequence[Row]:
    return [_root(), _export(folder / "export.jsonl")]


def _root() -> Row:
    leaves = [number.to_bytes(32, "big") for number in range(LEAVES)]
    ours, _ = _best(lambda: merkle.root(leaves))
    bare, _ = _best(lambda: [hashlib.sha256(b"\x01" + leaf + leaf).digest() for leaf in leaves])
    return Row(
        f"root of {LEAVES:,} leaves",
        "s",
        ours,
        bare,
        "hashing as many nodes",
        more_is_better=False,
        spread=f"best of {ROUNDS}",
    )


def _export(path: Path) -> Row:
    write_long_export(path, EVENTS)
    took_s, report = _best(lambda: verify_export(path, KEEPER.vkey))
    bare_s, _ = _best(lambda: _hash_lines(path))
    _require(report.ok, "an honest export was refused")
    whole = path.read_bytes()
    middle = whole.index(b'"body":"', len(whole) // 2) + 12
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    _require(not verify_export(path, KEEPER.vkey).ok, "a flipped byte went unseen")
    return Row(
        f"checking an export of {EVENTS:,} events", "events/s", EVENTS / took_s, EVENTS / bare_s, "reading and hashing its lines",
        spread=f"best of {ROUNDS}", detail=f"target {TARGET:,} events/s {'met' if EVENTS / took_s >= TARGET else 'MISSED'}",
    )  # fmt: skip


def _hash_lines(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            hashlib.sha256(line).digest()


def _best(work: Callable[[], Result]) -> tuple[float, Result]:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = work()
        took.append(time.perf_counter() - began)
    return min(took), result


def _require(held: bool, otherwise: str) -> None:
    if not held:
        raise RuntimeError(otherwise)
