"""Promotions as Python sees them: asked for under a key, so that a lost answer can be asked for again, and read as a result."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from lineal._errors import Conflict, NotPromoted, OutcomeUnknown, ServerError, ServerUnreachable, TooMany
from lineal._http import Transport, backoff_s, retry_after_s

ATTEMPTS = 6  # some ten seconds: a server that is restarted is back by then
EXIT_OK, EXIT_WAITING, EXIT_HOLDER_DIFFERS = 0, 10, 23
HOLDER_DIFFERS = "/problems/holder-differs"  # of a rollback, where the server has no version to write a result about
POLL_S = 1.0


@dataclass(frozen=True)
class Promotion:
    """What the server decided. `decision` is promoted, already, waiting, …; `document` is the whole result, gates and all."""

    id: str | None
    decision: str
    exit_code: int
    model: str
    version: int | None
    digest: str | None
    environment: str
    detail: str
    document: Mapping[str, Any]


def promotion_of(document: Mapping[str, Any]) -> Promotion:
    found = {name: document.get(name) for name in ("id", "model", "version", "digest", "environment")}
    return Promotion(
        decision=str(document["decision"]),
        exit_code=int(document["exit_code"]),
        detail=str(document.get("detail") or ""),
        document=document,
        **found,  # type: ignore[arg-type]  # as the published schema of results has them
    )


def ask(transport: Transport, path: str, body: Mapping[str, Any], *, project: str, key: str | None) -> Promotion:
    """Send the request until there is an answer, always under the same key.

    Raises:
        OutcomeUnknown: it may have been carried out; `idempotency_key` asks again safely.
        ServerUnreachable: it was never received.
        NotPromoted: somebody was faster, and there is nothing left to decide on.
        ProblemError: it was wrong, or not allowed.
    """
    key = key or uuid4().hex
    headers, maybe_received = {"Idempotency-Key": key}, False
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = transport.request("POST", path, params={"project": project}, json=dict(body), headers=headers)
            return promotion_of(answer.json())
        except Conflict as exc:
            if exc.type != HOLDER_DIFFERS:
                raise
            raise NotPromoted(
                exc.detail, {"decision": "holder_differs", "exit_code": EXIT_HOLDER_DIFFERS, **exc.extra}
            ) from exc
        except (ServerUnreachable, ServerError, TooMany) as exc:
            maybe_received = maybe_received or isinstance(exc, OutcomeUnknown | ServerError)
            if attempt == ATTEMPTS:
                raise _outcome(exc, key, maybe_received=maybe_received) from exc
            wait_s = retry_after_s(exc)
        time.sleep(min(wait_s if wait_s is not None else backoff_s(attempt), 30.0))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _outcome(exc: Exception, key: str, *, maybe_received: bool) -> Exception:
    if not maybe_received:
        return exc
    unknown = OutcomeUnknown(f"whether it was carried out is not known; ask again with idempotency_key={key!r}: {exc}")
    unknown.idempotency_key = key
    return unknown


def wait_decided(transport: Transport, promotion: Promotion, *, project: str, wait_s: float) -> Promotion:
    """The promotion once gates and people have decided, or as it stands after `wait_s`."""
    until = time.monotonic() + wait_s
    while promotion.exit_code == EXIT_WAITING and promotion.id and (left := until - time.monotonic()) > 0:
        time.sleep(min(POLL_S, left))
        found = transport.request("GET", f"/promotions/{quote(promotion.id)}", params={"project": project})
        promotion = promotion_of(found.json())
    return promotion


def insist(promotion: Promotion) -> Promotion:
    """The promotion, if it stands or still waits.

    Raises:
        NotPromoted: the answer was no.
    """
    if promotion.exit_code in (EXIT_OK, EXIT_WAITING):
        return promotion
    failed = [
        f"{gate.get('id')}: {gate.get('detail') or gate.get('status')}"
        for gate in promotion.document.get("gates") or []
        if gate.get("status") in ("fail", "missing", "error")
    ]
    reasons = "; ".join(part for part in (promotion.detail, *failed) if part)
    raise NotPromoted(
        f"{promotion.model} was not promoted to {promotion.environment}: {promotion.decision}{f' ({reasons})' if reasons else ''}",
        promotion.document,
    )
