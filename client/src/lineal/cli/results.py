"""A promotion result in the forms that CI and people read: words, JUnit XML and a Markdown summary."""

import re
import xml.etree.ElementTree as ET  # only builds XML here, parses none
from collections.abc import Mapping
from typing import Any

from lineal.cli.exits import ExitCode
from lineal.cli.text import clean, short_digest, shown_value

Result = Mapping[str, Any]

DECISION_CODES = {
    "promoted": ExitCode.OK,
    "already": ExitCode.OK,
    "waiting": ExitCode.WAITING,
    "gate_failed": ExitCode.GATE_FAILED,
    "evidence_missing": ExitCode.EVIDENCE_MISSING,
    "refused": ExitCode.REFUSED,
    "expired": ExitCode.REFUSED,
    "cancelled": ExitCode.REFUSED,
    "holder_differs": ExitCode.HOLDER_DIFFERS,
    "frozen": ExitCode.FROZEN,
    "not_allowed": ExitCode.NOT_ALLOWED,
    "not_identified": ExitCode.NOT_IDENTIFIED,
    "unreachable": ExitCode.UNREACHABLE,
    "unknown": ExitCode.UNKNOWN,
}

_SENTENCES = {
    "promoted": "promoted",
    "already": "already there, nothing to do",
    "waiting": "waiting for approval",
    "gate_failed": "not promoted: a gate failed",
    "evidence_missing": "not promoted: evidence is missing",
    "refused": "not promoted: the approval was refused",
    "expired": "not promoted: the request expired",
    "cancelled": "not promoted: the request was cancelled",
    "holder_differs": "not promoted: the environment is held by another version than expected",
    "frozen": "not promoted: frozen, held or quarantined",
    "not_allowed": "not promoted: not allowed",
    "not_identified": "not promoted: identity not accepted",
    "unreachable": "not promoted: server unreachable, nothing changed",
    "unknown": "outcome unknown: run again with the same key",
}
_PLANNED = {
    "promoted": "would be promoted now",
    "waiting": "would wait for approval",
}
_MARKS = {"pass": "✓", "fail": "✗", "missing": "?", "error": "!", "waiting": "…"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def exit_code(result: Result) -> ExitCode:
    """The shell's code for a result. An answer this client does not know is never a success."""
    decision = DECISION_CODES.get(str(result.get("decision")))
    try:
        stated = ExitCode(result["exit_code"])
    except (KeyError, ValueError):
        return decision if decision is not None else ExitCode.UNKNOWN
    if stated is ExitCode.OK and decision is not ExitCode.OK:
        return decision if decision is not None else ExitCode.UNKNOWN
    return stated


def sentence(result: Result) -> str:
    """`fraud v42 sha256:9f2c… → production: promoted`."""
    decision = str(result.get("decision"))
    words = _SENTENCES.get(decision, decision)
    if result.get("kind") == "rollback":
        words = words.replace("promoted", "rolled back")
    if result.get("dry_run"):
        words = _PLANNED.get(decision, words.replace("not promoted", "would not be promoted"))
    return f"{subject(result)} → {result.get('environment')}: {words}"


def subject(result: Result) -> str:
    number = result.get("version")
    parts = [str(result.get("model")), f"v{number}" if number is not None else "", short_digest(result.get("digest"))]
    return " ".join(part for part in parts if part and part != "-")


def words(result: Result) -> list[str]:
    """The result for people: the sentence, one line per gate, and what to do next."""
    lines = [sentence(result), *(_gate_line(gate) for gate in gates(result))]
    lines += [_approval_line(approval) for approval in result.get("approvals") or []]
    lines += [f"  {detail}" for detail in _details(result)]
    return [clean(line) for line in lines]


def gates(result: Result) -> list[dict[str, Any]]:
    return list(result.get("gates") or [])


def observation(gate: Mapping[str, Any]) -> str:
    """`observed 0.914, limit 0.929`, as far as the gate says so."""
    known = [(name, gate.get(name)) for name in ("observed", "limit")]
    return ", ".join(f"{name} {shown_value(value)}" for name, value in known if value is not None)


def _gate_line(gate: Mapping[str, Any]) -> str:
    status = str(gate.get("status"))
    about = [str(gate["expr"]) if gate.get("expr") else "", observation(gate), str(gate.get("detail") or "")]
    told = "; ".join(part for part in about if part)
    return f"  {_MARKS.get(status, '!')} {gate.get('id')} ({gate.get('kind')}): {status}{f'; {told}' if told else ''}"


def _approval_line(approval: Mapping[str, Any]) -> str:
    verb = "refused" if approval.get("meaning") == "refuse" else "approved"
    reason = approval.get("reason")
    return f"  {verb} by {approval.get('by')}{f': {reason}' if reason else ''}"


def _details(result: Result) -> list[str]:
    told_by_gates = any(gate.get("status") != "pass" for gate in gates(result))
    details = [str(result["detail"])] if result.get("detail") and not told_by_gates else []
    if result.get("decision") == "waiting" and result.get("id"):
        details.append(f"approve with: lineal approve {result['id']} --reason '…'")
    rollback = result.get("rollback") or {}
    if result.get("decision") == "promoted" and not result.get("dry_run") and rollback.get("command"):
        details.append(f"undo with: {rollback['command']}")
    return details


def junit(result: Result) -> str:
    """JUnit XML with one test case per gate, and one for the decision itself."""
    decided = exit_code(result)
    suite_name = f"lineal promote {result.get('model')} to {result.get('environment')}"
    suite = ET.Element("testsuite", name=_xml(suite_name))
    for gate in gates(result):
        _add_gate_case(suite, gate)
    _add_decision_case(suite, result, decided)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _add_gate_case(suite: ET.Element, gate: Mapping[str, Any]) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_xml(f"lineal.gates.{gate.get('kind')}"), name=_xml(str(gate.get("id")))
    )
    status = gate.get("status")
    if status == "pass":
        return
    message = _xml(_gate_line(gate).strip())
    if status == "waiting":
        ET.SubElement(case, "skipped", message=message)
    elif status in {"fail", "missing"}:
        ET.SubElement(case, "failure", type=str(status), message=message)
    else:
        ET.SubElement(case, "error", type=_xml(str(status)), message=message)


def _add_decision_case(suite: ET.Element, result: Result, decided: ExitCode) -> None:
    case = ET.SubElement(suite, "testcase", classname="lineal.promotion", name="decision")
    message = _xml(sentence(result))
    if decided is ExitCode.WAITING:
        ET.SubElement(case, "skipped", message=message)
    elif decided >= ExitCode.NOT_ALLOWED:
        ET.SubElement(case, "error", type=_xml(str(result.get("decision"))), message=message)
    elif decided is not ExitCode.OK:
        ET.SubElement(case, "failure", type=_xml(str(result.get("decision"))), message=message)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def markdown(result: Result) -> str:
    """The job summary: the decision, a table of gates, approvals and where to look."""
    lines = [f"### {_cell(sentence(result))}", ""]
    if gates(result):
        lines += ["| gate | kind | status | observed | limit |", "| --- | --- | --- | --- | --- |"]
        lines += [_gate_row(gate) for gate in gates(result)]
        lines.append("")
    lines += [f"- {_cell(_approval_line(approval).strip())}" for approval in result.get("approvals") or []]
    lines += [f"- {_cell(detail)}" for detail in _details(result)]
    lines.append(f"- digest `{_code(result.get('digest'))}`, key `{_code(result.get('idempotency_key'))}`")
    return "\n".join(lines) + "\n"


def _gate_row(gate: Mapping[str, Any]) -> str:
    values = (gate.get("id"), gate.get("kind"), gate.get("status"), gate.get("observed"), gate.get("limit"))
    return "| " + " | ".join(_cell(shown_value(value)) for value in values) + " |"


def _cell(text: str) -> str:
    # Names come from other people: in the summary they stay text and make no links, images or tags.
    return re.sub(r"([\\`*_{}\[\]<>|!~#])", r"\\\1", clean(text))


def _code(value: object) -> str:
    return clean("-" if value is None else value).replace("`", "'")
