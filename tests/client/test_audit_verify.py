"""What an auditor with the public key alone finds in an export: nothing in an honest one, and each way to cheat."""

import json
import random
import time
import tracemalloc
from base64 import b64encode
from hashlib import sha256

import pytest
from lineal import _audit_report
from lineal._audit_verify import render, verify_export

from audit import merkle
from audit.canonical import commit, encode
from audit.notes import Checkpoint, Signer, format_checkpoint, sign_note

ORIGIN = "lineal.example/audit"
KEEPER = Signer(ORIGIN, b"\x07" * 32)
MALLORY = Signer(ORIGIN, b"\x66" * 32)
ACTIONS = ["model_version.promote", "run.seal", "token.create", "project.member_add"]


def b64(raw):
    return b64encode(raw).decode()


def body_of(number, *, reason="beats v7 on “holdout”\nüber \U0001f600 \\ / \x7f", display="Alice Ängström"):
    """An event as the server writes it, and the personal value behind its commitment."""
    salt = sha256(b"salt %d" % number).digest()[:16]
    commitment, _ = commit(display, salt)
    body = {
        "v": "lineal-audit/1",
        "id": f"0192f0c1-7000-7000-8000-{number:012x}",
        "time": f"2026-11-21T03:14:{number % 60:02d}.{number % 1_000_000:06d}Z",
        "org": "acme",
        "project": "churn",
        "action": ACTIONS[number % len(ACTIONS)],
        "outcome": "ok",
        "actor": {"type": "user", "id": "0192f0c1-0000-7000-8000-00000000a11c", "display": commitment},
        "target": {"type": "model_version", "id": f"churn/{number}", "version": str(number)},
        "reason": reason,
        "before": {},
        "after": {"slot": "production", "share": "0.25"},
        "refs": [{"type": "run", "id": f"{number:032x}"}],
    }
    return encode(body).decode(), {"path": "/actor/display", "salt": b64(salt), "value": display}


class Log:
    """A server's log in miniature: bodies, leaf hashes, and a checkpoint after every `every` events."""

    def __init__(self, events=300, every=50, signer=KEEPER, private_every=7):
        made = [body_of(number) for number in range(events)]
        self.bodies = [body for body, _ in made]
        self.private = {number: made[number][1] for number in range(0, events, private_every)}
        self.every = every
        self.signer = signer
        self.origin = ORIGIN
        self.reseal()

    def reseal(self):
        """Recompute everything that follows from the bodies, as one who holds the key can."""
        self.leaves = [merkle.leaf_hash(body.encode()) for body in self.bodies]
        sizes = [*range(self.every, len(self.bodies), self.every), len(self.bodies)]
        self.notes = {size: self.note(size) for size in sizes}

    def note(self, size, signer=None):
        checkpoint = Checkpoint(self.origin, size, merkle.root(self.leaves[:size]))
        return sign_note(format_checkpoint(checkpoint), signer or self.signer)

    def header(self, **changes):
        return {
            "type": "header",
            "schema": "lineal-audit-export/1",
            "origin": self.origin,
            "vkey": self.signer.vkey,
            "from": 0,
            "size": len(self.bodies),
            "generated_at": "2026-11-21T03:14:27.123456Z",
            "filtered": False,
            **changes,
        }

    def event(self, seq, **more):
        return {"type": "event", "seq": seq, "body": self.bodies[seq], "leaf_hash": b64(self.leaves[seq]), **more}

    def objects(self):
        """The lines of a full export, without its end."""
        yield self.header()
        for seq in range(len(self.bodies)):
            yield self.event(seq)
            if seq in self.private:
                yield {"type": "private", "seq": seq, **self.private[seq]}
            if seq + 1 in self.notes:
                yield {"type": "checkpoint", "size": seq + 1, "note": self.notes[seq + 1]}

    def filtered_objects(self, seqs):
        """The lines of a filtered export, without its end."""
        size = len(self.bodies)
        yield self.header(filtered=True)
        yield {"type": "checkpoint", "size": size, "note": self.note(size)}
        for seq in seqs:
            yield self.event(seq, proof=[b64(each) for each in merkle.inclusion_proof(self.leaves, seq)])
            if seq in self.private:
                yield {"type": "private", "seq": seq, **self.private[seq]}


def encoded(objects, *, end=True, digest=True):
    """The bytes of an export file."""
    objects = list(objects)
    raw = b"".join(encode(each) + b"\n" for each in objects)
    last = {"type": "end", "events": sum(each.get("type") == "event" for each in objects)}
    if digest:
        last["sha256"] = sha256(raw).hexdigest()
    return raw + encode(last) + b"\n" if end else raw


@pytest.fixture
def verify(tmp_path):
    """Check some bytes, or the lines they are made of, with anchors given as notes."""

    def check(export, vkey=KEEPER.vkey, anchors=()):
        path = tmp_path / "export.jsonl"
        path.write_bytes(export if isinstance(export, bytes) else encoded(export))
        files = []
        for number, note in enumerate(anchors):
            files.append(tmp_path / f"anchor-{number}")
            files[-1].write_text(note, encoding="utf-8")
        return verify_export(path, vkey, files)

    return check


@pytest.fixture(scope="module")
def honest():
    return Log()


def kinds(report):
    return {finding.kind for finding in report.findings}


def only(report):
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def test_an_honest_export_is_proven(honest, verify):
    report = verify(honest.objects())

    assert report.findings == []
    assert (report.ok, report.verdict) == (True, "proven")
    assert (report.events, report.size, report.checkpoints, report.private_values) == (300, 300, 6, 43)
    assert report.root == b64(merkle.root(honest.leaves))
    assert report.last_checkpoint.size == 300
    assert report.origin == ORIGIN
    assert report.anchored_to is None


def test_an_export_without_the_optional_digest_is_proven(honest, verify):
    assert verify(encoded(honest.objects(), digest=False)).ok


def test_personal_values_may_be_gone(honest, verify):
    """Erasing them breaks no proof."""
    report = verify(each for each in honest.objects() if each["type"] != "private")

    assert report.ok
    assert report.private_values == 0


def test_without_a_key_nothing_is_proven(honest, verify):
    """The header's key is the claim of whoever wrote the file, so it cannot vouch for the file."""
    report = verify(honest.objects(), vkey=None)

    assert (report.ok, report.verdict) == (False, "not proven")
    assert only(report).kind == "no-key"
    assert "NOT PROVEN" in render(report)


def test_a_mistyped_key_is_named(honest, verify):
    report = verify(honest.objects(), vkey=KEEPER.vkey[:-1])

    assert not report.ok
    assert report.findings[0].kind == "bad-key"
    assert KEEPER.vkey[:-1] in report.findings[0].message


def test_the_keys_of_a_rotation_are_given_together(honest, verify):
    successor = Signer.generate(ORIGIN)
    log = Log(events=40, every=10)
    log.notes[20] = sign_note(log.note(20).partition("\n\n")[0] + "\n", KEEPER, successor)
    log.notes |= {size: log.note(size, successor) for size in (30, 40)}

    assert verify(log.objects(), vkey=[KEEPER.vkey, successor.vkey]).ok
    assert "signature" in kinds(verify(log.objects(), vkey=KEEPER.vkey))
    assert "signature" in kinds(verify(log.objects(), vkey=successor.vkey))


def test_a_wrong_signature_beside_a_good_one_is_reported(verify):
    successor = Signer.generate(ORIGIN)
    log = Log(events=10, every=10)
    forged = log.note(10, successor).partition("\n\n")[2]
    bent = forged[:60] + ("A" if forged[60] != "A" else "B") + forged[61:]
    log.notes[10] += bent

    assert "signature" in kinds(verify(log.objects(), vkey=[KEEPER.vkey, successor.vkey]))
    assert verify(log.objects(), vkey=KEEPER.vkey).ok


def test_anchors_that_agree_are_counted(honest, verify):
    report = verify(honest.objects(), anchors=[honest.note(120), honest.note(50), honest.note(1)])

    assert report.ok
    assert report.anchored_to == 120
    assert "up to size 120" in render(report)


# ---- the ways to tamper: AUDIT.md's matrix, on 1,000 events with a checkpoint per 100 and one anchor at 500


@pytest.fixture(scope="module")
def matrix():
    return Log(events=1_000, every=100, private_every=10_000)


def test_an_edited_row_is_named(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    objects[at] = objects[at] | {"body": objects[at]["body"].replace("holdout", "nothing")}

    finding = only(verify(objects))

    assert (finding.kind, finding.line, finding.seq) == ("event-changed", at + 1, 250)
    assert (finding.action, finding.event_id[-3:]) == ("token.create", "0fa")


def test_an_edited_row_with_its_hash_edited_too_breaks_the_next_checkpoint(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    body = objects[at]["body"].replace("holdout", "nothing")
    objects[at] = objects[at] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify(objects)

    finding = only(report)
    assert finding.kind == "root"
    assert "events 200 to 299" in finding.message
    assert report.last_checkpoint.size == 200


def test_a_wrong_root_at_the_very_first_checkpoint_is_noticed(matrix, verify):
    objects = list(matrix.objects())
    body = objects[5]["body"].replace("holdout", "nothing")
    objects[5] = objects[5] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify(objects)

    assert "events 0 to 99" in only(report).message
    assert report.last_checkpoint is None


def test_swapped_bodies_under_kept_numbers_break_the_root(matrix, verify):
    log = list(matrix.objects())
    first, second = (next(i for i, each in enumerate(log) if each.get("seq") == seq) for seq in (310, 311))
    log[first], log[second] = log[second] | {"seq": 310}, log[first] | {"seq": 311}

    assert only(verify(log)).kind == "root"


def test_a_deleted_event_leaves_a_gap(matrix, verify):
    report = verify(each for each in matrix.objects() if each.get("seq") != 250)

    assert {"sequence", "checkpoint", "size"} == kinds(report)
    assert "Expected event 250, found 251: events 250 to 250 are missing" in report.findings[0].message
    assert report.last_checkpoint.size == 200


def test_reordered_events_are_noticed(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    objects[at], objects[at + 1] = objects[at + 1], objects[at]

    report = verify(objects)

    assert {"sequence", "root"} == kinds(report)
    assert report.findings[0].line == at + 1


def test_a_deletion_with_renumbering_is_noticed(matrix, verify):
    log = Log(events=1_000, every=100, private_every=10_000)
    objects = [each for each in log.objects() if each.get("seq") != 250]
    objects = [each | {"seq": each["seq"] - 1} if each.get("seq", 0) > 250 else each for each in objects]

    report = verify(objects)

    assert {"checkpoint", "size"} == kinds(report)
    assert "size 300 stands after 299 events" in report.findings[0].message


def test_a_forged_event_at_the_end_is_not_covered(matrix, verify):
    body, _ = body_of(1_000)
    forged = {"type": "event", "seq": 1_000, "body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify([*matrix.objects(), forged])

    assert {"uncovered", "size"} == kinds(report)
    assert "events 1000 to 1000" in report.findings[0].message


def test_an_export_without_checkpoints_proves_nothing(matrix, verify):
    report = verify(each for each in matrix.objects() if each["type"] != "checkpoint")

    assert only(report).kind == "uncovered"
    assert report.last_checkpoint is None


def test_a_log_rewritten_under_another_key_is_not_signed(matrix, verify):
    forged = rewritten(matrix, MALLORY)

    report = verify(forged.objects())

    assert {"signature", "uncovered", "header"} == kinds(report)
    assert report.last_checkpoint is None


def test_a_log_rewritten_under_the_stolen_key_passes_without_an_anchor(matrix, verify):
    """Stated as it is: no file can prove itself against one who holds the key. This is what anchors are for."""
    report = verify(rewritten(matrix, KEEPER).objects())

    assert report.ok
    assert "would not show" in render(report)


def test_a_log_rewritten_under_the_stolen_key_fails_at_an_older_anchor(matrix, verify):
    finding = only(verify(rewritten(matrix, KEEPER).objects(), anchors=[matrix.note(500)]))

    assert finding.kind == "anchor"
    assert "size 500 is not the one of the anchor" in finding.message


def test_a_cut_tail_passes_without_a_newer_anchor_and_fails_with_it(matrix, verify):
    cut = Log(events=400, every=100, private_every=10_000)

    assert verify(cut.objects()).ok
    finding = only(verify(cut.objects(), anchors=[matrix.note(500)]))
    assert finding.kind == "anchor"
    assert "its tail was cut, or it is older" in finding.message


def rewritten(log, signer):
    copy = Log(events=len(log.bodies), every=log.every, private_every=10_000, signer=signer)
    copy.bodies[250] = copy.bodies[250].replace("holdout", "nothing")
    copy.reseal()
    return copy


# ---- what else may be wrong with a file


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


def test_a_log_without_events_proves_nothing_unless_signed(verify):
    log = Log(events=0)
    header = log.header()

    assert only(verify([header])).kind == "uncovered"
    assert verify([header, {"type": "checkpoint", "size": 0, "note": log.note(0)}]).ok


def test_checkpoints_of_another_log_are_refused(honest, verify):
    log = Log()
    log.origin = "elsewhere.example/audit"
    log.reseal()
    mixed = Log()
    mixed.notes[150] = log.notes[150]

    assert only(verify(mixed.objects())).kind == "origin"
    assert kinds(verify(log.objects(), anchors=[honest.note(100)])) >= {"origin", "uncovered"}


def test_a_signed_checkpoint_of_another_history_is_noticed(verify):
    """The key's holder signed two logs under one name: the one thing a log must never do."""
    other = rewritten(Log(events=1_000, every=100), KEEPER)
    log = Log(events=1_000, every=100)
    log.notes[300] = other.notes[300]

    report = verify(log.objects())

    assert only(report).kind == "root"
    assert report.last_checkpoint.size == 1_000


def test_a_repeated_checkpoint_is_noticed(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "checkpoint")

    assert only(verify([*objects[: at + 1], *objects[at:]])).kind == "checkpoint"


# ---- anchors that are no help


@pytest.mark.parametrize("anchor", ["", "nonsense", sign_note("log\nx\n\n", KEEPER), "\x1b[2J\n\n— a b\n"])
def test_a_malformed_anchor_is_named(honest, verify, anchor):
    finding = only(verify(honest.objects(), anchors=[anchor]))

    assert "anchor-0 proves nothing" in finding.message
    assert finding.line is None


def test_an_anchor_signed_by_a_stranger_is_named(honest, verify):
    assert only(verify(honest.objects(), anchors=[honest.note(100, MALLORY)])).kind == "signature"


def test_an_anchor_of_an_empty_log_is_no_anchor(honest, verify):
    report = verify(honest.objects(), anchors=[honest.note(0)])

    assert (report.verdict, report.anchored_to) == ("not proven", None)
    assert "of an empty log" in only(report).message


# ---- personal values


def test_a_changed_personal_value_is_named(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "private" and each["seq"] == 14)
    objects[at] = objects[at] | {"value": "Bob"}

    finding = only(verify(objects))

    assert (finding.kind, finding.seq, finding.line, finding.action) == ("private", 14, at + 1, "token.create")


def test_a_wrong_salt_fails(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "private")
    objects[at] = objects[at] | {"salt": b64(b"\0" * 16)}

    assert only(verify(objects)).kind == "private"


def test_pointers_reach_into_lists_and_escaped_names(verify):
    log = Log(events=2, every=2)
    commitment, salt = commit({"n": [1, "ä"]})
    log.bodies[1] = encode({"id": "x", "action": "a.b", "before": {"a/b~c": [None, commitment]}}).decode()
    log.reseal()
    log.private = {1: {"path": "/before/a~1b~0c/1", "salt": b64(salt), "value": {"n": [1, "ä"]}}}

    assert verify(log.objects()).private_values == 1


# ---- filtered exports

CHOSEN = [0, 3, 14, 15, 128, 255, 256, 299]


def test_a_filtered_export_is_proven(honest, verify):
    report = verify(honest.filtered_objects(CHOSEN), anchors=[honest.note(300)])

    assert report.findings == []
    assert (report.ok, report.filtered, report.events, report.size, report.anchored_to) == (True, True, 8, 300, 300)
    assert report.private_values == 2
    assert "that none was left out is not" in render(report)


def test_a_filtered_export_of_nothing_is_proven(honest, verify):
    assert verify(honest.filtered_objects([])).ok


def test_a_filtered_event_that_was_edited_is_named(honest, verify):
    objects = list(honest.filtered_objects(CHOSEN))
    objects[4] = objects[4] | {"body": objects[4]["body"].replace("holdout", "nothing")}

    assert only(verify(objects)).kind == "event-changed"


def test_a_filtered_event_that_was_never_logged_is_named(honest, verify):
    objects = list(honest.filtered_objects(CHOSEN))
    body = objects[4]["body"].replace("holdout", "nothing")
    objects[4] = objects[4] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    finding = only(verify(objects))

    assert (finding.kind, finding.seq, finding.line) == ("proof", objects[4]["seq"], 5)


@pytest.mark.parametrize("proof", [[], ["nonsense"], [""] * 9, [b64(b"\0" * 31)] * 9])
def test_a_bad_proof_is_noticed(honest, verify, proof):
    objects = list(honest.filtered_objects([5]))
    objects[2] = objects[2] | {"proof": proof}

    assert only(verify(objects)).kind == "proof"


def test_a_filtered_event_without_proof_or_in_wrong_order_is_noticed(honest, verify):
    header, checkpoint, *rest = honest.filtered_objects([4, 5])

    bare = {key: value for key, value in rest[0].items() if key != "proof"}
    assert only(verify([header, checkpoint, bare, rest[1]])).kind == "proof"
    assert only(verify([header, checkpoint, rest[1], rest[0]])).kind == "sequence"
    assert only(verify([header, checkpoint, rest[0], rest[0]])).kind == "sequence"


def test_a_filtered_export_needs_its_checkpoint_first(honest, verify):
    header, checkpoint, *rest = honest.filtered_objects([4, 5])

    assert only(verify([header, *rest])).kind == "uncovered"
    assert kinds(verify([header, *rest, checkpoint])) == {"uncovered", "checkpoint"}
    assert kinds(verify([header, checkpoint, checkpoint, *rest])) == {"checkpoint"}
    assert kinds(verify([header | {"size": 200}, checkpoint, *rest])) == {"size"}


def test_a_full_export_carries_no_proofs(honest, verify):
    objects = list(honest.objects())
    objects[1] = objects[1] | {"proof": []}

    assert only(verify(objects)).kind == "line"


def test_anchors_of_other_sizes_cannot_be_compared_with_a_filtered_export(honest, verify):
    older = verify(honest.filtered_objects(CHOSEN), anchors=[honest.note(100)])
    newer = verify(honest.filtered_objects(CHOSEN), anchors=[Log(events=301).note(301)])
    foreign = verify(honest.filtered_objects(CHOSEN), anchors=[rewritten(Log(), KEEPER).note(300)])

    assert "only a full export can be compared" in only(older).message
    assert (older.verdict, kinds(older)) == ("not proven", {"anchor-unchecked"})
    assert (newer.verdict, kinds(newer)) == ("failed", {"anchor"})
    assert (foreign.verdict, kinds(foreign)) == ("failed", {"anchor"})


# ---- random damage


def flips(raw, count, seed):
    """`count` copies of `raw`, each with one bit turned or one byte replaced at a random place."""
    chance = random.Random(seed)
    for number in range(count):
        at = chance.randrange(len(raw))
        old = raw[at]
        new = old ^ (1 << chance.randrange(8)) if number % 2 else chance.choice([b for b in range(256) if b != old])
        yield at, raw[:at] + bytes([new]) + raw[at + 1 :]


def assert_every_flip_is_found_where_it_is(raw, count, seed, verify):
    lines = raw.splitlines(keepends=True)
    for at, damaged in flips(raw, count, seed):
        report = verify(damaged)
        assert report.verdict == "failed", (at, damaged[at - 30 : at + 30])
        number = raw.count(b"\n", 0, at) + 1
        line = lines[number - 1]
        if b'"type":"event"' in line and damaged[at] != 10 and raw[at] != 10:
            seq = json.loads(line)["seq"]
            found = [each for each in report.findings if each.line == number]
            assert found, (at, report.findings)
            assert found[0].seq == seq or (found[0].kind == "sequence" and f"event {seq}," in found[0].message)
        render(report)
        json.dumps(report.to_dict())


def test_a_thousand_random_flips_are_all_found_and_named(verify):
    """Every flipped byte, wherever it is, and for events on the line and under the number it sits in."""
    raw = encoded(Log(events=200, every=30).objects())

    assert_every_flip_is_found_where_it_is(raw, 1_000, 20261121, verify)


def test_random_flips_of_a_filtered_export_are_all_found(honest, verify):
    raw = encoded(honest.filtered_objects(CHOSEN))
    for _, damaged in flips(raw, 400, 7):
        assert verify(damaged).verdict == "failed"


def test_without_digest_every_flip_but_the_date_of_writing_is_found(verify):
    """What the log itself protects: all of it except the one header field that no other line repeats."""
    raw = encoded(Log(events=30, every=10).objects(), digest=False)
    start = raw.index(b"2026-11-21")
    for at, damaged in flips(raw, 400, 11):
        assert verify(damaged).verdict == "failed" or start <= at < start + 27


def test_a_ruined_file_is_reported_briefly(verify):
    report = verify(b"rubbish\n" * 20_000)

    assert len(report.findings) == _audit_report.MAX_FINDINGS
    assert report.findings_total > 20_000
    assert "more findings" in render(report)


# ---- what people and programs see


def test_findings_cannot_speak_to_the_terminal(verify):
    """An attacker writes the file; escape codes in it must not repaint the auditor's screen."""
    log = Log(events=2, every=2)
    log.bodies[1] = json.dumps({"id": "\x1b[2J\u202e", "action": "a\nPROVEN: all good"})
    leaf = log.leaves[1]
    log.reseal()
    log.leaves[1] = leaf

    text = render(verify(log.objects()))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nPROVEN" not in text


def test_a_finding_is_rendered_with_its_place(matrix, verify):
    objects = list(matrix.objects())
    objects[5] = objects[5] | {"body": objects[5]["body"].replace("holdout", "nothing")}

    text = render(verify(objects))

    assert text.startswith("FAILED: 1 finding in 1,000 events.\n")
    assert "line 6, event 3, project.member_add, 0192f0c1-7000-7000-8000-000000000003: This event was changed" in text


def test_the_report_is_plain_data(honest, verify):
    data = json.loads(json.dumps(verify(honest.objects(), anchors=[honest.note(100)]).to_dict()))

    assert data["ok"] is True
    assert data["verdict"] == "proven"
    assert data["last_checkpoint"] == {"origin": ORIGIN, "size": 300, "root": b64(merkle.root(honest.leaves))}
    assert (data["anchored_to"], data["keys"], data["findings"]) == (100, [KEEPER.vkey], [])


# ---- speed and memory


def test_every_character_is_spelled_as_the_server_spells_it(verify):
    """The verifier's fast encoder and the server's must agree on each character, or honest lines would look edited."""
    log = Log(events=1, every=1)
    characters = "".join(chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000)
    log.bodies = [encode({"action": "a.b", "id": "x", "reason": characters}).decode()]
    log.private = {}
    log.reseal()

    assert verify(log.objects()).ok


def write_long_export(path, events):
    log = Log(events=2_000, every=2_000, private_every=10_000)
    frontier = merkle.Frontier()
    with path.open("wb") as file:
        file.write(encode(log.header(size=events)) + b"\n")
        for seq in range(events):
            body = log.bodies[seq % 2_000]
            frontier.append(log.leaves[seq % 2_000])
            event = {"type": "event", "seq": seq, "body": body, "leaf_hash": b64(log.leaves[seq % 2_000])}
            file.write(encode(event) + b"\n")
            if frontier.size % 2_000 == 0 or frontier.size == events:
                text = format_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()))
                line = {"type": "checkpoint", "size": frontier.size, "note": sign_note(text, KEEPER)}
                file.write(encode(line) + b"\n")
        file.write(encode({"type": "end", "events": events}) + b"\n")


@pytest.mark.slow
def test_a_long_export_is_checked_at_a_hundred_thousand_events_a_second(tmp_path):
    write_long_export(tmp_path / "export.jsonl", 200_000)

    started = time.perf_counter()
    report = verify_export(tmp_path / "export.jsonl", KEEPER.vkey)
    took_s = time.perf_counter() - started

    assert report.ok
    assert took_s < 2


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for events in (2_000, 12_000):
        write_long_export(tmp_path / "export.jsonl", events)
        tracemalloc.start()
        assert verify_export(tmp_path / "export.jsonl", KEEPER.vkey).ok
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 100_000
