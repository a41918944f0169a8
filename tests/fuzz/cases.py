"""Requests: what schemathesis makes of the document, aimed at things that are there; and good requests spoiled in one place."""

import base64
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.schemas import APIOperation

from tests.fuzz.prepared import Good, Prepared

DEEP = 5_000
ANY_ID = "0190a000-0000-7000-8000-000000000000"
NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64,
    "", " ", "\0", "a\0b", "\n", "\r\nX-Injected: 1", "\u2028", "\u202e", "\ud800", "é" * 200, "𝒳" * 5_000, "x" * 70_000,
    "..", "../../etc/passwd", "%2e%2e%2f", "%00", "/", "a/b", ";", "'", '"', "' OR 1=1 --", "%", "_", "\\", "$(id)",
    "NaN", "Infinity", "-Infinity", "1e400", "0x10", "٣", "true", "null",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z", "2026-02-30", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z",
    "sha256:" + "0" * 64, "sha256:" + "G" * 64, "0" * 32, "00000000-0000-0000-0000-000000000000", "urn:uuid:x",
    "http://169.254.169.254/", "http://[::1", "http://a:99999/", "javascript:alert(1)", "a@b", "a@" + "b" * 300 + ".c",
    [], [[]], [None], {}, {"": None}, {"\0": "\0"}, {"a": {"b": {"c": []}}}, ["x"] * 2_000,
    {str(at): at for at in range(2_000)},
)  # fmt: skip
IN_ADDRESSES = tuple(value for value in NASTY if isinstance(value, str) and value != "\ud800" and len(value) < 9_000)
CURSORS = tuple(
    base64.urlsafe_b64encode(text).decode().rstrip("=")
    for text in (
        b"[]", b"[null]", b"[1]", b"[-1]", b'["x"]', b"[true]", b"[[]]", b"[{}]", b"[1,2]", b'["x","y"]', b"[1.5]", b"1",
        b"[9223372036854775807]", b"[9223372036854775808]", b"[18446744073709551615]", b"[1e400]", b'["\\u0000"]',
        b"[9223372036854775807,9223372036854775807]", b"[-62135596800000001,1]", b"[null,null]", b"{}", b'["","",""]',
        b"[0,0,0]", b"\xff", b'["2026-01-01T00:00:00Z",1]', b'["0",0]', b"[" * 2_000,
    )
)  # fmt: skip
RAW_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"null", b"true", b"0", b'"text"', b"[]", b"{}", b"[{}]", b"[[]]", b"{", b"}", b"{]", b"\xff\xfe", b"\xc0\x80",
    b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1,"a":2}', b'{"a":1e400}', b'{"a":' + b"9" * 400 + b"}",
    b'{"a":"\\ud800"}', b'{"\\u0000":1}', b'{"a":01}', b"{'a':1}", b'{"a":1}garbage', b"// x\n{}", b"\0", b"{}\0",
    b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"":{}}', b'{"__proto__":{}}',
    b"\x80", b"\x81\xa1a\xc0", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc7\x00\x01", b"\x93" * 2_000,
    "{}".encode("utf-16"), b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd\x00",
)  # fmt: skip
MEDIA_TYPES = (
    "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "APPLICATION/JSON",
    "application/json;", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=x", "application/xml", "application/octet-stream", "application/x-msgpack",
    "application/yaml", "", "/", "json", "application/*", "*/*", "text/html", "application/vnd.lineal+json",
)  # fmt: skip
HEADERS = (
    ("Accept", ""), ("Accept", "text/html"), ("Accept", "x"), ("Accept", "application/json;q=0"),
    ("Accept-Encoding", "gzip;q=x"), ("Accept-Language", "*" * 500), ("Authorization", ""), ("Authorization", "Bearer"),
    ("Authorization", "Bearer lnl_" + "a" * 12 + "_" + "b" * 43), ("Authorization", "Basic eDp5"),
    ("Authorization", "Bearer é"), ("Authorization", "Bearer " + "x" * 9_000),
    ("Cookie", "lineal_session=x"), ("Cookie", "lineal_session=\x7f; lineal_csrf="), ("Cookie", ";;=;"),
    ("Idempotency-Key", ""), ("Idempotency-Key", "é"), ("Idempotency-Key", "x" * 300), ("Idempotency-Key", "a\tb"),
    ("If-Match", "*"), ("If-Match", '"'), ("If-None-Match", "*"), ("If-None-Match", '"x", W/"y"'), ("If-None-Match", "\xff"),
    ("If-Modified-Since", "Mon, 01 Jan 0000 00:00:00 GMT"), ("If-Range", "x"),
    ("Range", "bytes=0-"), ("Range", "bytes=5-1"), ("Range", "bytes=-0"), ("Range", "bytes=0-0,2-3"), ("Range", "bytes=x-"),
    ("Range", "bytes=99999999999999999999-"), ("Range", "items=0-1"), ("Range", "bytes=" + "0-1," * 3_000),
    ("Content-Range", "bytes 0-1/2"), ("Content-Encoding", "zstd"), ("Content-Encoding", "gzip"), ("Content-Length", "0"),
    ("Content-MD5", "x"), ("Upload-Offset", "-1"), ("Upload-Offset", "9" * 30), ("Expect", "100-continue"),
    ("Origin", "null"), ("Origin", "https://evil.example"), ("Origin", "http://[::1"), ("Referer", "http://a:b/"),
    ("Sec-Fetch-Site", "cross-site"), ("Host", "evil.example"), ("Host", "a:b:c"), ("Host", ""),
    ("X-Forwarded-For", "1.2.3.4, x"), ("X-Forwarded-Proto", "https"), ("X-HTTP-Method-Override", "DELETE"),
    ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"), ("User-Agent", "\xff" * 600), ("X-Signature", "sha256=é"),
    ("X-Lineal-Signature", ""), ("webhook-id", ""), ("webhook-timestamp", "9" * 30), ("webhook-signature", "v1,é"),
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Sent:
    """A case, and what goes over the wire in place of what it would send by itself."""

    case: Case
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True, repr=False)
class Aim:
    """An operation, and the world it is tried in. Hypothesis spells out what strategies are given: hence the short name."""

    operation: APIOperation
    prepared: Prepared

    def __repr__(self) -> str:
        return self.operation.label


def chosen(draw: Any, values: Any) -> Any:
    """One of them, drawn by its place: Hypothesis would spell all of a long list out."""
    return values[draw(st.integers(0, len(values) - 1))]


@st.composite
def made(draw: Any, aim: Aim) -> Sent:
    """What schemathesis makes, good or bad; most of the time about something that is there."""
    mode = chosen(draw, list(GenerationMode))
    case = draw(aim.operation.as_strategy(generation_mode=mode))
    return Sent(_aimed(draw, case, aim.prepared))


def _aimed(draw: Any, case: Case, prepared: Prepared) -> Case:
    places = prepared.places_of(case.operation.path)
    if places and draw(st.integers(0, 9)):
        case.path_parameters = dict(chosen(draw, places))
    if draw(st.integers(0, 9)):
        case.query = {**(case.query or {}), "project": "shared"}
    return case


@st.composite
def spoiled(draw: Any, aim: Aim) -> Sent:
    """A good request in which one thing is not."""
    operation = aim.operation
    good = chosen(draw, aim.prepared.good_of(operation.method.upper(), operation.path) or [Good((), {})])
    sent = as_sent(operation, good)
    ways = [_spoil_query, _spoil_header]
    if operation.body or good.body is not None:
        ways += [_spoil_body, _spoil_body, _spoil_body, _spoil_raw, _spoil_type]
    if sent.case.path_parameters:
        ways.append(_spoil_path)
    return chosen(draw, ways)(draw, sent)


def as_sent(operation: APIOperation, good: Good) -> Sent:
    path = (
        dict(zip(names_of(operation), good.path, strict=True))
        if good.path
        else dict.fromkeys(names_of(operation), ANY_ID)
    )
    raw = good.raw
    body = good.body if good.body is not None else NOT_SET
    case = operation.Case(
        path_parameters=path,
        query=dict(good.query),
        body=body if raw is None else NOT_SET,
        media_type=good.content_type,
    )
    return Sent(case, raw=raw, content_type=good.content_type)


def names_of(operation: APIOperation) -> list[str]:
    from tests.fuzz.document import names_in

    return names_in(operation.path)


def _spoil_query(draw: Any, sent: Sent) -> Sent:
    known = [parameter.name for parameter in sent.case.operation.query] or ["project"]
    name = chosen(draw, known)
    values = CURSORS + IN_ADDRESSES if name == "cursor" else IN_ADDRESSES
    numbers = tuple(str(value) for value in NASTY if isinstance(value, int | float))
    value: Any = chosen(draw, values + numbers)
    if draw(st.integers(0, 5)) == 0:
        value = [value, chosen(draw, values)]
    sent.case.query = {**sent.case.query, name: value}
    return sent


def _spoil_path(draw: Any, sent: Sent) -> Sent:
    name = chosen(draw, sorted(sent.case.path_parameters))
    sent.case.path_parameters = {**sent.case.path_parameters, name: chosen(draw, IN_ADDRESSES) or "x"}
    return sent


def _spoil_header(draw: Any, sent: Sent) -> Sent:
    name, value = chosen(draw, HEADERS)
    return replace(sent, headers={name: value})


def _spoil_type(draw: Any, sent: Sent) -> Sent:
    return replace(sent, content_type=chosen(draw, MEDIA_TYPES), raw=sent.raw or _encoded(sent.case.body))


def _spoil_raw(draw: Any, sent: Sent) -> Sent:
    return replace(sent, raw=chosen(draw, RAW_BODIES))


def _spoil_body(draw: Any, sent: Sent) -> Sent:
    body = sent.case.body
    if not isinstance(body, dict | list):
        return _spoil_raw(draw, sent)
    return replace(sent, raw=_encoded(_with_one_changed(draw, _with_optional(draw, sent, body))))


def _with_optional(draw: Any, sent: Sent, body: Any) -> Any:
    """With a property of the schema that the good body leaves out, so that those are spoiled too."""
    if not isinstance(body, dict):
        return body
    declared = sorted(_declared(sent.case.operation) - set(body))
    return {**body, chosen(draw, declared): None} if declared and draw(st.booleans()) else body


def _declared(operation: APIOperation) -> set[str]:
    from tests.fuzz.document import properties_of_body

    return properties_of_body(operation.method, operation.path)


def _with_one_changed(draw: Any, body: Any) -> Any:
    """`body` with one value of it, at any depth, replaced, taken out or joined by a stranger."""
    at = chosen(draw, list(_places(body)))
    value = chosen(draw, NASTY)
    if not at:
        return value
    return _replaced(body, at, value, drop=draw(st.integers(0, 12)) == 0)


def _places(body: Any, at: tuple = ()) -> Any:
    yield at
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield from _places(value, (*at, key))


def _replaced(body: Any, at: tuple, value: Any, *, drop: bool) -> Any:
    first, *rest = at
    copy = dict(body) if isinstance(body, dict) else list(body)
    if rest:
        copy[first] = _replaced(body[first], tuple(rest), value, drop=drop)
    elif drop:
        del copy[first]
    else:
        copy[first] = value
    return copy


def _encoded(body: Any) -> bytes:
    """JSON as an unkind client writes it: any integer, lone surrogates, NaN as a word of no JSON."""
    import json

    return b"" if body is NOT_SET else json.dumps(body).encode()
