"""Asking the server for a promotion so that a lost answer is never mistaken for a no, and waiting for people and receipts."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from lineal._errors import (
    Forbidden,
    LinealError,
    NotConfigured,
    OutcomeUnknown,
    ProblemError,
    ServerError,
    ServerUnreachable,
    TooMany,
    Unauthorized,
)
from lineal._promotions import HOLDER_DIFFERS
from lineal.cli.exits import ExitCode, usage_error
from lineal.cli.failures import words_of
from lineal.cli.output import say
from lineal.cli.results import exit_code
from lineal.cli.server import Server, path

RETRY_DELAYS_S = (0.5, 1.0, 2.0)  # the key makes a repeat safe; longer outages are CI's to retry
FIRST_POLL_S = 1.0
LONGEST_POLL_S = 5.0
RECEIPT_WAIT_S = 10.0  # the ledger numbers events within a second unless its sequencer is down

_TURNED_AWAY: dict[type[ProblemError], str] = {Unauthorized: "not_identified", Forbidden: "not_allowed"}


class Request(Protocol):
    """What is asked of the server under a key that makes it safe to ask again."""

    @property
    def key(self) -> str: ...

    @property
    def dry_run(self) -> bool: ...

    def where(self) -> str: ...

    def body(self) -> dict[str, Any]: ...

    def about(self) -> dict[str, Any]:
        """What is known of the result before there is one."""
        ...


class PromotionRequest(NamedTuple):
    """`version` is a digest or a number, `expect_current` a digest, `none`, or None for no check."""

    model: str
    version: str | int
    environment: str
    expect_current: str | None
    reason: str
    key: str
    dry_run: bool = False

    def where(self) -> str:
        return path("models", self.model, "promotions")

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "version": self.version,
            "environment": self.environment,
            "reason": self.reason,
            "idempotency_key": self.key,
            "dry_run": self.dry_run,
        }
        return body if self.expect_current is None else {**body, "expect_current": self.expect_current}

    def about(self) -> dict[str, Any]:
        by_digest = isinstance(self.version, str)
        return {
            "model": self.model,
            "version": None if by_digest else self.version,
            "digest": self.version if by_digest else None,
            "environment": self.environment,
        }


class RollbackRequest(NamedTuple):
    """`to` is a digest, or None for the last good one before the current: another one after it was carried out once."""

    model: str
    environment: str
    to: str | None
    reason: str
    key: str
    expect_current: str | None = None
    dry_run: bool = False

    def where(self) -> str:
        return path("models", self.model, "rollbacks")

    def body(self) -> dict[str, Any]:
        body = {"environment": self.environment, "reason": self.reason}
        chosen = {"to": self.to, "expect_current": self.expect_current}
        return body | {name: value for name, value in chosen.items() if value is not None}

    def about(self) -> dict[str, Any]:
        return {"model": self.model, "version": None, "digest": self.to, "environment": self.environment}


def ask(server: Server, request: Request) -> dict[str, Any]:
    """The server's result document, or one of our own for what only the client can know (`unreachable`, `unknown`, …).

    Tries again a few times with the same key. Once any attempt may have reached the server, silence means `unknown`.

    Raises:
        CommandFailed: the request itself is wrong (exit code 2): no such model, another digest under the same key, …
    """
    try:
        _reach(server)
        return _ask_until_answered(server, request)
    except (Unauthorized, Forbidden) as error:
        return _own_result(request, _TURNED_AWAY[type(error)], error.detail)
    except NothingSent as error:
        return _own_result(request, "unreachable", str(error))


class NothingSent(Exception):
    """The server was not reached, or is not the one that was meant: the promotion was never asked for."""


def _reach(server: Server) -> None:
    """Meet the server before the promotion is sent, so that whatever fails until here has changed nothing."""
    try:
        server.get("server")
    except (Unauthorized, NotConfigured):
        raise
    except LinealError as error:
        raise NothingSent(str(error)) from error


def _ask_until_answered(server: Server, request: Request) -> dict[str, Any]:
    maybe_received = False
    detail = ""
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            return dict(server.post(request.where(), request.body(), headers={"Idempotency-Key": request.key}))
        except (ServerUnreachable, ServerError, TooMany) as error:
            maybe_received = maybe_received or isinstance(error, OutcomeUnknown | ServerError)
            detail = str(error)
        except KeyboardInterrupt:
            maybe_received, detail = True, "interrupted while the request was on its way"
            break
        except ProblemError as error:
            if type(error) in _TURNED_AWAY:
                raise
            if error.type == HOLDER_DIFFERS:
                return _own_result(request, "holder_differs", error.detail)
            raise usage_error(words_of(error)) from error
        except LinealError as error:  # an answer that is no document of ours
            maybe_received, detail = True, str(error)
        if delay_s is not None:
            time.sleep(delay_s)
    unknown = maybe_received and not request.dry_run
    return _own_result(request, "unknown" if unknown else "unreachable", detail)


def _own_result(request: Request, decision: str, detail: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "schema": "/schemas/promotion/v1.json",
        "decision": decision,
        "idempotency_key": request.key,
        "dry_run": request.dry_run,
        **request.about(),
        "detail": detail,
    }
    return {**result, "exit_code": int(exit_code(result))}


def wait_for_decision(server: Server, result: Mapping[str, Any], *, wait_s: float) -> dict[str, Any]:
    """Ask until the promotion is decided or the time is up. Ctrl-C stops the waiting, not the promotion.

    Where the last question found no server, people may have decided meanwhile: the result is then `unknown`.
    """
    latest = dict(result)
    until = time.monotonic() + wait_s
    poll_s = FIRST_POLL_S
    silence = ""
    try:
        while exit_code(latest) is ExitCode.WAITING and (left := until - time.monotonic()) > 0:
            time.sleep(min(poll_s, left))
            poll_s = min(poll_s * 1.5, LONGEST_POLL_S)
            silence, latest = _look(server, latest)
    except KeyboardInterrupt:
        say("stopped waiting; the promotion still waits on the server")
    if silence:
        latest = {**latest, "decision": "unknown", "exit_code": int(ExitCode.UNKNOWN), "detail": silence}
    return latest


def _look(server: Server, latest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What went wrong (empty: nothing) and the newest document known."""
    try:
        return "", dict(server.get(path("promotions", latest["id"])))
    except (ServerUnreachable, ServerError, TooMany) as error:
        return str(error), latest
    except (Unauthorized, Forbidden) as error:
        decision = _TURNED_AWAY[type(error)]
        code = int(exit_code({"decision": decision}))
        return "", {**latest, "decision": decision, "exit_code": code, "detail": error.detail}


def wait_for_receipt(server: Server, result: Mapping[str, Any]) -> dict[str, Any]:
    """The promoted result with its receipt, or as it was after ten seconds: the receipt follows, the promotion stands."""
    latest = dict(result)
    until = time.monotonic() + RECEIPT_WAIT_S
    poll_s = 0.1
    while _receipt_is_pending(latest) and time.monotonic() < until:
        time.sleep(poll_s)
        poll_s = min(poll_s * 1.5, 1.0)
        try:
            latest = dict(server.get(path("promotions", latest["id"])))
        except (ServerUnreachable, ProblemError):
            break
    return latest if exit_code(latest) is exit_code(result) else dict(result)


def _receipt_is_pending(result: Mapping[str, Any]) -> bool:
    receipt = result.get("receipt") or {}
    return result.get("decision") == "promoted" and bool(result.get("id")) and receipt.get("status") == "pending"
