"""The kinds of gate that a policy may set, one module each. Rooms above register theirs with `registry.gates.register`."""

from registry.gates.base import Case, Finding, Gate, Status, find_gate, kinds, register

__all__ = ["Case", "Finding", "Gate", "Status", "find_gate", "kinds", "register"]
