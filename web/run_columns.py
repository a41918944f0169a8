"""Which metrics and params a list of runs shows beside each run, and how one sorts by them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from tracking.models import Param, Series
from tracking.selectors.listed import ListedRun

SAMPLED_RUNS = 5  # of a page: their keys stand for the others', so that runs with thousands of metrics stay cheap
SAMPLED_KEYS = 400
METRIC_COLUMNS = 4
PARAM_COLUMNS = 4
MAX_COLUMNS = 20
_BARE = re.compile(r"[\w/:.-]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A metric's last value or a param. `sorted` is "", "ascending" or "descending", as ARIA says it."""

    kind: str
    key: str
    sorted: str = ""
    sort_url: str = ""

    @property
    def is_metric(self) -> bool:
        return self.kind == "metrics"

    @property
    def name(self) -> str:
        """As the search language writes it, quoted where the key needs it."""
        if _BARE.fullmatch(self.key):
            return f"{self.kind}.{self.key}"
        escaped = self.key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.kind}."{escaped}"'


def columns_of(runs: Sequence[ListedRun]) -> list[Column]:
    """The commonest metrics and params of the first runs of a page. Two queries."""
    sample = [run.pk for run in runs[:SAMPLED_RUNS]]
    metrics = Series.objects.filter(run__in=sample).order_by("key").values_list("key", flat=True)[:SAMPLED_KEYS]
    params = Param.objects.filter(run__in=sample).order_by("key").values_list("key", flat=True)[:SAMPLED_KEYS]
    return [
        *(Column("metrics", key) for key in _commonest(metrics, METRIC_COLUMNS)),
        *(Column("params", key) for key in _commonest(params, PARAM_COLUMNS)),
    ]


def _commonest(keys: Iterable[str], most: int) -> list[str]:
    """By count, and by name among equals, so that columns stay where they are from page to page."""
    counted = Counter(keys)
    return sorted(sorted(counted), key=lambda key: -counted[key])[:most]


def named_columns(text: str) -> list[Column]:
    """Columns that an address asks for, as in `metrics.auc,params.lr`; what is neither is left out."""
    named = [part.strip().partition(".") for part in text.split(",")]
    return [Column(kind, key) for kind, _, key in named if kind in {"metrics", "params"} and key][:MAX_COLUMNS]


def with_sorting(columns: Sequence[Column], query: QueryDict) -> list[Column]:
    """The columns with the address that sorts by each: largest first, and the other way round when asked again."""
    order_by = query.get("order_by", "").strip()
    return [_sortable(column, order_by, query) for column in columns]


def _sortable(column: Column, order_by: str, query: QueryDict) -> Column:
    state = {f"{column.name} DESC": "descending", f"{column.name} ASC": "ascending"}.get(order_by, "")
    link = query.copy()
    link.pop("cursor", None)
    link["order_by"] = f"{column.name} {'ASC' if state == 'descending' else 'DESC'}"
    return Column(column.kind, column.key, state, f"?{link.urlencode()}")
