"""The URL map: REST under /api/v1, its schema, health, and the pages."""

from django.urls import include, path

from config.health import healthz, readyz
from config.openapi import Document
from config.scraping import Metrics

urlpatterns = [
    path("api/v1/", include("tracking.ingest_urls")),
    path("api/v1/", include("registry.lookup_urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("api/schema", Document.as_view(), name="schema"),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("audit.urls")),
    path("api/v1/", include("notify.urls")),
    path("api/v1/", include("lineage.urls")),
    path("api/v1/", include("retention.urls")),
    path("api/v1/", include("tracking.urls")),
    path("api/v1/", include("registry.urls")),
    path("api/v1/", include("monitoring.urls")),
    path("schemas/", include("registry.schema_urls")),
    path("", include("web.urls")),
]

handler400 = "core.problems.bad_request"
handler403 = "core.problems.forbidden"
handler404 = "core.problems.not_found"
handler500 = "core.problems.server_error"
