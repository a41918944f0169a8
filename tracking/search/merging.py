"""Rows of several experiments in one order: a statement that reads each experiment's index in its order and merges them.

`experiment_id IN (…)` would make a database read all rows that pass and sort them, because an index that begins with the
experiment is in order within one only. Merging stops when the page is full. The ORM compiles the part for one experiment,
and the whole is put together from it here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from tracking.search.selection import PLACE


def merged(
    rows: QuerySet[Any], experiments: Collection[int], order: Sequence[str], limit: int
) -> list[tuple[Any, ...]]:
    """The first `limit` of the rows of all `experiments`.

    `rows` is a `values_list` of one experiment, with PLACE where its id belongs and without an order; `order` has a term
    for each of its columns, like "DESC NULLS LAST".
    """
    compiler = rows.order_by().query.get_compiler(using=rows.db)
    try:
        part, values = compiler.as_sql()
    except EmptyResultSet:  # the conditions contradict each other
        return []
    terms = ", ".join(f"{number} {direction}" for number, direction in enumerate(order, 1))
    ordered = f"ORDER BY {terms} LIMIT {limit:d}"
    connection = connections[rows.db]
    if (
        connection.vendor == "postgresql"
    ):  # which reads a part in order only where the part says so; SQLite allows it to no part
        part = f"({part} {ordered})"
    sql = f"{' UNION ALL '.join([part] * len(experiments))} {ordered}"
    bound = [experiment if value is PLACE else value for experiment in experiments for value in values]
    with connection.cursor() as cursor:
        cursor.execute(sql, bound)
        found = cursor.fetchall()
    return list(compiler.results_iter(results=[found], tuple_expected=True))
