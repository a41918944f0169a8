"""Which keys and values there are, for people who are about to name one. Read off the indexes of search by leaps: from one
key straight to the next, so that it costs what there are keys, not runs.
"""

from collections.abc import Sequence
from typing import Any, Literal

from django.db import connections

from core import replica
from core.access import ProjectRef
from tracking.models import Experiment

Logged = Literal["metrics", "params", "tags"]
TABLES: dict[str, str] = {"metrics": "tracking_series", "params": "tracking_param", "tags": "tracking_tag"}
NEWEST_EXPERIMENTS = 20  # whose keys stand for those of a project
KEY_LEAPS = 4_000  # keys that are passed by, over all these experiments: some 40 ms
VALUE_LEAPS = 1_000

_KEYS = """
WITH RECURSIVE walk(experiment, word) AS (
  SELECT e.id, (SELECT MIN(t.key) FROM {table} t WHERE t.experiment_id = e.id)
  FROM tracking_experiment e WHERE e.id IN ({places})
  UNION ALL
  SELECT walk.experiment, (SELECT MIN(t.key) FROM {table} t WHERE t.experiment_id = walk.experiment AND t.key > walk.word)
  FROM walk WHERE walk.word IS NOT NULL
)
SELECT word, COUNT(*) FROM (SELECT word FROM walk WHERE word IS NOT NULL LIMIT %s) AS met GROUP BY word
"""
_VALUES = """
WITH RECURSIVE walk(experiment, word) AS (
  SELECT e.id, (SELECT MIN(t.head) FROM {table} t WHERE t.experiment_id = e.id AND t.key = %s)
  FROM tracking_experiment e WHERE e.id IN ({places})
  UNION ALL
  SELECT walk.experiment,
    (SELECT MIN(t.head) FROM {table} t WHERE t.experiment_id = walk.experiment AND t.key = %s AND t.head > walk.word)
  FROM walk WHERE walk.word IS NOT NULL
)
SELECT word, COUNT(*) FROM (SELECT word FROM walk WHERE word IS NOT NULL LIMIT %s) AS met GROUP BY word
"""


def recent_experiments(*, project: ProjectRef, name: str = "") -> list[int]:
    """Ids of the experiment of that name, or of the newest ones. One query."""
    living = Experiment.objects.filter(project_id=project.id, deleted_at__isnull=True)
    living = living.filter(name=name) if name else living.order_by("-id")
    return list(living.values_list("id", flat=True)[:NEWEST_EXPERIMENTS])


def known_keys(*, experiments: Sequence[int], kind: Logged, containing: str = "", limit: int = 20) -> list[str]:
    """Keys with `containing` in them, in any case: those that begin with it first, then those of most experiments. One query."""
    statement = _KEYS.format(table=TABLES[kind], places=_places(experiments))
    return _fitting(_walked(statement, [*experiments], experiments, KEY_LEAPS), containing, limit)


def known_values(
    *, experiments: Sequence[int], kind: Literal["params", "tags"], key: str, containing: str = "", limit: int = 20
) -> list[str]:
    """Values of a param or tag, likewise; of long ones, their beginnings. One query."""
    statement = _VALUES.format(table=TABLES[kind], places=_places(experiments))
    return _fitting(_walked(statement, [key, *experiments, key], experiments, VALUE_LEAPS), containing, limit)


def _places(experiments: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(experiments))


def _walked(statement: str, values: list[Any], experiments: Sequence[int], leaps: int) -> list[tuple[str, int]]:
    if not experiments:
        return []
    with connections[replica.alias()].cursor() as cursor:
        cursor.execute(statement, [*values, leaps])
        return list(cursor.fetchall())


def _fitting(words: Sequence[tuple[str, int]], containing: str, limit: int) -> list[str]:
    sought = containing.casefold()
    fitting = [
        (not word.casefold().startswith(sought), -count, word) for word, count in words if sought in word.casefold()
    ]
    return [word for _, _, word in sorted(fitting)[:limit]]
