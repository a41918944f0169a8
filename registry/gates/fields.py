"""Reads the fields of one table of a policy document, and gathers what is wrong with them instead of stopping at the first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Problem = Mapping[str, str]  # {"field": "gate.0.expr", "detail": "…"}


class Fields:
    """Each read names a field; after the last one `finish` reports the fields that nobody asked for."""

    def __init__(self, table: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
        self._table = table
        self._path = path
        self._problems = problems
        self._asked: list[str] = []

    def refuse(self, name: str, detail: str) -> None:
        field = f"{self._path}.{name}" if self._path and name else self._path or name
        self._problems.append({"field": field, "detail": detail})

    def text(
        self, name: str, *, default: str | None = None, longest: int = 200, check: Callable[[str], str] | None = None
    ) -> str:
        """A text; required without a default. `check` gives the accepted form or raises ValueError with the reason."""
        value = self._get(name, default)
        if value is None:
            return ""
        if not isinstance(value, str) or not value or len(value) > longest:
            self.refuse(name, f"Expected a text of 1 to {longest} characters, found {_kind(value)}.")
            return ""
        try:
            return check(value) if check else value
        except ValueError as exc:
            self.refuse(name, str(exc))
            return ""

    def optional_text(self, name: str, *, longest: int = 200) -> str | None:
        return self.text(name, longest=longest) if self._given(name) else None

    def integer(self, name: str, *, default: int | None = None, least: int, most: int) -> int:
        value = self._get(name, default)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, f"Expected a whole number from {least} to {most}, found {_kind(value)}.")
            return least
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            self.refuse(name, f"Expected true or false, found {_kind(value)}.")
            return default
        return value

    def choice(self, name: str, choices: Sequence[str], *, default: str | None = None) -> str:
        value = self._get(name, default)
        if value is None:
            return choices[0]
        if value not in choices:
            self.refuse(name, f"Expected one of {', '.join(choices)}, found {_kind(value)}.")
            return choices[0]
        return str(value)

    def choices(self, name: str, choices: Sequence[str], *, default: Sequence[str]) -> list[str]:
        """Several of `choices`, given back in their order, each once."""
        value = self._get(name, list(default))
        if not isinstance(value, list) or not value or any(item not in choices for item in value):
            self.refuse(name, f"Expected a list of some of {', '.join(choices)}, found {_kind(value)}.")
            return list(default)
        return [choice for choice in choices if choice in value]

    def texts(self, name: str, *, most: int, longest: int = 200) -> list[str]:
        """One to `most` texts, each once, in the order they are written."""
        value = self._get(name, None)
        if value is None:
            return []
        good = isinstance(value, list) and 1 <= len(value) <= most
        if not good or not all(isinstance(item, str) and 1 <= len(item) <= longest for item in value):
            self.refuse(name, f"Expected a list of 1 to {most} texts, found {_kind(value)}.")
            return []
        return list(dict.fromkeys(value))

    def optional_texts(self, name: str, *, most: int, longest: int = 200) -> list[str] | None:
        return self.texts(name, most=most, longest=longest) if self._given(name) else None

    def list_given(self, name: str) -> None:
        """Say that somebody else reads this field."""
        self._asked.append(name)

    def finish(self) -> None:
        for name in sorted(set(self._table) - set(self._asked)):
            self.refuse(name, f"Unknown field; known are {', '.join(sorted(self._asked))}.")

    def _given(self, name: str) -> bool:
        self._asked.append(name)
        return self._table.get(name) is not None

    def _get(self, name: str, default: Any) -> Any:
        if self._given(name):
            return self._table[name]
        if default is None:
            self.refuse(name, "This field is required.")
        return default


def _kind(value: Any) -> str:
    """The value where it is short, else its type: error messages are read by people."""
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, list):
        return repr(value)[:60]
    return {dict: "a table", type(None): "nothing"}.get(type(value), type(value).__name__)
