"""Speed, memory, and every character that an export may hold."""

import time
import tracemalloc

import pytest
from lineal._audit_verify import verify_export

from audit import merkle
from audit.canonical import encode
from audit.notes import Checkpoint, format_checkpoint, sign_note
from tests.client.audit_verify.exports import KEEPER, ORIGIN, Log, b64


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
