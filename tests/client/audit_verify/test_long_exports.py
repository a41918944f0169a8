"""Memory, and every character that an export may hold."""

import tracemalloc

from lineal._audit_verify import verify_export

from audit.canonical import encode
from tests.client.audit_verify.exports import KEEPER, Log, write_long_export


def test_every_character_is_spelled_as_the_server_spells_it(verify):
    """The verifier's fast encoder and the server's must agree on each character, or honest lines would look edited."""
    log = Log(events=1, every=1)
    characters = "".join(chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000)
    log.bodies = [encode({"action": "a.b", "id": "x", "reason": characters}).decode()]
    log.private = {}
    log.reseal()

    assert verify(log.objects()).ok


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for events in (2_000, 12_000):
        write_long_export(tmp_path / "export.jsonl", events)
        tracemalloc.start()
        assert verify_export(tmp_path / "export.jsonl", KEEPER.vkey).ok
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 100_000
