"""Columns that hold a word of the graph's vocabulary as its small number: two bytes on each of millions of rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models

from lineage.kinds import EDGE_CODES, NODE_CODES

if TYPE_CHECKING:
    _TextField = models.Field[str, str]
else:
    _TextField = models.Field


class _CodedField(_TextField):
    codes: Mapping[str, int]

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
        return None if value is None else word_of(self.codes, value)


class NodeKindField(_CodedField):
    codes = NODE_CODES


class EdgeKindField(_CodedField):
    codes = EDGE_CODES


def word_of(codes: Mapping[str, int], number: int) -> str:
    return next(word for word, code in codes.items() if code == number)
