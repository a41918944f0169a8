"""What a cause is in the lineage graph: a firing of a trigger, shown by why it fired."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from core import clock
from core.access import ProjectRef
from lineage import kinds
from monitoring import links
from monitoring.models import Firing

UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
BATCH = 500  # keys in one query: SQLite takes some thousand parameters


def describe_causes(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """By the firing's uuid. One query for each 500."""
    uuids = [UUID(key) for key in keys if UUID_TEXT.fullmatch(key)]
    firings = Firing.objects.select_related("trigger__project").filter(trigger__project_id=project.id)
    return {
        str(firing.uuid): _about(firing)
        for start in range(0, len(uuids), BATCH)
        for firing in firings.filter(uuid__in=uuids[start : start + BATCH])
    }


def _about(firing: Firing) -> dict[str, Any]:
    return {
        "label": firing.cause_label,
        "url": links.firings_of(firing),
        "type": firing.cause_type,
        "trigger": firing.trigger.name,
        "state": firing.state,
        "fired_at": clock.text(firing.fired_at),
    }


def resolve_cause(project: ProjectRef, text: str) -> Iterable[str]:
    """One cause by the id that runs name it by."""
    if not UUID_TEXT.fullmatch(text):
        return []
    firings = Firing.objects.filter(trigger__project_id=project.id, uuid=UUID(text))
    return [str(uuid) for uuid in firings.values_list("uuid", flat=True)]


kinds.register(kind="cause", describe=describe_causes)
kinds.register_resolver(prefix="cause", kind="cause", resolve=resolve_cause)
