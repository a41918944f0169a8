"""The document that any tool or script can write: docs/evidence.md has it as a JSON Schema.

{"name": "bias audit", "verdict": "fail", "tool": "aequitas", "version": "1.0.0",
 "summary": {"checked": 12, "failures": [{"check": "equal opportunity", "columns": ["age"], "detail": "ratio 0.71"}]},
 "url": "https://reports.example.org/17", "observed_at": "2026-11-21T03:14:00Z", "digest": "sha256:9f2c…"}

`version` is the tool's; `digest` names the model version it is about.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from monitoring.intake.place import Place, UnreadableVerdict
from monitoring.intake.verdict import ERROR, FAIL, PASS, Failure, Verdict, summarise

KIND = "generic"
WORDS = (PASS, FAIL, ERROR)
KEYS = ("name", "verdict", "tool", "version", "summary", "url", "observed_at", "digest")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
SUMMARY_KEYS = ("checked", "failures", "notes")
FAILURE_KEYS = ("check", "columns", "detail")


def looks_like(whole: Place) -> bool:
    return whole.has("verdict", str)


def read(whole: Place) -> Verdict:
    _refuse_unknown(whole, KEYS)
    word = whole["verdict"].text()
    if word not in WORDS:
        raise UnreadableVerdict("verdict", f"Expected one of {', '.join(WORDS)}, found {word[:40]!r}.")
    summary, version = whole.find("summary"), whole.find("version")
    observed_at = whole.find("observed_at")
    moment = observed_at.moment() if observed_at is not None else None
    if observed_at is not None and moment is None:
        raise UnreadableVerdict("observed_at", "A time has to say its zone, as in 2026-11-21T03:14:00Z.")
    return Verdict(
        name=_filled(whole["name"]),
        kind=KIND,
        verdict=word,
        tool=_filled(whole["tool"], longest=64),
        tool_version=version.text(64) if version is not None else "",
        summary=_summary(summary, word) if summary is not None else summarise(checked=1, failures=()),
        url=_url(whole),
        observed_at=moment,
        digest=_digest(whole),
    )


def _filled(place: Place, longest: int = 200) -> str:
    text = place.text(longest).strip()
    if not text:
        raise UnreadableVerdict(place.path, "This is empty.")
    return text


def _digest(whole: Place) -> str:
    place = whole.find("digest")
    if place is None:
        return ""
    digest = place.text()
    if not DIGEST.fullmatch(digest):
        raise UnreadableVerdict("digest", "Expected a model version's digest: sha256: and 64 lower-case hex digits.")
    return digest


def _url(whole: Place) -> str:
    place = whole.find("url")
    if place is None:
        return ""
    url = place.text(2_000)
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise UnreadableVerdict("url", "Expected the address of a page.") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnreadableVerdict("url", "Expected the address of a page, beginning with https:// or http://.")
    return url


def _summary(summary: Place, word: str) -> dict[str, object]:
    _refuse_unknown(summary, SUMMARY_KEYS)
    given, noted, counted = summary.find("failures"), summary.find("notes"), summary.find("checked")
    failures = [_failure(place) for place in given.items()] if given is not None else []
    if failures and word == PASS:
        raise UnreadableVerdict("summary.failures", "Names failures, and the verdict is pass.")
    notes = [place.text(300) for place in noted.items()] if noted is not None else []
    return summarise(
        checked=counted.count() if counted is not None else max(1, len(failures)), failures=failures, notes=notes
    )


def _failure(place: Place) -> Failure:
    _refuse_unknown(place, FAILURE_KEYS)
    columns, detail = place.find("columns"), place.find("detail")
    return Failure(
        check=_filled(place["check"]),
        columns=[column.text() for column in columns.items()] if columns is not None else (),
        detail=detail.text(300) if detail is not None else "",
    )


def _refuse_unknown(place: Place, known: Iterable[str]) -> None:
    unknown = sorted(set(place.object()) - set(known))
    if unknown:
        where = f"{place.path}.{unknown[0]}" if place.path else unknown[0]
        raise UnreadableVerdict(where[:200], f"Unknown key; known are {', '.join(known)}.")
