"""Random damage is found, wherever it is, and reported briefly."""

import json
import random

from lineal import _audit_report
from lineal._audit_verify import render

from tests.client.audit_verify.exports import CHOSEN, Log, encoded


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
