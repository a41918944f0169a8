"""What is measured of other tools, each by a name that a scenario's rows are compared under."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """`act` is what a peer's script is ordered to do; it may give several measures. `full` is the size that targets are set for."""

    act: str
    what: str
    unit: str
    more_is_better: bool = False
    full: int = 0
    counts: str = ""
    any_database: bool = False  # it matters little, and a row of ours that tells none stands for all
    per_item: bool = False  # a figure of a smaller size is compared by what one item costs


MEASURES = {
    "ingest": Measure("ingest", "8 writers, points stored", "points/s", more_is_better=True, counts="points a round"),
    "flushes": Measure(
        "flushes", "200 live runs, ten metrics of one step a request", "requests/s", more_is_better=True
    ),
    "history": Measure("history", "whole history of 1M points", "ms", full=1_000_000, counts="points", per_item=True),
    "chart": Measure("history", "chart of 1M points, 1,000 buckets", "ms", full=1_000_000, counts="points"),
    "search-filter": Measure(
        "search", "filter on a metric and a param, order by a metric, 100 runs", "ms", full=100_000, counts="runs"
    ),
    "search-first": Measure("search", "first page without a filter", "ms", full=100_000, counts="runs"),
    "large-up": Measure("artifacts", "one large file to the store", "s", counts="MB", any_database=True),
    "large-down": Measure("artifacts", "one large file from the store", "s", counts="MB", any_database=True),
    "small-up": Measure(
        "artifacts", "1,000 files of 10 KB to the store", "s", full=1_000, counts="files", per_item=True
    ),
    "small-down": Measure(
        "artifacts", "1,000 files of 10 KB from the store", "s", full=1_000, counts="files", per_item=True
    ),
    "start": Measure("footprint", "start to first answer, existing store", "s"),
    "idle": Measure("footprint", "memory of everything idle, PSS", "MB"),
    "installed": Measure("footprint", "installed, with all that it needs", "MB", any_database=True),
    "create-version": Measure("registry", "create a version", "ms"),
    "move-alias": Measure("registry", "move an alias", "ms"),
    "get-by-alias": Measure("registry", "get by alias", "ms"),
    "gets": Measure("registry", "gets by alias, 16 clients", "gets/s", more_is_better=True),
}

# Which rows of ours the peers' figures stand beside, by a pattern of the row's whole name without its database. A scenario's module may
# say so itself, as PEERS.
COMPARED: dict[str, dict[str, str]] = {
    "ingest": {"8 writers × 1,000 points": "ingest"},
    "small_flushes": {"200 runs × 10 metrics × 1 step": "flushes"},
    "history": {"history of 1M points( to arrays)?": "history", "chart of 1M points": "chart"},
    "artifacts": {
        r"[\d,]+ files of 10 KB to S3": "small-up",
        r"[\d,]+ files of 10 KB from S3": "small-down",
        r"[\d,]+ [MG]B to S3": "large-up",
        r"[\d,]+ [MG]B from S3": "large-down",
    },
    "search": {"metric and param, by a metric": "search-filter", "first page without a filter": "search-first"},
    "footprint": {
        "start to first answer, existing store": "start",
        "memory of all processes, idle": "idle",
        "environment of the server": "installed",
    },
    "registry": {
        "create version": "create-version",
        "move alias": "move-alias",
        "get by alias": "get-by-alias",
        "gets": "gets",
    },
}
