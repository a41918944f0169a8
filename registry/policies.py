"""Policy documents: from TOML, YAML or JSON to one canonical text, checked field by field. No database.

description = "What production asks for"
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"
"""

import re
import tomllib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import yaml

from audit import canonical
from core.errors import Malformed
from registry import gates
from registry.errors import PolicyRefused
from registry.gates.fields import Fields, Problem

MAX_GATES = 50  # a person has to read what a gate saw before signing
MAX_BYTES = 256 * 1024
GATE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GateSpec:
    """One gate of a policy: `spec` has the fields of its kind, complete."""

    id: str
    kind: str
    spec: Mapping[str, Any]


def canonical_text(document: Any) -> str:
    """The document with every default written out, as canonical JSON (RFC 8785 without floats).

    Raises:
        PolicyRefused: with every mistake in it, each with its field.
    """
    problems: list[Problem] = []
    if not isinstance(document, dict):
        raise PolicyRefused(
            "A policy is a table with a list of gates.", errors=[{"field": "", "detail": "Not a table."}]
        )
    top = Fields(document, "", problems)
    description = top.optional_text("description", longest=4_000)
    listed = _gates(document.get("gate"), problems)
    top.list_given("gate")
    top.finish()
    if problems:
        raise PolicyRefused("The policy has mistakes; nothing was changed.", errors=problems)
    whole = {"gate": listed} | ({"description": description} if description else {})
    return _encode(whole)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def load(text: str) -> dict[str, Any]:
    """The document of a stored revision."""
    document: dict[str, Any] = orjson.loads(text)
    return document


def gate_specs(text: str) -> list[GateSpec]:
    """The gates of a stored revision, in the order they are written."""
    specs = []
    for table in load(text)["gate"]:
        fields = {name: value for name, value in table.items() if name not in {"id", "kind"}}
        specs.append(GateSpec(id=table["id"], kind=table["kind"], spec=fields))
    return specs


def _gates(tables: Any, problems: list[Problem]) -> list[dict[str, Any]]:
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        problems.append({"field": "gate", "detail": "Expected a list of at least one gate, as in [[gate]]."})
        return []
    if len(tables) > MAX_GATES:
        problems.append({"field": "gate", "detail": f"A policy has at most {MAX_GATES} gates, this one {len(tables)}."})
    listed = [_gate(table, f"gate.{index}", problems) for index, table in enumerate(tables)]
    _refuse_repeated_ids(listed, problems)
    return listed


def _gate(table: Mapping[str, Any], path: str, problems: list[Problem]) -> dict[str, Any]:
    fields = Fields(table, path, problems)
    gate_id = fields.text("id", longest=64, check=_gate_id)
    kind = fields.choice("kind", gates.kinds())
    gate = gates.find_gate(kind)
    if gate is None or table.get("kind") != kind:
        return {"id": gate_id, "kind": kind}  # its fields cannot be judged, so they are not called unknown
    spec = gate.read(fields)
    fields.finish()
    return {"id": gate_id, "kind": kind, **spec}


def _gate_id(text: str) -> str:
    if not GATE_ID.fullmatch(text):
        raise ValueError("A gate's id is 1 to 64 of a-z, 0-9, '_' and '-', starting with a letter or digit.")
    return text


def _refuse_repeated_ids(listed: Sequence[Mapping[str, Any]], problems: list[Problem]) -> None:
    seen: set[str] = set()
    for index, gate in enumerate(listed):
        if gate["id"] and gate["id"] in seen:
            problems.append({"field": f"gate.{index}.id", "detail": f"Another gate is called '{gate['id']}' already."})
        seen.add(gate["id"])


def _encode(document: Mapping[str, Any]) -> str:
    try:
        return canonical.encode(document).decode()
    except (TypeError, ValueError) as exc:
        detail = str(exc)
        raise PolicyRefused(detail, errors=[{"field": "", "detail": detail}]) from exc


def parse_toml(body: bytes) -> Any:
    """Raises Malformed, naming line and column."""
    try:
        return tomllib.loads(body.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Malformed(f"The body is not TOML: {exc}") from exc


def parse_yaml(body: bytes) -> Any:
    """Plain YAML: no tags, no anchors, no repeated keys. Raises Malformed, naming line and column."""
    try:
        return yaml.load(body, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader, with less
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as exc:
        raise Malformed(f"The body is not YAML that a policy may use: {exc}") from exc


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, which can make a small text stand for a huge one, and without keys that hide another."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML's
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not accepted", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise yaml.MarkedYAMLError(problem=f"the key {repeated[0]!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)
