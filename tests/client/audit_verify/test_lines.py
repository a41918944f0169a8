"""What may be wrong with the lines of a file, by accident or not."""

import json
import tracemalloc

import pytest
from lineal._audit_verify import render, verify_export

from audit import merkle
from audit.notes import sign_note
from tests.client.audit_verify.exports import KEEPER, MALLORY, Log, b64, encoded, kinds, only


def test_a_wrong_leaf_hash_does_not_hide_that_the_body_is_the_logged_one(honest, verify):
    """Only the event with the wrong hash is named: the tree goes on with the body that the checkpoint confirms."""
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 120)
    objects[at] = objects[at] | {"leaf_hash": b64(b"\1" * 32)}

    report = verify(objects)

    assert (only(report).seq, report.last_checkpoint.size) == (120, 300)


def test_a_damaged_line_does_not_make_the_later_ones_doubtful(honest, verify):
    """Its leaf hash can still be read, so the tree goes on and every later checkpoint is met."""
    raw = encoded(honest.objects(), digest=False)
    line = next(line for line in raw.splitlines(keepends=True) if b'"seq":120,' in line)

    report = verify(raw.replace(line, line.replace(b'{\\"action\\"', b'{\\xaction\\"')))

    finding = only(report)
    assert (finding.kind, finding.seq) == ("line", 120)
    assert report.last_checkpoint.size == 300


def test_a_line_damaged_in_its_hash_is_named_before_the_root(honest, verify):
    raw = encoded(honest.objects(), digest=False)
    line = next(line for line in raw.splitlines(keepends=True) if b'"seq":120,' in line)

    report = verify(
        raw.replace(line, line.replace(b'","leaf_hash":"', b'","leaf_hash":"!').replace(b'","seq"', b'"seq"'))
    )

    assert [each.kind for each in report.findings] == ["line", "root"]
    assert report.findings[0].seq == 120


def test_a_changed_number_names_one_event(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 120)
    objects[at] = objects[at] | {"seq": 129}

    finding = only(verify(objects))

    assert finding.kind == "sequence"
    assert "Expected event 120, found 129" in finding.message


@pytest.mark.parametrize("cut", [1, 2, 20, 60, 5_000])
def test_a_cut_file_is_noticed(honest, verify, cut):
    report = verify(encoded(honest.objects())[:-cut])

    assert not report.ok
    assert kinds(report) & {"cut", "line"}


def test_a_file_cut_between_two_lines_is_noticed(honest, verify):
    assert kinds(verify(encoded(honest.objects(), end=False))) == {"cut"}


def test_lines_after_the_end_are_noticed(honest, verify):
    assert kinds(verify(encoded(honest.objects()) + b"{}\n")) == {"after-end"}


def test_a_wrong_count_is_noticed(honest, verify):
    raw = encoded(honest.objects(), end=False) + b'{"events":299,"type":"end"}\n'

    assert kinds(verify(raw)) == {"end"}


def test_any_edit_outside_the_signed_parts_shows_in_the_digest(honest, verify):
    raw = encoded(honest.objects()).replace(b"2026-11-21T03:14:27.123456Z", b"2026-11-21T03:14:27.123457Z", 1)

    assert kinds(verify(raw)) == {"digest"}


@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line.replace(b'{"body"', b'{ "body"'),
        lambda line: line.replace(b"\n", b" \n"),
        lambda line: line.replace(b"\n", b"\r\n"),
        lambda line: line.replace(b'"type"', b'"typ\\u0065"'),
        lambda line: line.replace("ü".encode(), b"\\u00fc"),
        lambda line: line.replace(b" / ", b" \\/ "),
        lambda line: line.replace(b'"seq":1,', b'"seq":1,"seq":1,'),
        lambda line: line.replace(b'"seq":1,', b'"seq":1.0,'),
        lambda line: line.replace(b'"seq":1,', b'"seq":1,"more":null,'),
        lambda line: line.replace(b'"seq":1,', b""),
        lambda line: line.replace(b'"seq":1,', b'"seq":true,'),
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: line.decode().encode("utf-16"),
        lambda line: b"\n" + line,
        lambda line: line.replace("ü".encode(), b"\xfc"),
        lambda line: line.replace("ü".encode(), b"\\ud800"),
        lambda line: line.replace(b'{"body":"', b'{"body":["').replace(b'","leaf_hash"', b'"],"leaf_hash"'),
        lambda _: b"[" * 100_000 + b"\n",
        lambda _: b'{"type":"event","body":' + b"[" * 100_000 + b"\n",
        lambda _: b'{"type":' + b"9" * 10_000 + b"}\n",
    ],
)
def test_an_edited_spelling_is_noticed_on_its_line(honest, verify, edit):
    """Strict on purpose: if two spellings passed, a change could hide in the difference."""
    lines = encoded(honest.objects(), end=False).splitlines(keepends=True)
    lines[3] = edit(lines[3])

    report = verify(b"".join(lines) + b'{"events":300,"type":"end"}\n')

    assert report.verdict == "failed"
    assert report.findings[0].line == 4


@pytest.mark.parametrize(
    "line",
    [
        {"type": "checkpoint", "size": 1},
        {"type": "checkpoint", "size": "1", "note": ""},
        {"type": "checkpoint", "size": -1, "note": ""},
        {"type": "checkpoint", "size": True, "note": "nonsense"},
        {"type": "checkpoint", "size": 1, "note": "nonsense"},
        {"type": "checkpoint", "size": 1, "note": Log(events=1).note(1), "more": None},
        {"type": "event", "seq": 1, "body": "{}", "leaf_hash": b64(merkle.leaf_hash(b"{}")), "zone": None},
        {"type": "checkpoint", "size": 1, "note": sign_note("log\n01\n\n", KEEPER)},
        {"type": "private"},
        {"type": "private", "seq": 0, "path": "/actor/display", "salt": 5, "value": "x"},
        {"type": "private", "seq": 0, "path": 5, "salt": b64(b"\0" * 16), "value": "x"},
        {"type": "private", "seq": 0, "path": "/actor/display", "salt": b64(b"\0" * 16), "value": "x"},
        {"type": "private", "seq": 0, "path": "/nothing/here", "salt": b64(b"\0" * 16), "value": "x"},
        {"type": "private", "seq": 0, "path": "/refs/99", "salt": b64(b"\0" * 16), "value": "x"},
        {"type": "private", "seq": 0, "path": "", "salt": b64(b"\0" * 16), "value": {"deep": [1]}},
        {"type": "private", "seq": 5, "path": "/actor/display", "salt": b64(b"\0" * 16), "value": "x"},
        {"type": "header"},
        {"type": "unknown"},
        {"type": None},
        {"type": {}},
        {},
        {"type": "event"},
        {"type": "event", "seq": "1", "body": 5, "leaf_hash": None},
    ],
    ids=lambda line: json.dumps(line)[:60],
)
def test_a_line_that_does_not_belong_is_noticed(honest, verify, line):
    header, first, *rest = honest.objects()

    report = verify([header, first, line, *rest[1:]])

    assert report.verdict == "failed"
    assert 3 in {finding.line for finding in report.findings}


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "lineal-audit-export/2"},
        {"origin": "elsewhere"},
        {"origin": 5},
        {"vkey": MALLORY.vkey},
        {"vkey": None},
        {"from": 1},
        {"from": False},
        {"size": 299},
        {"size": "300"},
        {"generated_at": None},
        {"filtered": "no"},
        {"filtered": True},
    ],
    ids=str,
)
def test_a_header_that_contradicts_the_file_is_noticed(honest, verify, changes):
    header, *rest = honest.objects()

    assert verify([header | changes, *rest]).verdict == "failed"


def test_a_file_without_header_is_read_all_the_same(honest, verify):
    _, *rest = honest.objects()

    report = verify(rest)

    assert only(report).kind == "header"
    assert (report.events, report.last_checkpoint.size) == (300, 300)


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\0" * 1000, b"PK\x03\x04 not an export", b"null\n", b'"type":"event"}\n']
)
def test_what_is_no_export_fails_in_words(verify, raw):
    report = verify(raw)

    assert report.verdict == "failed"
    assert "FAILED" in render(report)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "export.jsonl"
    with path.open("wb") as file:
        file.write(b'{"type":"header"')
        file.seek(200 * 2**20)
        file.write(b"\n{}\n")
    tracemalloc.start()

    report = verify_export(path, KEEPER.vkey)

    assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
    tracemalloc.stop()
    assert report.verdict == "failed"
    assert {finding.line for finding in report.findings} == {1, 2, None}


def test_a_missing_file_is_the_callers_to_report(tmp_path):
    with pytest.raises(FileNotFoundError):
        verify_export(tmp_path / "nowhere.jsonl", KEEPER.vkey)
