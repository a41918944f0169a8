"""Verdicts of other tools, from their own documents to evidence on a version."""

from django.db import transaction

from core.access import Principal
from core.errors import Invalid, TooLarge
from monitoring.errors import EvidenceUnreadable
from monitoring.intake import UnreadableVerdict, Verdict, read_verdict
from registry.models import ModelVersion, Report
from registry.services import attach_report
from registry.services.reports import DOCUMENT_BYTES, Finding


@transaction.atomic
def receive_verdict(
    *, version: ModelVersion, document: bytes, actor: Principal, name: str = "", tool: str | None = None
) -> tuple[Report, bool]:
    """Read `document` as `tool`'s (by its shape where none is named) and keep it as evidence on `version`; and whether
    it is news. Without a `name` it has the one that the document gives itself.

    Raises:
        EvidenceUnreadable: the document is not one that can be read.
        TooLarge: it has more than 1 MiB.
        Invalid: it names another version, its name is none that evidence can have, or its time is in the future.
    """
    return keep_verdict(
        version=version, verdict=read_document(document, tool=tool), document=document, actor=actor, name=name
    )


def read_document(document: bytes, *, tool: str | None = None) -> Verdict:
    """Raises EvidenceUnreadable, TooLarge."""
    if len(document) > DOCUMENT_BYTES:  # before anything looks into it
        raise TooLarge(f"A document of evidence has at most {DOCUMENT_BYTES} bytes.")
    try:
        return read_verdict(document, tool=tool)
    except UnreadableVerdict as exc:
        raise EvidenceUnreadable(exc.detail, field=exc.field) from exc


@transaction.atomic
def keep_verdict(
    *, version: ModelVersion, verdict: Verdict, document: bytes, actor: Principal, name: str = ""
) -> tuple[Report, bool]:
    """Keep what was read as evidence on `version`; and whether it is news. Raises Invalid, as `receive_verdict` does."""
    if verdict.digest and verdict.digest != version.digest:
        raise Invalid(
            f"The document is about {verdict.digest}, and {version.label} is {version.digest}.", field="digest"
        )
    finding = Finding(
        kind=verdict.kind,
        verdict=verdict.verdict,
        tool=verdict.tool,
        tool_version=verdict.tool_version,
        summary=verdict.summary,
        url=verdict.url,
        observed_at=verdict.observed_at,
    )
    return attach_report(
        version=version, name=name or verdict.name.strip(), finding=finding, document=document, actor=actor
    )
