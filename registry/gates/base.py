"""What a kind of gate is: a reader of its part of a policy, and a judge of one case. And the list of known kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from registry.gates.fields import Fields

if TYPE_CHECKING:
    from registry.models import Approval, Environment, ModelVersion

Spec = Mapping[str, Any]


class Status(StrEnum):
    """An error is never a pass. `waiting` alone may turn into a pass without anybody asking again."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    MISSING = "missing"
    ERROR = "error"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Case:
    """What gates judge: a version on its way to an environment, the version it would replace, and who signed so far.

    `approvals` are those that still stand, judged on this same evidence.
    """

    version: "ModelVersion"
    champion: "ModelVersion | None"
    environment: "Environment"
    approvals: "Sequence[Approval]" = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a gate saw. `observed` and `limit` are JSON; `evidence` names what was looked at, `detail` speaks to people."""

    status: Status
    observed: Any = None
    limit: Any = None
    evidence: Sequence[str] = field(default_factory=tuple)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """A kind of gate.

    `read` takes the gate's own fields of a policy document and gives them back complete, with defaults written out;
    it reports mistakes to the `Fields` it reads from. `judge` looks only at recorded evidence and changes nothing.
    """

    kind: str
    read: Callable[[Fields], Spec]
    judge: Callable[[Spec, Case], Finding]


_gates: dict[str, Gate] = {}


def register(gate: Gate) -> None:
    """Let policies use `gate.kind`. Called at app-ready."""
    _gates[gate.kind] = gate


def find_gate(kind: str) -> Gate | None:
    return _gates.get(kind)


def kinds() -> list[str]:
    return sorted(_gates)
