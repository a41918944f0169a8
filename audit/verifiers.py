"""Checks of things that the ledger vouches for and other rooms own, such as stored bytes; run by the hourly job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Checked:
    """How many things were looked at, and what was wrong, in sentences."""

    count: int
    findings: list[str] = field(default_factory=list)


Verifier = Callable[[], Checked]
_verifiers: dict[str, Verifier] = {}


def register(name: str, verifier: Verifier) -> None:
    """Have `verifier` run each hour; its result is kept as a verification of `name`, and on the ledger."""
    _verifiers[name] = verifier


def registered() -> Mapping[str, Verifier]:
    return dict(_verifiers)
