"""What there is to hit: the matrix's world with one of everything in it, good requests of every route, and who asks.

A route that joins the matrix is furnished here by itself: its `prepare` makes the objects, its body is a good body.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from django.apps import apps
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, models, transaction
from django.test import override_settings

from accounts import recent
from accounts.models import Account
from core import ratelimit
from registry.models import ModelVersion
from tests.fuzz.document import names_in, shape_of
from tests.security import matrix
from tests.security import tracking_world as logged
from tests.security.people import new_world

CANARY = "canary-e2a7-of-the-shared-project"  # stands in what a stranger must not read, and in no request
WORDS = ("description", "display_name", "detail", "note", "summary")
CALLERS = ("owner", "contributor", "stranger", "anonymous")
HARMFUL = {matrix._deactivated}  # shuts out accounts that later requests speak of
FIRST = (logged.an_upload, logged.a_complete_upload)  # bytes that the project has already are not uploaded again
UNLIMITED = dict.fromkeys(ratelimit.DEFAULTS, (1e9, 10**9))


@dataclass(frozen=True)
class Good:
    """A request that the matrix holds to be answered well."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    raw: bytes | None = None
    content_type: str = "application/json"
    ok: int = 200


@dataclass
class Prepared:
    tokens: dict[str, str | None] = field(default_factory=dict)
    places: dict[str, list[Mapping[str, str]]] = field(default_factory=lambda: defaultdict(list))
    good: dict[str, list[Good]] = field(default_factory=lambda: defaultdict(list))

    def places_of(self, path: str) -> list[Mapping[str, str]]:
        """Values of the path's parameters that lead to things which are there, each a set that belongs together."""
        names = names_in(path)
        return [dict(zip(names, values, strict=True)) for values in self.places[shape_of(path)]]

    def good_of(self, verb: str, path: str) -> list[Good]:
        return self.good[f"{verb} {shape_of(path)}"]


def prepare() -> Prepared:
    world = new_world()
    found = Prepared()
    made = _make_things(world)
    for route in matrix.ROUTES:
        _note(found, route, world.names | made.get(route.prepare, {}))
    _add_canaries()
    Account.objects.filter(uuid=world.people["stranger"].id).update(display_name="Mallory")
    found.tokens = {
        "owner": world.make_token(world.people["server admin"]),
        "contributor": world.make_token(world.people["contributor"]),
        "stranger": world.make_token(world.people["stranger"]),
        "anonymous": None,
    }
    return found


def _make_things(world: matrix.World) -> dict[Any, Mapping[str, str]]:
    """What each `prepare` made, by it; each is asked once."""
    needed = [route.prepare for route in matrix.ROUTES if route.prepare is not None and route.prepare not in HARMFUL]
    made: dict[Any, Mapping[str, str]] = {None: {}}
    for make in [*FIRST, *needed]:
        if make not in made:
            before = _latest_version()
            made[make] = make(world, world.people["contributor"])
            after = _latest_version()
            if after != before:  # the matrix says 1, having a world of its own each time
                made[make] = {**made[make], "version": str(after)}
    return made


def _latest_version() -> int | None:
    return ModelVersion.objects.aggregate(latest=models.Max("number"))["latest"]


def _note(found: Prepared, route: matrix.Route, names: Mapping[str, str]) -> None:
    path, _, query = route.path.partition("?")
    values = tuple(names[name] for name in names_in(path))
    body = _filled(route.body, names)
    asked = dict(parse_qsl(_filled(query, names)))
    if values not in found.places[shape_of(path)]:
        found.places[shape_of(path)].append(values)
    good = Good(values, asked, body, route.raw, route.content_type or "application/json", route.ok)
    found.good[f"{route.verb} {shape_of(path)}"].append(good)


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], value)
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value


def _add_canaries() -> None:
    """Every free text of every room but the ledger, which nobody may rewrite, tells of itself."""
    for model in apps.get_models():
        if model._meta.app_label == "audit":
            continue
        texts = [f.name for f in model._meta.concrete_fields if isinstance(f, models.TextField | models.CharField)]
        words = {name: CANARY for name in texts if name in WORDS}
        if words:
            model.objects.update(**words)


@contextmanager
def furnished(folder: Path) -> Iterator[Prepared]:
    """The world, in a transaction that is taken back at the end."""
    (folder / "blobs").mkdir(parents=True)
    (folder / "data").mkdir()
    with (
        override_settings(
            HOME=folder,
            BLOBS_URL=f"file://{folder / 'blobs'}",
            DATA_ROOTS=[str(folder / "data")],
            RING_WORKERS=False,
            LINEAL_RATE_LIMITS=UNLIMITED,
        ),
        taken_back(),
    ):
        prepared = prepare()
        with (
            _one_connection()
        ):  # not before: Django's own client, which some of the preparing uses, puts the handlers back
            yield prepared


@contextmanager
def _one_connection() -> Iterator[None]:
    """The end of a request is not the end of the connection, whose transaction holds the world (Django's client does so too)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever happens in the database in here is undone, and what this process remembers of it forgotten."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)
            recent.forget_all()
            ratelimit.buckets.clear()
