"""Routes of the ledger under /api/v1/."""

from django.urls import path

from audit.api import events, heads, private, tiles

urlpatterns = [
    path("audit/events", events.Events.as_view()),
    path("audit/events/<uuid:id>", events.OneEvent.as_view()),
    path("audit/events/<uuid:id>/proof", events.EventProof.as_view()),
    path("audit/events/<uuid:id>/private", private.PrivateValues.as_view()),
    path("audit/events/<uuid:id>/erasure", private.Erasure.as_view()),
    path("audit/export", events.Export.as_view()),
    path("audit/checkpoint", heads.LatestCheckpoint.as_view()),
    path("audit/checkpoints", heads.Checkpoints.as_view()),
    path("audit/checkpoints/<int:size>", heads.OneCheckpoint.as_view()),
    path("audit/log/checkpoint", heads.LatestCheckpoint.as_view()),
    path("audit/log/tile/entries/<path:index>", tiles.EntryBundle.as_view()),
    path("audit/log/tile/<int:level>/<path:index>", tiles.HashTile.as_view()),
    path("audit/consistency", heads.Consistency.as_view()),
    path("audit/anchors", heads.Anchors.as_view()),
    path("audit/verifications", heads.Verifications.as_view()),
]
