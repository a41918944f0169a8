"""What a list of runs is asked to show, as its address says it: a search, an order, columns; and the saved view behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from core.errors import Invalid
from tracking.models import SavedView
from tracking.search.columns import Column, join_columns, without_lines
from tracking.search.runs import Page, search_runs
from tracking.selectors import get_view
from tracking.services.views import ViewWish, wish_of

FIELDS = ("filter", "experiment", "lifecycle", "order_by", "columns")


@dataclass(frozen=True, slots=True)
class Listing:
    """`filter`, `order_by` and `columns` are as somebody wrote them, and may be nonsense."""

    project: Project
    filter: str = ""
    experiment: str = ""
    lifecycle: str = "active"
    order_by: str = ""
    columns: str = ""
    differing: bool = False
    view: SavedView | None = None

    @property
    def is_searched(self) -> bool:
        return bool(self.filter or self.experiment or self.lifecycle != "active")

    @property
    def is_changed(self) -> bool:
        """Shows something else than the saved view it began with."""
        return self.view is not None and self._said() != self._saved()

    @property
    def rule(self) -> Mapping[str, Any]:
        """What a view has to be to show this list: the fields of a `ViewWish` but its name and description."""
        return {**{name: getattr(self, name) for name in FIELDS}, "differing": self.differing}

    @property
    def fields(self) -> Mapping[str, str]:
        """What an address needs to say to lead here, and a form to carry along."""
        said, saved = self._said(), self._saved()
        told = {name: said[name] for name in said if said[name] != saved[name]}
        return {"view": str(self.view.uuid), **told} if self.view else told

    def query(self, **changes: Any) -> str:
        """The query string of this list with `changes`, from its first page; empty for the plain list."""
        fields = replace(self, **changes).fields
        return f"?{urlencode(fields)}" if fields else ""

    def url(self, **changes: Any) -> str:
        return reverse("web:run_list", args=[self.project.name]) + self.query(**changes)

    def export_url(self, form: str, columns: Sequence[Column]) -> str:
        """The file of the whole range, in the columns that are shown."""
        asked = {
            "project": self.project.name,
            "format": form,
            "filter": self.filter,
            "experiment": self.experiment,
            "lifecycle": self.lifecycle,
            "order_by": self.order_by,
            "columns": join_columns(without_lines(columns)),
        }
        return f"/api/v1/runs/export?{urlencode({name: value for name, value in asked.items() if value})}"

    def page(self, *, limit: int, cursor: str | None = None) -> Page:
        """Raises as `search_runs` does."""
        return search_runs(
            project=self.project,
            filter=self.filter,
            order_by=[self.order_by] if self.order_by else [],
            experiments=[self.experiment] if self.experiment else None,
            lifecycle=self.lifecycle,
            limit=limit,
            cursor=cursor or None,
        )

    def _said(self) -> dict[str, str]:
        return _in_address(ViewWish(name="", **self.rule))

    def _saved(self) -> dict[str, str]:
        return _rule(self.view)


def listing_of(project: Project, query: QueryDict) -> Listing:
    """What an address asks for. What it leaves out is as in its saved view, or as usual.

    Columns are `columns=metrics.auc,params.lr`, or of a form `column=metrics.auc&column=params.lr`.

    Raises ViewNotFound, Invalid.
    """
    view = _view(project, query.get("view", "").strip())
    saved = _rule(view)
    asked = {name: query.get(name, "").strip() for name in FIELDS if name in query}
    if "pick" in query:
        asked["columns"] = ",".join(query.getlist("column"))
    said = {**saved, **asked}
    return Listing(
        project=project,
        view=view,
        **{name: said[name] for name in FIELDS} | {"lifecycle": said["lifecycle"] or "active"},
        differing=(query["differing"] if "differing" in query else saved["differing"]) == "1",
    )


def _rule(view: SavedView | None) -> dict[str, str]:
    """That of the plain list without a view."""
    return _in_address(wish_of(view) if view else ViewWish(name=""))


def _in_address(wish: ViewWish) -> dict[str, str]:
    return {**{name: getattr(wish, name) for name in FIELDS}, "differing": "1" if wish.differing else ""}


def _view(project: Project, text: str) -> SavedView | None:
    if not text:
        return None
    try:
        uuid = UUID(text)
    except ValueError as exc:
        raise Invalid("A view is named by its id.", field="view") from exc
    return get_view(project=project, uuid=uuid)
