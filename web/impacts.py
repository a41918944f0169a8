"""All that came of a dataset version, as a list that can be read, filtered and taken along: what serves now first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage import selectors
from lineage.selectors import GraphNode
from web.lines import Start
from web.nodes import KIND_WORDS, PLURALS, page_of

MOST_WALKED = 10_000  # nodes; the page and the export say when there were more
ORDER = ("deployment", "model_version", "run", "dataset_version")
COLUMNS = (
    "kind",
    "name",
    "live",
    "state",
    "environment",
    "target",
    "model",
    "version",
    "digest",
    "by",
    "at",
    "project",
    "id",
    "page",
)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing downstream. `about` is what its owner says of it."""

    kind: str
    label: str
    key: str
    project: str
    live: bool
    url: str
    about: Mapping[str, Any]
    order: int  # grows with time

    @property
    def words(self) -> str:
        return KIND_WORDS.get(self.kind, self.kind)

    @property
    def state(self) -> str:
        return str(self.about.get("lifecycle") if self.kind == "model_version" else self.about.get("status") or "")

    @property
    def where(self) -> str:
        return str(self.about.get("environment") or self.about.get("experiment") or "")

    @property
    def at(self) -> Any:
        return self.about.get("started_at") or self.about.get("created_at")

    @property
    def by(self) -> str:
        return str(self.about.get("created_by") or "")

    @property
    def digest(self) -> str:
        return str(self.about.get("digest") or "")


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything, in order: what serves now, then deployments that ended, versions, runs, data made of it; each newest first."""

    found: Sequence[Found]
    truncated: bool
    hidden: int

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(each.kind for each in self.found)

    @property
    def live(self) -> int:
        return sum(each.live for each in self.found)

    @property
    def kinds(self) -> list[tuple[str, str, int]]:
        """Kind, its word, and how many: in the order of the list."""
        counts = self.counts
        known = [*ORDER, *sorted(counts.keys() - set(ORDER))]
        return [(kind, _word(kind, counts[kind]), counts[kind]) for kind in known if counts[kind]]

    def only(self, kind: str) -> list[Found]:
        """Those of the kind, of "live", or all for no kind."""
        if kind == "live":
            return [each for each in self.found if each.live]
        return [each for each in self.found if kind in ("", each.kind)]


def _word(kind: str, count: int) -> str:
    word = KIND_WORDS.get(kind, kind)
    return word if count == 1 else PLURALS.get(word, word)


def impact_list(start: Start) -> Impact:
    """At most 10,000 nodes, in some ten queries, and a few more where there are thousands."""
    nodes = start.nodes()
    graph = selectors.impact(starts=nodes, max_nodes=MOST_WALKED, visible_to=start.viewer)
    found = [_found(node) for node in graph.nodes if node.id not in graph.starts]
    found.sort(key=lambda each: (not each.live, _rank(each.kind), -each.order))
    return Impact(found, graph.truncated, graph.hidden)


def _found(node: GraphNode) -> Found:
    return Found(node.kind, node.label, node.key, node.project, node.live, page_of(node), node.about, node.id)


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def rows_of(impact: Impact, origin: str) -> Iterator[dict[str, Any]]:
    """For an export: plain values, one mapping for each thing. `origin` is the server's address."""
    for each in impact.found:
        yield {
            "kind": each.kind,
            "name": each.label,
            "live": each.live,
            "state": each.state,
            "environment": each.where if each.kind == "deployment" else "",
            "target": each.about.get("target", ""),
            "model": each.about.get("model", ""),
            "version": each.about.get("number", ""),
            "digest": each.digest,
            "by": each.by,
            "at": str(each.at or ""),
            "project": each.project,
            "id": each.key,
            "page": f"{origin}{each.url}" if each.url.startswith("/") else each.url,
        }
