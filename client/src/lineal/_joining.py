"""Parts of one batch, which were spooled one by one, as the one body that is sent."""

from typing import Any


def joined(bodies: list[bytes]) -> bytes:
    """Series put together in order, later tags over earlier ones. One part is sent as it is; of more, each has to be readable."""
    if len(bodies) == 1:
        return bodies[0]
    import msgspec

    return msgspec.msgpack.encode(_whole([msgspec.msgpack.decode(body) for body in bodies]))


def unreadable(body: bytes) -> str:
    """Why this is no part of a batch; empty where it is one."""
    import msgspec

    try:
        _whole([msgspec.msgpack.decode(body)])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as exc:
        return f"it is no batch: {exc!r}"
    return ""


def _whole(parts: list[dict[str, Any]]) -> dict[str, Any]:
    series: dict[str, dict[str, list[bytes]]] = {}
    for part in parts:
        for columns in part.get("metrics", []):
            held = series.setdefault(columns["key"], {"steps": [], "times": [], "values": []})
            for name, pieces in held.items():
                pieces.append(columns[name])
    whole = {
        **parts[0],
        "metrics": [
            {"key": key, **{name: b"".join(pieces) for name, pieces in held.items()}} for key, held in series.items()
        ],
        "tags": {key: value for part in parts for key, value in part.get("tags", {}).items()},
        "inputs": [use for part in parts for use in part.get("inputs", [])],
    }
    outputs = [use for part in parts for use in part.get("outputs", [])]
    return whole | ({"outputs": outputs} if outputs else {})
