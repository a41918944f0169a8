"""REST routes of this room, below /api/v1/."""

from django.urls import path

from retention.api import deletions, holds, usage

urlpatterns = [
    path("deletions", deletions.Deletions.as_view()),
    path("deletions/<uuid:uuid>", deletions.OneDeletion.as_view()),
    path("deletions/<uuid:uuid>/items", deletions.DeletionItems.as_view()),
    path("deletions/<uuid:uuid>/cancel", deletions.CancelDeletion.as_view()),
    path("holds", holds.Holds.as_view()),
    path("holds/<uuid:uuid>", holds.OneHold.as_view()),
    path("holds/<uuid:uuid>/lift", holds.LiftHold.as_view()),
    path("held", holds.Held.as_view()),
    path("usage", usage.UsageView.as_view()),
]
