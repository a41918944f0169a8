"""Requests of a bench: one keep-alive connection, the owner's token, batches as a client packs them."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import urllib3


class Wire:
    """One connection to a server. Raises RuntimeError on any answer but 2xx."""

    def __init__(self, url: str, token: str) -> None:
        self._pool = urllib3.HTTPConnectionPool(
            url.removeprefix("http://").partition(":")[0], int(url.rpartition(":")[2])
        )
        self._headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
        headers = self._headers | ({"Content-Type": content_type} if body is not None else {})
        answer = self._pool.request(method, f"/api/v1/{path}", body=body, headers=headers, retries=False)
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data[:300]!r}")
        return bytes(answer.data)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        sent = None if body is None else msgspec.json.encode(body)
        return msgspec.json.decode(self.send(method, path, sent))

    def start_run(self, experiment: str) -> str:
        return str(self.json("POST", "runs", {"experiment": experiment})["id"])

    def batch(self, run: str, body: bytes) -> None:
        self.send("POST", f"runs/{run}/batches", body, "application/x-msgpack")


def pack(
    writer: str, sequence: int, columns: Mapping[str, tuple[Sequence[int], Sequence[int], Sequence[float]]]
) -> bytes:
    """A batch body: for each metric (steps, times in µs, values)."""
    metrics = [
        {
            "key": key,
            "steps": array("q", steps).tobytes(),
            "times": array("q", times).tobytes(),
            "values": array("d", values).tobytes(),
        }
        for key, (steps, times, values) in columns.items()
    ]
    return msgspec.msgpack.encode({"writer": writer, "sequence": sequence, "metrics": metrics})
