"""Reads of the evidence on versions."""

from uuid import UUID

import zstandard
from django.db.models import QuerySet

from core.errors import NotFound
from registry.models import ModelVersion, Report


def list_reports(*, version: ModelVersion, name: str | None = None, verdict: str | None = None) -> QuerySet[Report]:
    """Newest first by when they came, without their documents."""
    reports = Report.objects.select_related("version__model__project").defer("document").filter(version=version)
    if name:
        reports = reports.filter(name=name)
    if verdict:
        reports = reports.filter(verdict=verdict)
    return reports.order_by("-id")


def get_report(*, version: ModelVersion, uuid: UUID) -> Report:
    """Raises NotFound."""
    report = Report.objects.select_related("version__model__project").filter(version=version, uuid=uuid).first()
    if report is None:
        raise NotFound(f"{version.label} has no evidence {uuid}.")
    return report


def find_latest_report(*, version: ModelVersion, name: str) -> Report | None:
    """The one of that name that was observed last: what a gate goes by. One that came late does not undo it."""
    return list_reports(version=version, name=name).order_by("-observed_at", "-id").first()


def report_document(report: Report) -> bytes:
    """The exact bytes that were attached."""
    return zstandard.ZstdDecompressor().decompress(bytes(report.document), max_output_size=report.size)
