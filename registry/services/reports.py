"""Writes to the evidence on a version: reports are attached, and never changed or taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
import zstandard
from django.db import transaction

from audit.services import record
from core import clock, events
from core.access import Principal
from core.errors import Invalid, TooLarge
from registry.evidence import version_target
from registry.models import ModelVersion, Report
from registry.names import check_report_name
from registry.services.deployments import CLOCK_SKEW
from registry.services.versions import facts, refuse_deleted

DOCUMENT_BYTES = 1024 * 1024  # as it came; a report larger than this is data, and belongs among a run's artifacts
SUMMARY_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tool's document says, read by whoever knows the tool. `observed_at` is None where it does not say."""

    kind: str
    verdict: str
    tool: str
    tool_version: str = ""
    summary: Mapping[str, Any] | None = None
    url: str = ""
    observed_at: datetime | None = None


@transaction.atomic
def attach_report(
    *, version: ModelVersion, name: str, finding: Finding, document: bytes, actor: Principal
) -> tuple[Report, bool]:
    """Keep `document` as evidence `name` on `version`; and whether it is news. The same bytes under the same name are
    the same report. Announces `evidence.attached`.

    Raises:
        Invalid: a name that no report can have, a summary too large, or a verdict from the future.
        TooLarge: the document has more than 1 MiB.
    """
    check_report_name(name)
    refuse_deleted(version)
    _check(finding, document)
    digest = sha256(document).hexdigest()
    report, is_new = Report.objects.select_related("version__model__project").get_or_create(
        version=version,
        name=name,
        sha256=digest,
        defaults={
            "kind": finding.kind,
            "verdict": finding.verdict,
            "tool": finding.tool,
            "tool_version": finding.tool_version,
            "summary": dict(finding.summary or {}),
            "url": finding.url,
            "document": zstandard.compress(document),
            "size": len(document),
            "observed_at": finding.observed_at or clock.now(),
            "created_by_id": actor.id,
            "created_by": actor.name,
        },
    )
    if is_new:
        _tell_attached(report, actor)
    return report, is_new


def _check(finding: Finding, document: bytes) -> None:
    if len(document) > DOCUMENT_BYTES:
        raise TooLarge(f"A document of evidence has at most {DOCUMENT_BYTES} bytes; this one has {len(document)}.")
    if len(orjson.dumps(finding.summary)) > SUMMARY_BYTES:
        raise Invalid(f"The summary of a report has at most {SUMMARY_BYTES} bytes.", field="summary")
    now = clock.now()
    if finding.observed_at is not None and finding.observed_at > now + CLOCK_SKEW:
        raise Invalid(
            f"{clock.text(finding.observed_at)} is in the future; it is {clock.text(now)} here.", field="observed_at"
        )


def _tell_attached(report: Report, actor: Principal) -> None:
    version = report.version
    record(
        action="evidence.attach",
        target=version_target(version),
        actor=actor,
        project=version.model.project,
        after={
            "name": report.name,
            "kind": report.kind,
            "verdict": report.verdict,
            "tool": report.tool,
            "tool_version": report.tool_version,
            "sha256": report.sha256,
            "observed_at": report.observed_at,
        },
        refs=[("report", str(report.uuid)), ("model", str(version.model.uuid))],
    )
    events.announce(
        "evidence.attached", **facts(version), report=str(report.uuid), name=report.name, verdict=report.verdict
    )
