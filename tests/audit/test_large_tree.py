"""Proofs in a log with tiles on three levels: two complete ones above the leaves, and ragged edges on each."""

import random

import pytest
from django.db import connection

from audit import keys, merkle, notes, tiles
from audit.models import AuditCheckpoint, AuditLeaf, AuditTile
from audit.testing import sequence_now

LEAVES = 256 * 256 + 256 + 3
EVENTS = """
    INSERT INTO audit_event (uuid, at, org, project_name, action, outcome, actor_type, actor_id, actor_name,
                             target_type, target_id, target_label, target_version, body)
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count})
    SELECT {uuid}, CURRENT_TIMESTAMP, 'default', '', 'audit.verify', 'ok', 'system', {uuid}, '',
           'ledger', 'log', '', '', '{{"n":' || n || '}}'
    FROM counted ORDER BY n
"""
HEX = {"sqlite": "printf('%032x', n)", "postgresql": "lpad(to_hex(n), 32, '0')::uuid"}


@pytest.fixture
def large_log(home, db):
    """Hashes of all leaves, once the sequencer has gone over them."""
    with connection.cursor() as cursor:
        cursor.execute(EVENTS.format(count=LEAVES, uuid=HEX[connection.vendor]))
        cursor.execute("INSERT INTO audit_pending (event_id) SELECT id FROM audit_event")
    assert sequence_now() == LEAVES
    return [bytes(each) for each in AuditLeaf.objects.order_by("seq").values_list("leaf_hash", flat=True)]


def test_proofs_from_three_levels_of_tiles_hold_and_read_only_a_few(large_log, django_assert_max_num_queries):
    assert AuditTile.objects.filter(level=0).count() == 257
    assert AuditTile.objects.filter(level=1).count() == 1

    head = AuditCheckpoint.objects.latest("size")
    signed = notes.parse_checkpoint(notes.verify_note(head.note, keys.find_vkey()))
    assert (signed.size, signed.root) == (LEAVES, merkle.root(large_log))

    reader = tiles.TileReader()
    edges = [0, 255, 256, 257, 65_535, 65_536, 65_537, 65_791, 65_792, LEAVES - 1]
    for index in [*edges, *random.Random(6962).sample(range(LEAVES), 200)]:
        proof = reader.inclusion_proof(index, LEAVES)
        assert len(proof) <= 17
        assert merkle.verify_inclusion(large_log[index], index, LEAVES, proof, signed.root)
    for index in (0, 65_536):
        assert reader.inclusion_proof(index, LEAVES) == merkle.inclusion_proof(large_log, index)

    for old in AuditCheckpoint.objects.order_by("size"):
        proof = reader.consistency_proof(old.size, LEAVES)
        assert merkle.verify_consistency(old.size, LEAVES, bytes(old.root), signed.root, proof)

    with django_assert_max_num_queries(12):  # the log itself is not read: that is what tiles are for
        tiles.TileReader().inclusion_proof(40_000, LEAVES)
