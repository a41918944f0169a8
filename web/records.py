"""The record of one model version: all that is known of it in one document, for people who need paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from accounts.models import Project
from audit.models import AuditCheckpoint, AuditEvent
from audit.selectors import Filter, latest_checkpoint, list_events
from core.access import Permission, Principal, can
from registry import selectors
from registry.models import Deployment, ModelVersion, Promotion, Report
from tracking.selectors import metric_summaries
from web.lines import Line, Start, trace_of
from web.trail import Entry, entries_of

# Paper is not endless: what is beyond these is named with its number, and stands on the pages.
MOST_FILES, MOST_METRICS, MOST_DECISIONS, MOST_ENTRIES = 1_000, 200, 100, 300


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows as far as a record holds them; `more` says that there are others."""

    rows: Sequence[Any]
    more: bool


@dataclass(frozen=True, slots=True)
class Record:
    version: ModelVersion
    environments: Sequence[str]
    files: Cut
    size_bytes: int
    metrics: Cut
    line: Line
    reports: Sequence[Report]
    promotions: Cut
    deployments: Cut
    entries: Cut
    checkpoint: AuditCheckpoint | None
    card: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]
    signature: str

    @property
    def uncovered(self) -> int:
        """Entries that the checkpoint does not hold yet."""
        size = self.checkpoint.size if self.checkpoint else 0
        return sum(entry.position is None or entry.position >= size for entry in self.entries.rows)


def record_of(version: ModelVersion, *, project: Project, viewer: Principal) -> Record:
    """Some twenty queries, whatever the version went through."""
    model = version.model
    files = selectors.manifest_files(version)
    metrics = metric_summaries(version.run)
    promotions = selectors.list_promotions(project=project, model=model.name).filter(version=version)
    deployments = selectors.list_deployments(project=project, model=model.name).filter(version=version)
    decided, served = _cut(promotions, MOST_DECISIONS), _cut(deployments, MOST_DECISIONS)
    return Record(
        version=version,
        environments=[
            slot.environment.name for slot in selectors.list_slots(model=model) if slot.version_id == version.pk
        ],
        files=_cut(files, MOST_FILES),
        size_bytes=sum(file.blob.size for file in files),
        metrics=_cut([(key, metrics[key].last) for key in sorted(metrics)], MOST_METRICS),
        line=trace_of(Start(project, "model_version", version.uuid.hex, viewer)),
        reports=list(selectors.list_reports(version=version).defer("document")[:MOST_DECISIONS]),
        promotions=decided,
        deployments=served,
        entries=_entries(version, decided.rows, served.rows, project, viewer),
        checkpoint=latest_checkpoint(),
        card=_texts(version.card),
        tags=_texts(version.tags),
        signature=orjson.dumps(version.signature, option=orjson.OPT_INDENT_2).decode() if version.signature else "",
    )


def _cut(rows: Any, most: int) -> Cut:
    found = list(rows[: most + 1])
    return Cut(found[:most], len(found) > most)


def _entries(
    version: ModelVersion,
    promotions: Sequence[Promotion],
    deployments: Sequence[Deployment],
    project: Project,
    viewer: Principal,
) -> Cut:
    """Of the version itself, its promotions and its deployments, oldest first; none for who may not read the trail."""
    if not can(viewer, Permission.AUDIT_READ, project):
        return Cut([], False)
    mine = _event_ids(version, promotions, deployments)
    newest = _cut(list_events(visible_to=viewer, only=Filter(project=project.name)).filter(pk__in=mine), MOST_ENTRIES)
    found: list[Entry] = entries_of(newest.rows, project=project)
    return Cut(found[::-1], newest.more)


def _event_ids(version: ModelVersion, promotions: Sequence[Promotion], deployments: Sequence[Deployment]) -> list[int]:
    """By the index on what they are about: asked for in the order of the ledger, SQLite walks all of it. Three queries."""
    own = AuditEvent.objects.filter(target_type="model_version", target_id=str(version.uuid)).order_by("-id")
    decided = {"target_type": "promotion", "target_id__in": [str(each.uuid) for each in promotions]}
    served = {"target_type": "deployment", "target_id__in": [str(each.uuid) for each in deployments]}
    ids = own.values_list("pk", flat=True)[: MOST_ENTRIES + 1]
    others = [AuditEvent.objects.filter(**about).order_by().values_list("pk", flat=True) for about in (decided, served)]
    return [*ids, *others[0], *others[1]]


def _texts(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (key, value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        for key, value in sorted((values or {}).items())
    ]
