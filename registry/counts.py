"""What is counted when a promotion is decided."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from core import metrics
from registry.gates import Status, kinds

OTHER = "other"  # stands for names that are not ours
FAILED = frozenset({Status.FAIL, Status.ERROR, Status.MISSING})

gate_failures = metrics.counter(
    "lineal_gate_failures_total", "Gates that a promotion ended at, by kind of gate.", ["kind"]
)


def count_failed_gates(gates: Iterable[Mapping[str, Any]]) -> None:
    """Once the transaction at hand is committed: the gates of a promotion that did not pass."""
    known = set(kinds())
    failed = [gate["kind"] if gate["kind"] in known else OTHER for gate in gates if gate["status"] in FAILED]
    transaction.on_commit(lambda: _count(failed), robust=True)


def _count(failed: Iterable[str]) -> None:
    for kind in failed:
        gate_failures.labels(kind).inc()
