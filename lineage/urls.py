"""Routes of the graph, under `/api/v1/`."""

from django.urls import path

from lineage.api.walks import Impact, Trace

urlpatterns = [
    path("lineage/trace", Trace.as_view(), name="lineage-trace"),
    path("lineage/impact", Impact.as_view(), name="lineage-impact"),
]
