"""Anchors that are no help."""

import pytest

from audit.notes import sign_note
from tests.client.audit_verify.exports import KEEPER, MALLORY, only


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
