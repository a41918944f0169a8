"""Bodies that are policy documents: JSON, TOML or YAML by their content type."""

from collections.abc import Mapping
from typing import Any

from rest_framework.parsers import BaseParser

from core.codec import JsonParser
from core.errors import TooLarge
from registry.policies import MAX_BYTES, parse_toml, parse_yaml


class TomlParser(BaseParser):
    media_type = "application/toml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return parse_toml(read_limited(stream))


class YamlParser(BaseParser):
    media_type = "application/yaml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return parse_yaml(read_limited(stream))


def read_limited(stream: Any) -> bytes:
    """Raises TooLarge."""
    body: bytes = stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A policy has at most {MAX_BYTES} bytes.")
    return body


POLICY_PARSERS = [JsonParser, TomlParser, YamlParser]
