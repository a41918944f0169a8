"""Columns that hold a word of the graph's vocabulary as its small number: two bytes on each of millions of rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models

from lineage.kinds import EDGE_CODES, NODE_CODES

if TYPE_CHECKING:
    _TextField = models.Field[str, str]
else:
    _TextField = models.Field


NODE_WORDS = {number: word for word, number in NODE_CODES.items()}
EDGE_WORDS = {number: word for word, number in EDGE_CODES.items()}


class _CodedField(_TextField):
    codes: Mapping[str, int]
    words: Mapping[int, str]

    def get_internal_type(self) -> str:
        return "PositiveSmallIntegerField"

    def get_prep_value(self, value: Any) -> int | None:
        """Raises ValueError for a word outside the vocabulary."""
        if value is None:
            return None
        if value not in self.codes:
            raise ValueError(f"{value!r} is not one of {', '.join(self.codes)}.")
        return self.codes[value]

    def from_db_value(self, value: int | None, *_: Any) -> str | None:
        return None if value is None else self.words[value]


class NodeKindField(_CodedField):
    codes, words = NODE_CODES, NODE_WORDS


class EdgeKindField(_CodedField):
    codes, words = EDGE_CODES, EDGE_WORDS
