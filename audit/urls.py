"""Routes of the ledger under /api/v1/."""

from django.urls import path

from audit.api import events, heads

urlpatterns = [
    path("audit/events", events.Events.as_view()),
    path("audit/events/<uuid:id>", events.OneEvent.as_view()),
    path("audit/events/<uuid:id>/proof", events.EventProof.as_view()),
    path("audit/export", events.Export.as_view()),
    path("audit/checkpoint", heads.LatestCheckpoint.as_view()),
    path("audit/checkpoints", heads.Checkpoints.as_view()),
    path("audit/checkpoints/<int:size>", heads.OneCheckpoint.as_view()),
    path("audit/consistency", heads.Consistency.as_view()),
    path("audit/anchors", heads.Anchors.as_view()),
    path("audit/verifications", heads.Verifications.as_view()),
]
