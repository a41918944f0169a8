"""What goes between one monitor and its server: a question now and then, and parts, oldest first. One thread at a time."""

import random
import time
from collections.abc import Callable

from lineal._delivery import Postponed, Stopped, explained
from lineal._http import Transport, backoff_s
from lineal._monitors import contract as contracts
from lineal._monitors.contract import Contract
from lineal._monitors.delivery import PartRefused, send
from lineal._monitors.parts import DamagedPart, PartsInLine, Waiting
from lineal._notices import Notices

HURRIED_BACKOFF_S = 1.0  # between attempts while somebody waits
CLOSED_S = 60.0  # until a server is asked again that said no: somebody may give a right, or promote a version
IDLE_S = 5.0  # a bound on every wait, so that a missed notification costs little


class Courier:
    """Knows the contract, and how the server feels. `on_contract` is given each new contract, and puts it into force."""

    def __init__(
        self,
        transport: Transport,
        names: tuple[str, str, str],
        parts: PartsInLine,
        notices: Notices,
        *,
        refresh_every_s: float,
        on_contract: Callable[[Contract], None],
    ) -> None:
        self.contract: Contract | None = None
        self.trouble = ""
        self.sent = self.refused = self.refused_rows = 0
        self.transport = transport
        self._project, self._model, self._environment = names
        self._label = f"monitor {self._model}@{self._environment}"
        self._parts = parts
        self._notices = notices
        self._refresh_every_s = refresh_every_s
        self._on_contract = on_contract
        self._ask_at = self._send_at = 0.0
        self._told_to_wait = False
        self._attempt = 0
        self._doubts = False
        self._hurried = False
        self._closed: dict[str, float] = {}  # until when a monitor is left alone

    @property
    def is_closed(self) -> bool:
        """Whether the server has said no to what is next, so that waiting is no use."""
        now = time.monotonic()
        if self.contract is None:
            return self._closed.get("", 0.0) > now
        return len(self._parts) > 0 and self._next(now) is None

    def hurry(self, *, hurried: bool) -> None:
        """Somebody waits: what was only put off is tried now, unless the server itself named a time."""
        self._hurried = hurried
        if hurried and not self._told_to_wait:
            self._send_at = 0.0
            self._ask_at = self._ask_at if self.contract is not None or self._closed.get("") else 0.0

    def step(self) -> float:
        """Do the next thing; for how many seconds there is nothing to do then."""
        now = time.monotonic()
        if now >= self._ask_at:
            self._ask(now)
            return 0.0
        waiting = self._next(now) if now >= self._send_at else None
        if waiting is not None:
            self._send(waiting, now)
            return 0.0
        ends = [self._ask_at, *self._closed.values(), *([self._send_at] if self._next(now) is not None else [])]
        return min([IDLE_S, *(end - now for end in ends if end > now)])

    def _next(self, now: float) -> Waiting | None:
        return next((each for each in self._parts if self._closed.get(each.monitor, 0.0) <= now), None)

    def _ask(self, now: float) -> None:
        try:
            found = self._asked()
        except Postponed as exc:
            self._ask_at = now + self._wait_s(exc)
        except Stopped as exc:
            self._ask_at = self._closed[""] = now + CLOSED_S
            self.trouble = str(exc)
            self._notices.warn_once("closed", f"{self._label}: rows cannot be profiled, the server says: {exc}")
        else:
            self._calm_down()
            self._doubts = False
            self._closed.pop("", None)
            self._ask_at = now + self._refresh_every_s * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
            if found != self.contract:
                self._on_contract(found)

    def _asked(self) -> Contract:
        found: list[Contract] = []
        known = None if self._doubts else self.contract

        def ask() -> None:
            found.append(contracts.ask(self.transport, self._project, self._model, self._environment, known))

        explained(ask)
        return found[0]

    def _send(self, waiting: Waiting, now: float) -> None:
        try:
            send(self.transport, self._project, waiting.read())
        except Postponed as exc:
            self._send_at = now + self._wait_s(exc)
        except Stopped as exc:
            self._closed[waiting.monitor] = now + CLOSED_S
            self.trouble = str(exc)
            self._notices.warn_once(
                "stopped", f"{self._label}: the server takes no profiles, they wait in {self._parts.folder}: {exc}"
            )
        except (PartRefused, DamagedPart, OSError) as exc:
            self._put_aside(waiting, str(exc))
        else:
            self._calm_down()
            self.sent += 1
            self._parts.remove(waiting)

    def _put_aside(self, waiting: Waiting, reason: str) -> None:
        """Keep what was refused; the contract may be another one by now, so it is asked for anew."""
        self.refused += 1
        self._doubts, self._ask_at = True, 0.0
        self.refused_rows += waiting.rows
        place = self._parts.put_aside(waiting, reason)
        self._notices.warn_once(
            "refused", f"{self._label}: a profile of {waiting.rows} rows was refused and put aside as {place}: {reason}"
        )

    def _wait_s(self, exc: Postponed) -> float:
        self._attempt += 1
        self._told_to_wait = exc.after_s is not None
        self.trouble = str(exc)
        if self._attempt == 3:  # a blip needs no words
            self._notices.warn_once("postponed", f"{self._label} waits for the server, serving goes on: {exc}")
        return (
            exc.after_s
            if exc.after_s is not None
            else backoff_s(self._attempt, HURRIED_BACKOFF_S if self._hurried else 60.0)
        )

    def _calm_down(self) -> None:
        self._attempt, self._told_to_wait, self.trouble = 0, False, ""
