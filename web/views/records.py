"""The printable record of a model version."""

from django.http import HttpResponse

from accounts.models import Project
from audit.notes import fingerprint
from core import clock
from registry import selectors
from web.records import record_of
from web.views.base import PageRequest, project_page, show


@project_page(room="models")
def version_record(request: PageRequest, project: Project, name: str, number: int) -> HttpResponse:
    version = selectors.get_version(model=selectors.get_model(project=project, name=name), ref=number)
    record = record_of(version, project=project, viewer=request.principal)
    vkey = record.checkpoint.vkey if record.checkpoint else ""
    return show(
        request,
        "web/version_record.html",
        record=record,
        version=version,
        model=version.model,
        seal=version.seal,
        made_at=clock.now(),
        vkey=vkey,
        fingerprint=fingerprint(vkey) if vkey else "",
        page_url=request.build_absolute_uri(request.path),
    )
