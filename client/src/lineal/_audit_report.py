"""The outcome of checking an audit export: findings, the verdict over them, and both as text for people and data for programs."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lineal._proofs import Checkpoint

MAX_FINDINGS = 1_000  # kept in memory and shown; a ruined file has one on every line, and the count says the rest

NO_KEY = "no-key"
ANCHOR_UNCHECKED = "anchor-unchecked"
_UNPROVEN = frozenset({NO_KEY, ANCHOR_UNCHECKED})  # nothing is wrong, but not everything asked for could be shown

Verdict = Literal["proven", "not proven", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. `line` counts from 1, `seq` from 0; what is not known is None. All text is safe to print."""

    kind: str
    message: str
    line: int | None = None
    seq: int | None = None
    event_id: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an export proves.

    `size` and `root` are of the whole log as the file gives it; `last_checkpoint` is the last one that holds for the
    events before it; `anchored_to` is the size of the largest anchor that agrees, None if none does.
    """

    ok: bool
    verdict: Verdict
    events: int
    private_values: int
    filtered: bool
    origin: str | None
    size: int
    root: str
    checkpoints: int
    last_checkpoint: Checkpoint | None
    anchored_to: int | None
    keys: tuple[str, ...]
    findings: list[Finding]
    findings_total: int

    def to_dict(self) -> dict[str, Any]:
        """For `--json`: the same fields, the checkpoint as origin, size and base64 root."""
        return asdict(self) | {"last_checkpoint": _checkpoint_dict(self.last_checkpoint), "keys": list(self.keys)}


def _checkpoint_dict(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {"origin": printable(checkpoint.origin), "size": checkpoint.size, "root": encode_base64(checkpoint.root)}


@dataclass(slots=True)
class Findings:
    """Collects what is wrong, at the line being read."""

    line: int = 0
    kept: list[Finding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, message: str, *, seq: int | None = None, body: str | None = None) -> None:
        """Note one at the current line; `body` is the event it sits in, if that can be read."""
        self.kinds[kind] += 1
        if len(self.kept) < MAX_FINDINGS:
            event_id, action = name_of_event(body)
            self.kept.append(Finding(kind, printable(message), self.line or None, seq, event_id, action))

    @property
    def total(self) -> int:
        return self.kinds.total()

    @property
    def verdict(self) -> Verdict:
        if not self.kinds:
            return "proven"
        return "not proven" if self.kinds.keys() <= _UNPROVEN else "failed"


def name_of_event(body: str | None) -> tuple[str | None, str | None]:
    """Id and action as the body has them, in printable form, or None for what cannot be read."""
    try:
        event = json.loads(body or "null")
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(event, dict):
        return None, None
    found = (event.get("id"), event.get("action"))
    event_id, action = (printable(value, 100) if isinstance(value, str) else None for value in found)
    return event_id, action


def printable(text: str, limit: int = 500) -> str:
    """`text` without what could move a terminal's cursor or hide a line: the file may be an attacker's."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:limit])
    return shown + "…" if len(text) > limit else shown


def encode_base64(raw: bytes) -> str:
    from base64 import b64encode

    return b64encode(raw).decode()


def render(report: Report) -> str:
    """Plain lines for a terminal or a ticket, the verdict first."""
    lines = [_headline(report), *_facts(report)]
    if report.findings:
        lines += ["", *(_finding_line(finding) for finding in report.findings)]
    if hidden := report.findings_total - len(report.findings):
        lines.append(f"... and {hidden:,} more findings")
    return "\n".join(lines) + "\n"


def _headline(report: Report) -> str:
    events = _count(report.events, "event")
    if report.verdict == "proven":
        what = "each is in the log, unchanged" if report.filtered else "unchanged, in order and complete"
        return f"PROVEN: {events}, {what}, up to the checkpoint of size {report.size:,}."
    findings = _count(report.findings_total, "finding")
    return f"{report.verdict.upper()}: {findings} in {events}."


def _facts(report: Report) -> list[str]:
    last = report.last_checkpoint
    facts = [
        ("Log", report.origin or "unknown"),
        ("Size", f"{report.size:,}"),
        ("Root", report.root or "unknown"),
        ("Key", ", ".join(report.keys) or "none given"),
        ("Holds to", f"checkpoint of size {last.size:,}" if last else "no checkpoint"),
        ("Anchored", _anchored(report)),
    ]
    if report.private_values:
        facts.append(("Personal", f"{_count(report.private_values, 'value')} shown and checked"))
    if report.filtered:
        facts.append(("Filtered", "the events shown are proven; that none was left out is not"))
    return [f"  {name + ':':<10} {value}" for name, value in facts]


def _anchored(report: Report) -> str:
    if report.anchored_to is not None:
        return f"up to size {report.anchored_to:,}, by a checkpoint kept elsewhere"
    return "no; a rewrite with the log's own key, or a cut tail, would not show"


def _finding_line(finding: Finding) -> str:
    where = [
        f"line {finding.line}" if finding.line else "",
        f"event {finding.seq}" if finding.seq is not None else "",
        finding.action or "",
        finding.event_id or "",
    ]
    place = ", ".join(part for part in where if part)
    return f"{place}: {finding.message}" if place else finding.message


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
