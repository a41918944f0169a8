"""Reading a document that others wrote: every value knows where it stands, so every complaint names the place."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any


class UnreadableVerdict(ValueError):
    """`field` is where, as in `results.3.success`; `detail` what was found there and what was expected."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field
        self.detail = detail


class Place:
    """A value of the document and its path. Reading it as something it is not raises UnreadableVerdict."""

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __getitem__(self, key: str) -> "Place":
        """The value under `key`, which has to be there and not null."""
        found = self.find(key)
        if found is None:
            raise UnreadableVerdict(self._below(key), "This is missing.")
        return found

    def find(self, key: str) -> "Place | None":
        """The value under `key`; None where it is missing or null."""
        value = self.object().get(key)
        return None if value is None else Place(value, self._below(key))

    def has(self, key: str, kind: type) -> bool:
        """Whether this is an object with something of that kind under `key`."""
        return isinstance(self.value, dict) and isinstance(self.value.get(key), kind)

    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = self._as(dict, "an object")
        return found

    def fields(self) -> Iterator[tuple[str, "Place"]]:
        return ((key, Place(value, self._below(key))) for key, value in self.object().items())

    def items(self) -> list["Place"]:
        values: list[Any] = self._as(list, "a list")
        return [Place(value, self._below(str(index))) for index, value in enumerate(values)]

    def boolean(self) -> bool:
        found: bool = self._as(bool, "true or false")
        return found

    def count(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < 2**31:
            raise UnreadableVerdict(self.path, f"Expected a count, found {kind_of(self.value)}.")
        return self.value

    def number(self) -> float:
        """A number; NaN and infinities too, which Python's tools write into JSON."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise UnreadableVerdict(self.path, f"Expected a number, found {kind_of(self.value)}.")
        try:
            return float(self.value)
        except OverflowError as exc:
            raise UnreadableVerdict(self.path, "This number is too large to be read.") from exc

    def text(self, longest: int = 200) -> str:
        """The text without control characters, cut at `longest`."""
        return clean(self._as(str, "a text"), longest)

    def moment(self) -> datetime | None:
        """A time in ISO 8601; None where it does not say its zone, since it may be any."""
        text: str = self._as(str, "a time")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as exc:
            raise UnreadableVerdict(self.path, f"Expected a time in ISO 8601, found {text[:40]!r}.") from exc
        return moment if moment.tzinfo else None

    def _as(self, kind: type, called: str) -> Any:
        if not isinstance(self.value, kind):
            raise UnreadableVerdict(self.path, f"Expected {called}, found {kind_of(self.value)}.")
        return self.value

    def _below(self, key: str) -> str:
        key = clean(key, 80)
        return f"{self.path}.{key}" if self.path else key


def parse_document(document: bytes) -> Any:
    """The JSON in `document`. NaN and infinities are let pass: Python's tools write them.

    Raises:
        UnreadableVerdict: it is not JSON, or nested too deep; line and column are named.
    """
    try:
        return json.loads(document.decode())
    except json.JSONDecodeError as exc:
        raise UnreadableVerdict("", f"Not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}.") from exc
    except UnicodeDecodeError as exc:
        raise UnreadableVerdict("", f"Not UTF-8, so not JSON: byte {exc.start}.") from exc
    except RecursionError as exc:
        raise UnreadableVerdict("", "Nested too deep to be read.") from exc
    except ValueError as exc:  # a whole number of thousands of digits
        raise UnreadableVerdict("", f"Cannot be read: {clean(str(exc), 120)}.") from exc


def clean(text: str, longest: int) -> str:
    """`text` as tables and terminals can hold it: no control characters, no halves of characters, not too long."""
    whole = text[: longest + 1].encode("utf-8", "replace").decode()
    shown = "".join(sign if sign.isprintable() else " " for sign in whole)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def kind_of(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), "something else")
