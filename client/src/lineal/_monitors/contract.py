"""What the server says about a model in an environment: which monitor takes its rows, and what they are counted over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lineal._errors import LinealError
from lineal._http import Transport
from lineal._profiles.reference import Reference

LONGEST_WINDOW_S = 366 * 86_400
PRIVACIES = ("standard", "strict")


@dataclass(frozen=True)
class Contract:
    """The answer, with the reference that it names; None where the version has no baseline, so that there is nothing to count over."""

    monitor: str
    version: int | None
    digest: str
    window_s: int
    privacy: str
    reference: Reference | None
    etag: str | None = field(default=None, compare=False)


def ask(transport: Transport, project: str, model: str, environment: str, known: Contract | None) -> Contract:
    """Two small requests; the reference itself travels when it is another one than the `known`.

    Raises:
        LinealError: as `Transport.request`, and where the answer is none that this client can read.
    """
    where = f"/models/{quote(model, safe='')}/environments/{quote(environment, safe='')}/monitor"
    answer = transport.request("GET", where, params={"project": project}).json()
    found = _read(answer)
    reference, etag = None, None
    if answer.get("reference") is not None:
        same = known if known is not None and known.monitor == found.monitor else None
        reference, etag = _reference(transport, project, found.monitor, same)
    return Contract(found.monitor, found.version, found.digest, found.window_s, found.privacy, reference, etag)


def _read(answer: Any) -> Contract:
    try:
        version = answer["version"] or {}
        found = Contract(
            str(answer["id"]),
            version.get("number"),
            str(version.get("digest") or ""),
            int(answer["window_s"]),
            str(answer["privacy"]),
            None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise LinealError(f"the server's answer describes no monitor: {answer!r:.200}") from exc
    if not 0 < found.window_s <= LONGEST_WINDOW_S or found.privacy not in PRIVACIES:
        raise LinealError(f"the server's monitor has windows of {found.window_s} s and privacy {found.privacy!r}")
    return found


def _reference(
    transport: Transport, project: str, monitor: str, known: Contract | None
) -> tuple[Reference | None, str | None]:
    headers: Mapping[str, str] = {"If-None-Match": known.etag} if known is not None and known.etag else {}
    where = f"/monitors/{quote(monitor, safe='')}/reference"
    answer = transport.request("GET", where, params={"project": project}, headers=headers)
    if answer.status == 304 and known is not None:
        return known.reference, known.etag
    return Reference.from_json(answer.json()), answer.headers.get("ETag")
