"""The URL map: REST under /api/v1, its schema, health, and the pages."""

from importlib.util import find_spec  # INTERIM

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from config.health import healthz


def _built(module: str) -> bool:  # INTERIM
    from importlib import import_module

    try:
        import_module(module)
    except ImportError:
        return False
    return True


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    *([path("api/v1/", include("accounts.urls"))] if _built("accounts.urls") else []),
    *([path("api/v1/", include("audit.urls"))] if _built("audit.urls") else []),
    *([path("api/v1/", include("lineage.urls"))] if _built("lineage.urls") else []),
    *([path("api/v1/", include("tracking.urls"))] if _built("tracking.urls") else []),
    *([path("api/v1/", include("registry.urls"))] if _built("registry.urls") else []),
    *([path("schemas/", include("registry.schema_urls"))] if _built("registry.schema_urls") else []),
    *([path("", include("web.urls"))] if _built("web.urls") else []),
]

handler400 = "core.problems.bad_request"
handler403 = "core.problems.forbidden"
handler404 = "core.problems.not_found"
handler500 = "core.problems.server_error"
