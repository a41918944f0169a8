"""A Django site on the same app server, with the same threads, whose one view reads a request and stores nothing: what HTTP and
Django cost before anything is done.
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.environment import positive
from tests.server import free_port

START_S = 30.0
SITE = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path


def read(request):
    body = str(len(request.body))
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": str(len(body))})


urlpatterns = [path("", read)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none", DATA_UPLOAD_MAX_MEMORY_SIZE=2**24)
application = get_wsgi_application()
"""


@contextmanager
def null_site(folder: Path) -> Iterator[str]:
    """Its URL."""
    (folder / "bench_null_site.py").write_text(SITE)
    port, url = free_port(), ""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
         "--blocking-threads", str(positive("LINEAL_WEB_THREADS")), "--http", "1", "--no-ws",
         "--log-level", "error", "bench_null_site:application"],
        cwd=folder,
    )  # fmt: skip
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
