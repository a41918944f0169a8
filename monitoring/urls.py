"""Routes of the monitoring room, under `/api/v1/`."""

from django.urls import path

from monitoring.api import evidence

VERSION = "models/<str:name>/versions/<str:ref>"

urlpatterns = [
    path(f"{VERSION}/evidence", evidence.EvidenceOfVersion.as_view(), name="version-evidence"),
    path(f"{VERSION}/evidence/<uuid:uuid>", evidence.OneEvidence.as_view(), name="evidence"),
]
