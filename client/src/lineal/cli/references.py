"""Model versions as the command line names them: by digest or by number, never by a word that may move."""

import re
from typing import Any, NamedTuple

import click

from lineal.cli.text import is_digest

_HEX = re.compile(r"[0-9a-f]{64}")


class VersionRef(NamedTuple):
    """A model and one of its versions: `sha256:…` or a number from 1."""

    model: str
    version: str | int

    def __str__(self) -> str:
        return f"{self.model}/{self.version}" if isinstance(self.version, int) else f"{self.model}@{self.version}"


class VersionRefType(click.ParamType):
    """`fraud@sha256:9f2c…` or `fraud/3`."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> VersionRef:
        if isinstance(value, VersionRef):
            return value
        model, separator, version = value.rpartition("@")
        if separator:
            return VersionRef(_model(model, value), _digest(version))
        model, separator, version = value.rpartition("/")
        if separator and version.isdecimal() and int(version) > 0:
            return VersionRef(_model(model, value), int(version))
        raise click.BadParameter(f"{value!r} names no version: write MODEL@sha256:… or MODEL/NUMBER")


class DigestType(click.ParamType):
    """`sha256:` and 64 hex digits, or one of the `words` allowed in its place."""

    name = "digest"

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if value in self.words else _digest(value)


def _model(model: str, whole: str) -> str:
    if not model:
        raise click.BadParameter(f"{whole!r} names no model: write MODEL@sha256:… or MODEL/NUMBER")
    return model


def _digest(text: str) -> str:
    if is_digest(text):
        return text
    if _HEX.fullmatch(text):
        return f"sha256:{text}"
    if text.startswith("sha256:"):
        raise click.BadParameter(f"{text!r} is not a whole digest: sha256: and 64 hex digits are needed")
    raise click.BadParameter(f"{text!r} may name another version tomorrow: give the digest sha256:… (or MODEL/NUMBER)")
