"""The URL map as a flat list, for tests that walk all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

SAMPLES = {
    "str": "sample",
    "slug": "sample",
    "int": "1",
    "uuid": "0190a000-0000-7000-8000-000000000000",
    "path": "some/sample",
}
PAGE_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CONVERTER = re.compile(r"<(?:(?P<kind>[a-z_0-9]+):)?\w+>")


@dataclass(frozen=True)
class Mapped:
    """One route as the URL map spells it, with the view behind it."""

    route: str
    view: Any

    @property
    def rest_class(self) -> type[APIView] | None:
        made_by = getattr(self.view, "cls", None)
        return made_by if isinstance(made_by, type) and issubclass(made_by, APIView) else None

    @property
    def verbs(self) -> tuple[str, ...]:
        """What a REST view handles; for a plain view, which does not say, everything."""
        if self.rest_class is None:
            return PAGE_VERBS
        return tuple(verb for verb in PAGE_VERBS if hasattr(self.rest_class, verb.lower()))

    @property
    def sample(self) -> str:
        """A path that leads here."""
        return "/" + _CONVERTER.sub(lambda found: SAMPLES.get(found["kind"] or "str", "sample"), self.route)

    @property
    def shape(self) -> str:
        """The path with `{}` for each of its parts that vary."""
        return "/" + _CONVERTER.sub("{}", self.route)

    @property
    def room(self) -> str:
        owner = self.rest_class or self.view
        return str(owner.__module__).partition(".")[0]


def walk(patterns: Any = None, prefix: str = "") -> Iterator[Mapped]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield Mapped(prefix + str(pattern.pattern), pattern.callback)
