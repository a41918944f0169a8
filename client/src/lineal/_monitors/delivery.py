"""One part to the server: what a living monitor and `lineal sync` have in common."""

from urllib.parse import quote

from lineal._delivery import explained
from lineal._errors import Conflict, Invalid, Malformed, TooLarge
from lineal._http import Transport
from lineal._monitors.parts import Part


class PartRefused(Exception):
    """The server will never take this part; its sentence says why."""


def send(transport: Transport, project: str, part: Part) -> None:
    """Bring it. A repeat is no second part, because the server knows it by its id.

    Raises:
        Postponed: now is no time.
        Stopped: nothing of this monitor is taken as things are.
        PartRefused: this part never will be.
    """

    def post() -> None:
        where = f"/monitors/{quote(part.monitor, safe='')}/profiles"
        try:
            transport.request("POST", where, params={"project": project}, json=part.body(), repeatable=True)
        except (Malformed, Invalid, TooLarge, Conflict) as exc:
            raise PartRefused(f"{exc} [HTTP {exc.status}]") from exc

    explained(post)
