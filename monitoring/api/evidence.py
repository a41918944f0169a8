"""Evidence on a version: verdicts of other tools, attached with their documents."""

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse_query
from monitoring.api.documents import DocumentParser, document_of
from monitoring.intake import TOOLS
from monitoring.services import receive_verdict
from registry import selectors
from registry.api.base import RegistryView
from registry.api.render import report_out, report_with_document_out
from registry.api.schemas import ReportOut, ReportWithDocumentOut
from registry.models import Report
from registry.names import REPORT_LENGTH


class EvidenceOfVersion(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MODEL_WRITE}
    parser_classes = [DocumentParser]

    class Query(serializers.Serializer):
        name = serializers.CharField(max_length=REPORT_LENGTH, required=False)
        verdict = serializers.ChoiceField(Report.Verdict.values, required=False)

    class PostQuery(serializers.Serializer):
        name = serializers.CharField(
            max_length=REPORT_LENGTH, required=False, default="", help_text="The document's own name if left out."
        )
        tool = serializers.ChoiceField(TOOLS, required=False, help_text="Found by the document's shape if left out.")

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(ReportOut))
    def get(self, request: Request, name: str, ref: str) -> Response:
        """What is known of it, newest first, without the documents."""
        query = parse_query(self.Query, request)
        reports = selectors.list_reports(version=self.find_version(name, ref), **query)
        return Response(page(reports, request, column="id", newest_first=True, render=report_out))

    @extend_schema(
        parameters=[PostQuery],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={201: ReportOut, 200: ReportOut},
    )
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Attach a verdict. The body is the document as the tool wrote it, at most 1 MiB: a validation or checkpoint
        result of Great Expectations, a snapshot, report or test suite of Evidently, or the generic one. The same bytes
        under the same name are the same evidence: 200, and nothing is new.
        """
        query = parse_query(self.PostQuery, request)
        report, is_new = receive_verdict(
            version=self.find_version(name, ref), document=document_of(request), actor=self.principal, **query
        )
        return Response(report_out(report), status=201 if is_new else 200)


class OneEvidence(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=ReportWithDocumentOut)
    def get(self, request: Request, name: str, ref: str, uuid: UUID) -> Response:
        """With the document, exactly as it came."""
        report = selectors.get_report(version=self.find_version(name, ref), uuid=uuid)
        return Response(report_with_document_out(report))
