"""The search box of the side bar: one page of what goes by that name, id or digest."""

from django.http import HttpResponse

from web import seek
from web.views.base import PageRequest, show_part, signed_in


@signed_in(room="search")
def search(request: PageRequest) -> HttpResponse:
    """The page, or its finds alone while someone types."""
    text = request.GET.get("q", "").strip()
    groups = seek.find(text, request.principal) if text else []
    return show_part(request, "web/search.html", "web/_finds.html", sought=text, groups=groups, newest=seek.NEWEST_RUNS)
