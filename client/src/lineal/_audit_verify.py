"""Checks an audit export offline: `verify_export` reads it once, in flat memory, and reports everything that is wrong.

An export (`lineal-audit-export/1`) is one canonical JSON object a line: sorted keys, no spaces, only the escapes that
JSON requires. Header; then in a full export every event in order, each checkpoint right after the event it ends with;
in a filtered one its single checkpoint, then the chosen events, each with its inclusion proof. Personal values follow
their event at once. The end line counts the events and may carry the SHA-256 of all bytes before it.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import msgspec

from lineal._audit_log import Anchor, FilteredLog, FullLog
from lineal._audit_notary import Notary
from lineal._audit_report import Findings, Report, encode_base64, printable, render
from lineal._keyring import named_keys
from lineal._proofs import (
    Checkpoint,
    InvalidProof,
    decode_base64,
)

__all__ = ["Report", "render", "verify_export"]

SCHEMA = "lineal-audit-export/1"
MAX_ROTATIONS = 1_000
MAX_LINE = 16 * 2**20  # bytes; an event has some hundred, a bound keeps memory flat on a file without newlines
_EVENT_END = b',"type":"event"}\n'
_SAVED_BODY = re.compile(rb'"body":"((?:[^"\\]|\\.)*)"')
_SAVED_SEQ = re.compile(rb'"seq":([0-9]{1,18})[,}]')
_SAVED_LEAF = re.compile(rb'"leaf_hash":"([A-Za-z0-9+/]{43}=)"')


class _EventLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Fields in the order of the alphabet, so that encoding again gives the canonical line."""

    body: str
    leaf_hash: str
    proof: list[str] | msgspec.UnsetType = msgspec.UNSET
    seq: int
    type: Literal["event"]


def verify_export(
    path: str | PathLike[str],
    vkey: str | Sequence[str] | None,
    anchors: Sequence[str | PathLike[str]] = (),
) -> Report:
    """Check the export at `path` against the log's verifier key, or several. Any one that the log ever had will do: the
    rotations in the export, signed by the old key and the new one, lead from it to the others.

    `anchors` are files that hold one signed checkpoint each and were kept where the log's keeper cannot write.
    The key inside the export is a claim of whoever wrote it and never used; without `vkey` the verdict is at best
    "not proven". Bad content of any kind becomes a finding. Reads once; memory does not grow with the file.

    Raises:
        OSError: a file cannot be read.
    """
    findings = Findings()
    notary = Notary([vkey] if isinstance(vkey, str) else list(vkey or ()), findings)
    with Path(path).open("rb") as file:
        lines = iter(partial(file.readline, MAX_LINE), b"")
        first = next(lines, b"")
        notary.learn(_rotations(_read_object(first)))  # which keys speak for the log has to be known before all else
        reader = _Reader(findings, notary, [anchor for each in anchors if (anchor := notary.open_anchor(each))])
        for line in chain([first] if first else [], lines):
            reader.take(line)
    return reader.finish()


def _rotations(header: dict[str, Any] | None) -> list[str]:
    """The notes that a header begins the file with; none where it is not in order, which is reported elsewhere."""
    notes = (header or {}).get("rotations", [])
    return notes if _are_notes(notes) else []


def _are_notes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MAX_ROTATIONS and all(isinstance(note, str) for note in value)


class _Reader:
    """Takes the lines one by one and knows which may come next."""

    def __init__(self, findings: Findings, notary: Notary, anchors: Sequence[Anchor]) -> None:
        self._findings = findings
        self._notary = notary
        self._anchors = anchors
        self._log = self._make_log(filtered=False)
        self._header: dict[str, Any] = {}
        self._unmet: set[str] = set()  # rotations of the header whose place was not reached yet
        self._last: tuple[int, str] | None = None  # seq and body of the event that personal values belong to
        self._private = self._checkpoints = 0
        self._ended = self._torn = False
        self._digest = sha256()
        self._decode = msgspec.json.Decoder(_EventLine).decode
        self._encode = msgspec.json.Encoder().encode
        self._takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "checkpoint": self._checkpoint,
            "private": self._private_value,
            "end": self._end,
        }

    def take(self, line: bytes) -> None:
        """One line with its newline, or a piece of MAX_LINE bytes of a longer one."""
        if self._torn:  # the rest of a line that was too long, already reported
            self._torn = not line.endswith(b"\n")
        else:
            self._torn = len(line) >= MAX_LINE and not line.endswith(b"\n")
            self._findings.line += 1
            self._take_next(line)
        self._digest.update(line)

    def _take_next(self, line: bytes) -> None:
        if self._ended:
            self._after_end()
        elif self._findings.line == 1:
            self._first(line)
        elif line.endswith(_EVENT_END):
            self._event(line)
        else:
            self._other(line)

    def _event(self, line: bytes) -> None:
        try:
            event = self._decode(line)
            same = self._encode(event) == line[:-1] or _is_canonical(line)
        except (msgspec.MsgspecError, UnicodeError):
            self._damaged_event(line)
            return
        if not same:
            message = "The line is not in canonical form: it was edited."
            self._findings.add("line", message, seq=event.seq, body=event.body)
        self._last = (event.seq, event.body)
        self._log.event(event.seq, event.body, event.leaf_hash, None if event.proof is msgspec.UNSET else event.proof)

    def _damaged_event(self, line: bytes) -> None:
        """Save what can be saved, so that one bad line does not make all later ones doubtful."""
        body, leaf, seq = (pattern.search(line) for pattern in (_SAVED_BODY, _SAVED_LEAF, _SAVED_SEQ))
        self._last = None
        self._log.damaged_event(
            int(seq[1]) if seq else None, _unescape(body[1]) if body else None, leaf[1].decode() if leaf else None
        )

    def _other(self, line: bytes) -> None:
        """Any line that does not look like an event in good order."""
        value = _read_object(line)
        kind = str(value.get("type")) if value is not None else ""
        if kind == "event" or (kind not in self._takers and _is_like_event(line)):
            self._event(line)
        elif value is None or kind not in self._takers:
            self._findings.add("line", "This is no line of an audit export: it was damaged or does not belong here.")
        else:
            if not _is_canonical(line):
                self._findings.add("line", "The line is not in canonical form: it was edited or cut.")
            self._takers[kind](value)

    def _first(self, line: bytes) -> None:
        header = _read_object(line)
        if header is None or header.get("type") != "header":
            self._findings.add("header", "The file does not begin with the header of an audit export.")
            self._log = self._make_log(filtered=b'"filtered":true' in line)
            if _is_like_event(line):  # the header is gone, and its line is the next one's
                self._event(line)
            return
        self._header = header
        self._unmet = set(_rotations(header))
        self._check_header(header, line)
        self._log = self._make_log(filtered=header.get("filtered") is True)

    def _make_log(self, *, filtered: bool) -> FullLog | FilteredLog:
        return (FilteredLog if filtered else FullLog)(self._findings, self._anchors)

    def _check_header(self, header: dict[str, Any], line: bytes) -> None:
        wrong = [name for name, is_right in _HEADER_FIELDS.items() if not is_right(header.get(name))]
        if wrong:
            self._findings.add("header", f"The header is missing or wrong in: {', '.join(wrong)}.")
        if not _are_notes(header.get("rotations", [])):
            self._findings.add("header", "The rotations of the header are no list of notes.")
        if not _is_canonical(line):
            self._findings.add("line", "The header is not in canonical form: it was edited or cut.")
        claims = [vkey for vkey, key in self._notary.keys.items() if not key.is_cosigner]
        if claims and header.get("vkey") not in claims:
            self._findings.add(
                "header", "The header names another key than the one given, and no rotation leads to it."
            )

    def _checkpoint(self, value: dict[str, Any]) -> None:
        size, note = value.get("size"), value.get("note")
        if value.keys() != {"type", "size", "note"} or not _is_count(size) or not isinstance(note, str):
            self._findings.add("checkpoint", "A checkpoint line has a size and a note, and nothing else.")
            return
        self._checkpoints += 1
        checkpoint = self._notary.open(note, f"The checkpoint of size {size}")
        if checkpoint is None:
            return
        if checkpoint.size != size:
            self._findings.add("checkpoint", f"The line says size {size}, the signed note {checkpoint.size}.")
        self._check_rotation(note, checkpoint)
        self._log.checkpoint(checkpoint)

    def _check_rotation(self, note: str, checkpoint: Checkpoint) -> None:
        """A rotation stands in the header, which the keys were read from, and right after the event that speaks of it."""
        try:
            names = named_keys(checkpoint)
        except InvalidProof as error:
            self._findings.add("rotation", f"The checkpoint of size {checkpoint.size} is malformed: {error}")
            return
        if names is None:
            return
        if note not in self._unmet:
            self._findings.add("rotation", f"The rotation at size {checkpoint.size} is not among those of the header.")
        self._unmet.discard(note)
        event = _read(self._last[1]) if self._last else None
        if isinstance(self._log, FullLog) and _at_pointer(event, "/after/vkey") != names[1]:
            message = f"The checkpoint of size {checkpoint.size} hands the log to a key that the event before it does not name."
            self._findings.add("rotation", message)

    def _private_value(self, value: dict[str, Any]) -> None:
        seq, path, salt = value.get("seq"), value.get("path"), decode_base64(str(value.get("salt"))) or b""
        if value.keys() != _PRIVATE_FIELDS or not _is_count(seq) or not isinstance(path, str) or len(salt) != 16:
            message = "A private line has seq, path, value and a salt of 16 bytes, and nothing else."
            self._findings.add("private", message)
            return
        if self._last is None or seq != self._last[0]:
            self._findings.add("private", f"The personal value of event {seq} does not follow it.")
            return
        body = self._last[1]
        if not _opens(_at_pointer(_read(body), path), value["value"], salt):
            message = f"The value shown for {path} is not the one that was logged."
            self._findings.add("private", message, seq=seq, body=body)
            return
        self._private += 1

    def _end(self, value: dict[str, Any]) -> None:
        self._ended = True
        if not {"type", "events"} <= value.keys() <= {"type", "events", "sha256"}:
            self._findings.add("end", "The end line has the count of events, a digest, and nothing else.")
        elif not _is_count(value["events"]) or value["events"] != self._log.events:
            message = f"The end line counts {value['events']} events, the file has {self._log.events}."
            self._findings.add("end", message)
        if "sha256" in value and value["sha256"] != self._digest.hexdigest():
            self._findings.add("digest", "The file is not as it was written: its SHA-256 differs from the end line's.")

    def _after_end(self) -> None:
        if not self._findings.kinds["after-end"]:
            self._findings.add("after-end", "There is something after the end line.")

    def finish(self) -> Report:
        """Draw the conclusions that only the end of the file allows."""
        findings, log = self._findings, self._log
        if not self._ended:
            findings.add("cut", "The file has no end line: it was cut.")
        findings.line = 0  # what follows concerns the file as a whole
        size = self._header.get("size")
        log.finish(size if _is_count(size) else None)
        if self._unmet and isinstance(log, FullLog):
            findings.add("rotation", f"{len(self._unmet)} rotations of the header do not stand in the file.")
        origin = self._header.get("origin")
        if self._header and self._notary.origin is not None and origin != self._notary.origin:
            findings.add("origin", f"The header says {origin!r}, the checkpoints are of {self._notary.origin!r}.")
        return Report(
            ok=not findings.total,
            verdict=findings.verdict,
            events=log.events,
            private_values=self._private,
            filtered=isinstance(log, FilteredLog),
            origin=printable(self._notary.origin) if self._notary.origin else None,
            size=log.size,
            root=encode_base64(log.root) if log.root else "",
            checkpoints=self._checkpoints,
            last_checkpoint=log.last_good,
            anchored_to=log.anchored_to,
            keys=tuple(self._notary.keys),
            findings=findings.kept,
            findings_total=findings.total,
        )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


_PRIVATE_FIELDS = {"type", "seq", "path", "salt", "value"}
_HEADER_FIELDS: dict[str, Callable[[Any], bool]] = {
    "schema": lambda value: value == SCHEMA,
    "origin": lambda value: isinstance(value, str) and value != "",
    "vkey": lambda value: isinstance(value, str),
    "from": lambda value: type(value) is int and value == 0,
    "size": _is_count,
    "generated_at": lambda value: isinstance(value, str),
    "filtered": lambda value: isinstance(value, bool),
}


def _read(text: str) -> Any:
    """The JSON value of `text`, or None if it is none that a reader should spend time on."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_object(line: bytes) -> dict[str, Any] | None:
    if len(line) >= MAX_LINE:
        return None
    try:
        value = _read(line.decode())
    except UnicodeError:
        return None
    return value if isinstance(value, dict) else None


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _is_canonical(line: bytes) -> bool:
    """Is this exactly the line that its own content would be written as? Then no byte of it is idle."""
    try:
        return _canonical(json.loads(line.decode())) + b"\n" == line
    except (ValueError, RecursionError):
        return False


def _is_like_event(line: bytes) -> bool:
    """One end of the line is still that of an event, so most of it may be."""
    return line.endswith(_EVENT_END) or line.startswith(b'{"body":')


def _unescape(raw: bytes) -> str | None:
    """The text of a JSON string that stands in a damaged line."""
    text = _read(f'"{raw.decode(errors="replace")}"')
    return text if isinstance(text, str) else None


def _at_pointer(value: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901), or None."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,6}", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _opens(commitment: Any, value: Any, salt: bytes) -> bool:
    """Is `commitment` the salted hash of `value`?"""
    if not isinstance(commitment, dict) or commitment.keys() != {"$c"}:
        return False
    try:
        return bool(commitment["$c"] == encode_base64(sha256(salt + _canonical(value)).digest()))
    except (ValueError, RecursionError):
        return False
