"""The server as commands use it: JSON in and out by relative path, lists read to their end, the project on every request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lineal import _settings
from lineal._credentials import Target, find_target, get_target

if TYPE_CHECKING:
    from lineal._downloads import Wish
    from lineal._http import Response, Transport

_LARGEST_PAGE = 1000
_SERVER_WIDE = ("server", "me", "users", "service-accounts", "projects", "tokens", "login-links", "session", "usage")


def path(*parts: object) -> str:
    """`path("models", name, "versions")`: each part quoted, so that a name cannot lead elsewhere."""
    return "/".join(quote(str(part), safe="") for part in parts)


def pinned_vkey(url: str | None) -> str | None:
    """The ledger key that was pinned for `url`, else for the server that is logged in to. Reads a file, no network."""
    target = find_target(url)
    return target.vkey if target else None


class Server:
    """Requests in the name of the caller. Nothing is read or sent before the first one.

    Every method raises the errors of `lineal._errors`; `OutcomeUnknown` only where the server may have acted.
    """

    def __init__(self, *, url: str | None = None, project: str | None = None, target: Target | None = None) -> None:
        self._url = url
        self._target = target
        self._project = project

    @cached_property
    def _transport(self) -> "Transport":
        from lineal._http import Transport

        return Transport(self._target or get_target(self._url), always_fresh=True)

    @property
    def named_project(self) -> str | None:
        """The project that the command line names; None where it names none."""
        return self._project

    @property
    def origin(self) -> str:
        return self._transport.target.origin

    @property
    def base_url(self) -> str:
        return self._transport.target.base_url

    def page(self, route: str | None) -> str | None:
        """The address of a page that the server named by its route."""
        return f"{self.base_url}{route}" if route else None

    @property
    def vkey(self) -> str | None:
        """The pinned ledger key; after the first request, the one that was pinned by it."""
        return self._transport.target.vkey

    def get(self, where: str, **query: Any) -> Any:
        return self._call("GET", where, query).json()

    def headers(self, where: str) -> Mapping[str, str]:
        return self._call("GET", where, {}).headers

    def text(self, where: str, **query: Any) -> str:
        return self._call("GET", where, query, headers={"Accept": "*/*"}).body.decode("utf-8")

    def post(self, where: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """Sent once: what to do about a lost answer is the command's to say."""
        return self._once("POST", where, json=body, headers=headers).json()

    def put(self, where: str, body: Any) -> Any:
        return self._once("PUT", where, json=body).json()

    def patch(self, where: str, body: Any) -> Any:
        return self._once("PATCH", where, json=body).json()

    def delete(self, where: str) -> None:
        self._once("DELETE", where)

    def put_document(self, where: str, document: bytes, *, content_type: str, **query: Any) -> Any:
        return self._once("PUT", where, query, body=document, content_type=content_type).json()

    def post_document(self, where: str, document: bytes, *, content_type: str, **query: Any) -> Any:
        return self._once("POST", where, query, body=document, content_type=content_type).json()

    def items(self, where: str, *, limit: int, **query: Any) -> list[dict[str, Any]]:
        """A list route, page by page, up to `limit` items."""
        return self._pages(lambda paging: self.get(where, **query, **paging), limit)

    def search(self, where: str, query: Mapping[str, Any], *, limit: int) -> list[dict[str, Any]]:
        """As `items`, for a search that is posted; it changes nothing, so a lost answer is asked for again."""
        later = {
            name: value for name, value in query.items() if name != "offset"
        }  # the cursor stands behind it already

        def fetch(paging: Mapping[str, Any]) -> Any:
            asked = later if "cursor" in paging else query
            return self._call("POST", where, {}, json={**asked, **paging}, repeatable=True).json()

        return self._pages(fetch, limit)

    def stream(self, where: str, **query: Any) -> Iterator[bytes]:
        """The body of a GET in pieces, for what is too large to hold."""
        with self._transport.download(f"/{where}", params=self._with_project(where, query)) as pieces:
            yield from pieces

    def bring(self, wishes: "Sequence[Wish]", on_done: "Callable[[Wish], None]") -> None:
        """Download files, checked; `on_done` hears of each from any thread."""
        from lineal._downloads import fetch_all

        fetch_all(
            self._transport,
            [each._replace(params=self._with_project(each.where, each.params)) for each in wishes],
            on_done,
        )

    @staticmethod
    def _pages(fetch: Any, limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < limit:
            paging = {"limit": min(limit - len(found), _LARGEST_PAGE), **({"cursor": cursor} if cursor else {})}
            page = fetch(paging)
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor or not page["items"]:
                break
        return found

    def _call(self, method: str, where: str, query: Mapping[str, Any], **options: Any) -> "Response":
        from lineal._http import call

        params = self._with_project(where, query)
        return call(self._transport, method, f"/{where}", params=params, **options)

    def _once(self, method: str, where: str, query: Mapping[str, Any] | None = None, **options: Any) -> "Response":
        params = self._with_project(where, query or {})
        return self._transport.request(method, f"/{where}", params=params, **options)

    def _with_project(self, where: str, query: Mapping[str, Any]) -> dict[str, Any]:
        room = where.split("/", 1)[0]
        if room in _SERVER_WIDE:
            return dict(query)
        if room == "audit":  # the log is one for the server; naming a project narrows it
            return {**query, "project": self._project}
        return {**query, "project": self._project or _settings.project()}
