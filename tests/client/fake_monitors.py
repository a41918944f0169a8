"""A small server that takes profiles of production as the contract says, and reads every one with the server's own strictness."""

import json
import uuid
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any

import lineal

from monitoring.profiles import key_id, merge, read_profile
from tests.client.fake_server import Answer, FakeServer, Problem


@dataclass
class FakeMonitor:
    """Of one version in one environment."""

    version: int = 1
    window_s: int = 3_600
    privacy: str = "standard"
    reference: lineal.Reference | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0

    def profiles(self) -> list[lineal.Profile]:
        return [lineal.Profile.from_bytes(b64decode(body["profile"])) for body in self.parts.values()]

    @property
    def whole(self) -> lineal.Profile:
        """Every part in one, as the server merges them."""
        parts = [read_profile(b64decode(body["profile"])) for body in self.parts.values()]
        return lineal.Profile.from_json(reduce(merge, parts).to_json())

    def starts(self) -> list[int]:
        return sorted({int(_moment(body["start"])) for body in self.parts.values()})


def _moment(text: str) -> float:
    assert text.endswith("Z")
    return datetime.fromisoformat(text).timestamp()


class FakeMonitors(FakeServer):
    """`serve` puts a version in an environment."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: dict[str, FakeMonitor] = {}
        self.serving: dict[str, FakeMonitor] = {}
        self.unchanged = 0  # how often a reference did not travel
        self.more_routes = [
            ("GET", "/models/([^/]+)/environments/([^/]+)/monitor", FakeMonitors.describe),
            ("GET", "/monitors/([^/]+)/reference", FakeMonitors.give_reference),
            ("POST", "/monitors/([^/]+)/profiles", FakeMonitors.take),
        ]

    def serve(self, name: str = "fraud@production", **about: Any) -> FakeMonitor:
        monitor = FakeMonitor(**about)
        self.monitors[monitor.id] = self.serving[name] = monitor
        return monitor

    def asked(self, route: str) -> int:
        """How often."""
        return sum(request.endswith(route) for request in self.requests)

    def describe(self, model: str, environment: str, *, query: dict[str, str], body: bytes) -> Any:
        assert query == {"project": "default"}
        monitor = self.serving.get(f"{model}@{environment}")
        if monitor is None:
            raise Problem(404, "monitor-not-found")
        reference = monitor.reference
        return {
            "id": monitor.id,
            "version": {"number": monitor.version, "digest": f"sha256:{monitor.version:064x}"},
            "window_s": monitor.window_s,
            "privacy": monitor.privacy,
            "reference": reference and {"id": reference.id, "url": f"/api/v1/monitors/{monitor.id}/reference"},
        }

    def give_reference(self, monitor: str, *, query: dict[str, str], body: bytes) -> Any:
        reference = self.monitors[monitor].reference
        if reference is None:
            raise Problem(404, "no-baseline")
        etag = f'"{reference.id}"'  # which does not tell the key
        if self.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return Answer(304, headers={"ETag": etag})
        return Answer(200, reference.to_json(), {"ETag": etag})

    def take(self, monitor: str, *, query: dict[str, str], body: bytes) -> Any:
        found = self.monitors.get(monitor)
        if found is None:
            raise Problem(404, "monitor-not-found")
        given = json.loads(body)
        assert set(given) == {"part", "start", "end", "profile"}
        assert str(uuid.UUID(given["part"])) == given["part"]
        start, end = _moment(given["start"]), _moment(given["end"])
        if start % found.window_s or end - start != found.window_s:
            raise Problem(422, "window-not-aligned")
        profile = read_profile(b64decode(given["profile"], validate=True))
        if found.reference is not None and profile.key != key_id(found.reference.key):
            raise Problem(422, "profile-mismatch")
        known = found.parts.get(given["part"])
        if known is not None:
            found.repeats += 1
            if known != given:
                raise Problem(409, "another-part")
            return Answer(200, {"part": given["part"], "repeated": True})
        found.parts[given["part"]] = given
        return Answer(201, {"part": given["part"], "repeated": False})
