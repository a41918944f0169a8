"""Evidence on a version: kept as it came, once, and on the ledger."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from core import events
from core.clock import now
from core.errors import Invalid, NotFound, TooLarge
from core.ids import uuid7
from registry import selectors, services
from registry.models import Report
from registry.services.reports import DOCUMENT_BYTES, Finding

pytestmark = pytest.mark.django_db

PASSED = Finding(kind="generic", verdict="pass", tool="aequitas", tool_version="1.0", summary={"checked": 3})


@pytest.fixture
def attach(make_version, bob):
    """`attach(b"…")`: evidence "bias" on the one version of the test, by Bob."""
    version = make_version()

    def call(document=b"{}", *, name="bias", on=version, finding=PASSED):
        return services.attach_report(version=on, name=name, finding=finding, document=document, actor=bob)

    call.version = version
    return call


def test_the_document_is_kept_byte_for_byte(attach):
    document = b'{"accuracy": 0.90, "spaces":   1}\n' * 1_000

    report, is_new = attach(document)

    stored = selectors.get_report(version=attach.version, uuid=report.uuid)
    assert is_new
    assert selectors.report_document(stored) == document
    assert len(bytes(stored.document)) < len(document) / 10
    assert (stored.size, stored.tool_version, stored.created_by) == (len(document), "1.0", "bob")


def test_attaching_leaves_an_entry_with_the_version_as_its_target(attach):
    report, _ = attach()

    event = AuditEvent.objects.latest("id")
    assert (event.action, event.target_type, event.target_id) == (
        "evidence.attach", "model_version", str(attach.version.uuid)
    )  # fmt: skip
    assert event.target_version == attach.version.digest
    assert report.sha256 in event.body
    assert str(report.uuid) in event.body


def test_attaching_is_announced(attach, monkeypatch):
    told = []
    monkeypatch.setattr(events, "announce", lambda event, **facts: told.append((event, facts)))

    report, _ = attach()

    ((event, facts),) = told
    assert event == "evidence.attached"
    assert (facts["report"], facts["name"], facts["verdict"]) == (str(report.uuid), "bias", "pass")
    assert (facts["model"], facts["digest"]) == ("fraud", attach.version.digest)


def test_the_same_bytes_under_the_same_name_are_the_same_report(attach, recorded_actions):
    first, _ = attach()
    before = recorded_actions()

    again, is_new = attach()

    assert (again.pk, is_new, recorded_actions()) == (first.pk, False, before)
    assert attach(name="other")[1]
    assert attach(b'{"a": 1}')[1]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"document": b"x" * (DOCUMENT_BYTES + 1)}, TooLarge, "at most 1048576 bytes"),
        ({"name": ""}, Invalid, "1 to 200"),
        ({"name": "x" * 201}, Invalid, "1 to 200"),
        ({"name": " bias"}, Invalid, "no space"),
        ({"name": "bi\nas"}, Invalid, "printable"),
        ({"finding": Finding("generic", "pass", "x", summary={"a": "x" * 40_000})}, Invalid, "summary"),
        ({"finding": Finding("generic", "pass", "x", observed_at=now() + timedelta(hours=1))}, Invalid, "future"),
    ],
)
def test_what_cannot_be_kept_leaves_nothing(attach, recorded_actions, options, error, words):
    before = recorded_actions()

    with pytest.raises(error, match=words):
        attach(**options)

    assert not Report.objects.exists()
    assert recorded_actions() == before


def test_the_database_knows_three_verdicts(attach):
    report, _ = attach()

    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(verdict="maybe")


def test_the_latest_is_the_one_observed_last(attach):
    """A report that comes late does not undo what was found since."""
    moment = now() - timedelta(days=1)
    newer, _ = attach(b"1", finding=Finding("generic", "fail", "x", observed_at=moment))
    attach(b"2", finding=Finding("generic", "pass", "x", observed_at=moment - timedelta(days=1)))

    assert selectors.find_latest_report(version=attach.version, name="bias") == newer
    assert selectors.find_latest_report(version=attach.version, name="absent") is None
    assert [report.verdict for report in selectors.list_reports(version=attach.version)] == ["pass", "fail"]
    assert selectors.list_reports(version=attach.version, verdict="fail").get() == newer


def test_evidence_belongs_to_its_version(attach, make_version):
    report, _ = attach()
    other = make_version()

    with pytest.raises(NotFound):
        selectors.get_report(version=other, uuid=report.uuid)
    with pytest.raises(NotFound):
        selectors.get_report(version=attach.version, uuid=uuid7())
    assert not selectors.list_reports(version=other).exists()


def test_a_list_does_not_fetch_documents(attach, django_assert_num_queries):
    for number in range(3):
        attach(b"%d" % number)

    with django_assert_num_queries(1):
        listed = [(report.name, report.version.label) for report in selectors.list_reports(version=attach.version)]

    assert len(listed) == 3
