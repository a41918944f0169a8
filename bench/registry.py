"""The registry over REST, on SQLite and on PostgreSQL: a version created, an alias moved, a version got by its alias.

One connection asks for one thing after the other; then 16 connections get the same alias side by side, driven from four processes.
Every answer is compared with what has to come: numbers that go up by one, the version that the alias was moved to. The limit is a
Django view on the same app server that answers a constant, asked in the same way. The last row has a web process for each core.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from bench import places
from bench.null_site import null_site
from bench.places import Place
from bench.sockets import Sockets
from bench.table import Row, at_share
from bench.wire import Wire

CALLS = 300
VERSIONS = 100
CLIENTS, PROCESSES = 16, 4
SECONDS = 5.0
VERIFIED_S = 60.0
ROUNDS = 3
LIMIT_IS = "a Django view that answers a constant"
TARGETS = {"create version": 4.0, "move alias": 4.0, "get by alias": 1.5}  # ms, p50
GETS = 2_000  # a second
ON = {"sqlite": places.on_sqlite, "postgresql": places.on_postgresql}
databases: Sequence[str] = ("sqlite", "postgresql")  # `--database`


def measure(folder: Path) -> list[Row]:
    rows: list[Row] = []
    with null_site(folder) as url:
        for database in databases:
            with ON[database](folder / database) as place:
                rows += _measured(place, url)
        if "postgresql" in databases:
            with places.on_postgresql(folder / "web-2", LINEAL_WEB_WORKERS="2") as place:
                rows.append(_gets_alone(replace(place, name=f"2 web processes, {place.name}"), url))
    return rows


def _measured(place: Place, url: str) -> Iterator[Row]:
    with Sockets(url) as constant:
        empty = [_timed(lambda: constant.send(request("GET", "/")))[0] for _ in range(CALLS)]
    wire = Wire(place.server.url, place.server.token)
    run = _run_with_files(wire, VERSIONS)
    headers = {"Authorization": f"Bearer {place.server.token}"}
    with Sockets(place.server.url) as connection:
        ask = _asker(connection, headers)
        yield _row("create version", place, _create(ask, run), empty)
        yield _row("move alias", place, _move(ask), empty)
        body = _settled(wire)
        yield _row("get by alias", place, _get(ask), empty)
    yield _gets(place, url, body)


def _gets_alone(place: Place, url: str) -> Row:
    wire = Wire(place.server.url, place.server.token)
    run = _run_with_files(wire, 1)
    wire.json("POST", "models/churn/versions", {"run": run, "artifact": "model-0.bin"})
    wire.json("PUT", "models/churn/aliases/champion", {"version": 1})
    return _gets(place, url, _settled(wire))


def _gets(place: Place, url: str, body: Any) -> Row:
    headers = {"Authorization": f"Bearer {place.server.token}"}
    get = request("GET", "/api/v1/models/churn/aliases/champion", headers)
    rates = [_side_by_side(place.server.url, get, body) for _ in range(ROUNDS)]
    most = statistics.median(_side_by_side(url, request("GET", "/"), None) for _ in range(ROUNDS))
    rate = statistics.median(rates)
    return Row(
        f"gets, {place.name}", "gets/s", rate, most, LIMIT_IS,
        detail=f"target {GETS:,} gets/s {'met' if rate >= GETS else 'MISSED'}; {CLIENTS} connections in {PROCESSES} processes",
        spread=f"{min(rates):,.0f} to {max(rates):,.0f}", n=ROUNDS,
    )  # fmt: skip


def _settled(wire: Wire) -> Any:
    """The answer that stays: a worker verifies the bytes of the last versions meanwhile, and the answer tells."""
    until = time.monotonic() + VERIFIED_S
    while time.monotonic() < until:
        found = wire.json("GET", "models/churn/aliases/champion")
        if found["lifecycle"] == "verified":
            return found
        time.sleep(0.1)
    raise RuntimeError(f"version {found['version']} is not verified after {VERIFIED_S:.0f} s")


def _row(name: str, place: Place, taken: Sequence[float], empty: Sequence[float]) -> Row:
    p50 = statistics.median(taken)
    return Row(
        f"{name}, {place.name}", "ms", p50, statistics.median(empty), LIMIT_IS,
        more_is_better=False,
        detail=f"target {TARGETS[name]:g} ms {'met' if p50 <= TARGETS[name] else 'MISSED'}",
        spread=f"p95 {at_share(taken, 0.95):.1f}, p99 {at_share(taken, 0.99):.1f}", n=len(taken),
    )  # fmt: skip


def _run_with_files(wire: Wire, count: int) -> str:
    """A run with `count` files of a kilobyte each, so that every version has bytes of its own."""
    run, chance = wire.start_run("bench"), random.Random(1)
    data = {f"model-{number}.bin": chance.randbytes(1_000) for number in range(count)}
    files = [{"path": path, "size": len(each), "sha256": sha256(each).hexdigest()} for path, each in data.items()]
    wanted = wire.json("POST", f"runs/{run}/artifacts", {"files": files})["files"]
    pack = {"files": [{"upload": each["upload"]["id"], "data": data[each["path"]]} for each in wanted]}
    wire.send("POST", f"runs/{run}/artifacts/pack", msgspec.msgpack.encode(pack), "application/x-msgpack")
    return run


Ask = Callable[[str, str, Any], tuple[float, Any]]


def _asker(connection: Sockets, headers: Mapping[str, str]) -> Ask:
    """Milliseconds from a request to its answer, and what the answer says."""

    def ask(method: str, path: str, body: Any) -> tuple[float, Any]:
        sent = request(method, f"/api/v1/{path}", headers, b"" if body is None else msgspec.json.encode(body))
        took, answer = _timed(lambda: connection.send(sent))
        return took, msgspec.json.decode(answer)

    return ask


def _create(ask: Ask, run: str) -> list[float]:
    taken = []
    for number in range(1, VERSIONS + 1):
        took, version = ask("POST", "models/churn/versions", {"run": run, "artifact": f"model-{number - 1}.bin"})
        _demand(version, number=number, run=run, artifact=f"model-{number - 1}.bin")
        taken.append(took)
    return taken


def _move(ask: Ask) -> list[float]:
    taken = []
    for call in range(CALLS):
        number = call % VERSIONS + 1
        took, alias = ask("PUT", "models/churn/aliases/champion", {"version": number})
        _demand(alias, alias="champion", version=number)
        _demand(ask("GET", "models/churn/aliases/champion", None)[1], version=number)
        taken.append(took)
    return taken


def _get(ask: Ask) -> list[float]:
    _, first = ask("GET", "models/churn/aliases/champion", None)
    _demand(ask("GET", f"models/churn/versions/{first['version']}", None)[1], digest=first["digest"], run=first["run"])
    taken = []
    for _ in range(CALLS):
        took, found = ask("GET", "models/churn/aliases/champion", None)
        _demand(found, **first)
        taken.append(took)
    return taken


def _demand(answer: Mapping[str, Any], **expected: Any) -> None:
    wrong = {name: answer.get(name) for name, value in expected.items() if answer.get(name) != value}
    if wrong:
        raise RuntimeError(f"the answer says {wrong}, and has to say {expected}")


def _side_by_side(url: str, sent: bytes, expected: Any) -> float:
    """Answers a second on `CLIENTS` connections. Processes, as one Python cannot ask as fast as the server answers."""
    each, starts = CLIENTS // PROCESSES, time.time() + 2.0
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        counts = list(pool.map(_ask_on, *zip(*[(url, sent, each, starts, expected)] * PROCESSES, strict=True)))
    return sum(counts) / SECONDS


def _ask_on(url: str, sent: bytes, connections: int, starts: float, expected: Any) -> int:
    """Each connection has a request under way at all times, until the time is over."""
    opened = [Sockets(url) for _ in range(connections)]
    known = opened[0].send(sent)
    if expected is not None and msgspec.json.decode(known) != expected:
        raise RuntimeError(f"{known!r} is not what has to come")
    late = time.time() - starts
    if late > 0:
        raise RuntimeError(f"this machine took {late:.1f} s too long to start the clients")
    time.sleep(-late)
    count, until = 0, time.perf_counter() + SECONDS
    for connection in opened:
        connection.ask(sent)
    while time.perf_counter() < until:
        for connection in opened:
            answer = connection.answer()
            if answer != known:
                raise RuntimeError(f"{answer!r} is not {known!r}, as before")
            count += 1
            connection.ask(sent)
    for connection in opened:
        with connection:
            connection.answer()
    return count


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _timed(act: Callable[[], bytes]) -> tuple[float, bytes]:
    begun = time.perf_counter()
    answer = act()
    return (time.perf_counter() - begun) * 1_000, answer
