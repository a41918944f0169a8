"""The OpenAPI document as schemathesis sees it, bound to the application itself: requests go through its WSGI door,
middleware and all, and never through a socket.

The operations are those of the checked-in document (`tests/config` holds it to the server), so that tests have names
before a server is there.
"""

import re
from functools import cache
from pathlib import Path

import orjson
import schemathesis
from django.core.wsgi import get_wsgi_application
from schemathesis.schemas import APIOperation

PATH = Path(__file__).parents[1] / "client" / "openapi.json"
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})  # tokens are ours to send


@cache
def raw() -> dict:
    return orjson.loads(PATH.read_bytes())


@cache
def document() -> schemathesis.BaseSchema:
    loaded = schemathesis.openapi.from_dict(raw(), config=CONFIG)
    loaded.app = get_wsgi_application()
    return loaded


@cache
def operations() -> dict[str, APIOperation]:
    """By label, as `GET /api/v1/me`."""
    return {found.ok().label: found.ok() for found in document().get_all_operations()}


def labels() -> list[str]:
    """The same names, without building anything: for parametrising."""
    return [f"{verb.upper()} {path}" for path, verbs in raw()["paths"].items() for verb in verbs]


def shape_of(path: str) -> str:
    """The path with `{}` for each of its parts that vary."""
    return re.sub(r"{[^}]*}", "{}", path)


def names_in(path: str) -> list[str]:
    return re.findall(r"{([^}]*)}", path)


def properties_of_body(verb: str, path: str) -> set[str]:
    """What the operation's JSON body may hold at its top."""
    content = raw()["paths"][path][verb.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = raw()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))


def is_of_project(operation: APIOperation) -> bool:
    """Whether `?project=` says what it is about; on other routes it is a filter, without a default."""
    return any(each.name == "project" and "default" in each.definition["schema"] for each in operation.query)
