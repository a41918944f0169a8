"""Policy documents: one canonical text whatever they were written in, and every mistake told at once."""

import pytest

from core.errors import Malformed
from registry.errors import PolicyRefused
from registry.policies import canonical_text, digest, gate_specs, load, parse_toml, parse_yaml

TOML = b"""
description = "What production asks for"
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"
dataset = "holdout"
[[gate]]
id = "line"
kind = "lineage"
require = ["code", "data"]
[[gate]]
id = "four-eyes"
kind = "approval"
"""
YAML = b"""
gate:
  - {kind: metric, id: auc, expr: auc >= champion.auc - 0.002, dataset: holdout, champion_absent: pass}
  - {kind: lineage, id: line, require: [data, code], strength: content}
  - {kind: approval, id: four-eyes, count: 1, role: approver, allow_author: false}
description: What production asks for
"""


def mistakes(document):
    with pytest.raises(PolicyRefused) as caught:
        canonical_text(document)
    return {error["field"]: error["detail"] for error in caught.value.extra["errors"]}


def gate(**fields):
    return {"gate": [{"id": "g", "kind": "metric", "expr": "auc > 1"} | fields]}


def test_same_rules_in_any_language_have_one_digest():
    """Defaults are written out, order of keys does not matter, and a later default cannot change what was agreed."""
    assert digest(canonical_text(parse_toml(TOML))) == digest(canonical_text(parse_yaml(YAML)))


def test_canonical_text_is_its_own_canonical_text():
    text = canonical_text(parse_toml(TOML))

    assert canonical_text(load(text)) == text
    assert [(spec.id, spec.kind) for spec in gate_specs(text)] == [
        ("auc", "metric"),
        ("line", "lineage"),
        ("four-eyes", "approval"),
    ]


def test_all_mistakes_are_told_at_once():
    document = {
        "desc": "typo",
        "gate": [
            {"id": "Auc!", "kind": "metric", "expr": "auc >", "extra": 1},
            {"id": "b", "kind": "sausage", "expr": "auc > 1"},
            {"id": "c", "kind": "lineage", "require": ["tea"], "strength": "strong"},
            {"id": "d", "kind": "approval", "count": 0, "role": "viewer"},
            {"id": "d", "kind": "integrity"},
            {"kind": "metric"},
        ],
    }

    told = mistakes(document)

    assert set(told) == {
        "desc",
        "gate.0.id",
        "gate.0.expr",
        "gate.0.extra",
        "gate.1.kind",
        "gate.2.require",
        "gate.2.strength",
        "gate.3.count",
        "gate.3.role",
        "gate.4.id",
        "gate.5.id",
        "gate.5.expr",
    }
    assert "approval, card, integrity, lineage, metric, stage" in told["gate.1.kind"]
    assert "ends too early" in told["gate.0.expr"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], ""),
        ("gate", ""),
        ({}, "gate"),
        ({"gate": []}, "gate"),
        ({"gate": {"id": "x"}}, "gate"),
        ({"gate": ["x"]}, "gate"),
        ({"gate": [{"id": f"g{n}", "kind": "integrity"} for n in range(51)]}, "gate"),
        (gate(expr=5), "gate.0.expr"),
        (gate(expr="x" * 501), "gate.0.expr"),
        (gate(expr=""), "gate.0.expr"),
        (gate(dataset=["holdout"]), "gate.0.dataset"),
        (gate(champion_absent="maybe"), "gate.0.champion_absent"),
        ({"gate": [{"id": "a", "kind": "approval", "count": True}]}, "gate.0.count"),
        ({"gate": [{"id": "a", "kind": "approval", "count": 1.0}]}, "gate.0.count"),
        ({"gate": [{"id": "a", "kind": "approval", "allow_author": "no"}]}, "gate.0.allow_author"),
        ({"gate": [{"id": "a", "kind": "lineage", "require": []}]}, "gate.0.require"),
        ({"gate": [{"id": "a", "kind": ["metric"]}]}, "gate.0.kind"),
        ({"gate": [{"id": "a", "kind": "card"}]}, "gate.0.fields"),
        ({"gate": [{"id": "a", "kind": "card", "fields": []}]}, "gate.0.fields"),
        ({"gate": [{"id": "a", "kind": "card", "fields": [1]}]}, "gate.0.fields"),
        ({"gate": [{"id": "a", "kind": "stage"}]}, "gate.0.hours"),
        ({"gate": [{"id": "a", "kind": "stage", "hours": -1}]}, "gate.0.hours"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_where_it_is_wrong(document, field):
    assert field in mistakes(document)


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (parse_toml, b"gate = ["),
        (parse_toml, b"\xff"),
        (parse_toml, b"a = 1\na = 2"),
        (parse_yaml, b"gate: [1"),
        (parse_yaml, b"\xff\xfe\x00"),
        (parse_yaml, b"gate: &a [1]\nmore: *a"),
        (parse_yaml, b"gate: 1\ngate: 2"),
        (parse_yaml, b"!!python/object/apply:os.system ['true']"),
        (parse_yaml, b"a: " + b"[" * 5_000 + b"]" * 5_000),
        (parse_yaml, b"when: 2026-99-99"),
    ],
)
def test_broken_text_is_malformed_and_never_a_crash(parse, body):
    with pytest.raises(Malformed):
        parse(body)
