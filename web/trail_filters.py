"""What of a trail a page's address asks for: read from the query, shown as chips, and handed to the export."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from accounts.models import Project
from accounts.selectors import list_members
from audit import actions
from audit.models import AuditEvent
from audit.selectors import Filter
from core import clock
from core.errors import Invalid
from web.moments import utc_moment
from web.targets import KINDS

LABELS = {
    "q": "text", "actor": "who", "action": "action", "target_type": "object", "target_id": "object's id",
    "outcome": "outcome", "project": "project", "since": "from", "until": "until", "after": "numbers beyond", "before": "numbers below",
}  # fmt: skip
FIELDS = tuple(LABELS)
FURTHER = ("target_id", "outcome", "project", "since", "until", "after", "before")  # folded away until one is used
LONGEST = {"q": 200, "actor": 128, "action": 64, "target_type": 64, "target_id": 256, "project": 128}  # as REST has it
SPANS = (
    ("the last hour", timedelta(hours=1)),
    ("24 hours", timedelta(days=1)),
    ("7 days", timedelta(days=7)),
    ("30 days", timedelta(days=30)),
)
COMPLETED_MEMBERS = 200
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that is asked for, and the address without it."""

    label: str
    value: str
    without: str


def asked(request: HttpRequest) -> dict[str, str]:
    return {field: request.GET.get(field, "").strip() for field in FIELDS}


def as_filter(query: Mapping[str, str], project: Project | None) -> Filter:
    """Raises Invalid for a time or a number that is none, and for what no entry is long enough to hold."""
    for field, length in LONGEST.items():
        if len(query[field]) > length:
            raise Invalid(f"What is asked for as {LABELS[field]} has at most {length} characters.", field=field)
    return Filter(
        project=project.name if project else query["project"] or None,
        actor=query["actor"] or None,
        action=query["action"] or None,
        target_type=query["target_type"] or None,
        target_id=query["target_id"] or None,
        outcome=query["outcome"] or None,
        since=utc_moment(query["since"], field="since"),
        until=utc_moment(query["until"], field="until"),
        text=query["q"] or None,
        after=_number(query["after"], "after"),
        before=_number(query["before"], "before"),
    )


def _number(text: str, field: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text[:20]) <= _LARGEST):
        raise Invalid(f"{text[:40]!r} is no number of the ledger.", field=field)
    return int(text)


def chips(request: HttpRequest, query: Mapping[str, str]) -> list[Chip]:
    return [
        Chip(
            LABELS[field],
            value.replace("T", " ") + " UTC" if field in {"since", "until"} else value,
            _without(request, field),
        )
        for field, value in query.items()
        if value
    ]


def _without(request: HttpRequest, field: str) -> str:
    left = request.GET.copy()
    left.pop(field, None)
    left.pop("cursor", None)
    return _address(request, left)


def _address(request: HttpRequest, query: QueryDict) -> str:
    kept = urlencode([(name, value) for name, values in query.lists() for value in values if value])
    return f"{request.path}?{kept}" if kept else request.path


def spans(request: HttpRequest) -> list[tuple[str, str]]:
    """Short ways to a beginning: its words, and the address."""
    found = []
    for words, length in SPANS:
        query = request.GET.copy()
        for field in ("cursor", "until"):
            query.pop(field, None)
        query["since"] = (clock.now() - length).strftime("%Y-%m-%dT%H:%M:%S")
        found.append((words, _address(request, query)))
    return found


def choices(project: Project | None) -> Mapping[str, Any]:
    """What the fields complete to. One query in a project, none without."""
    return {
        "actions": action_choices(),
        "kinds": [(kind, kind.replace("_", " ")) for kind in KINDS],
        "outcomes": AuditEvent.Outcome.values,
        "members": _members(project) if project else [],
    }


def action_choices() -> list[tuple[str, str]]:
    """Every registered action with its sentence, each noun before its verbs."""
    names = actions.registered_names()
    nouns = dict.fromkeys(name.partition(".")[0] for name in names)
    found: list[tuple[str, str]] = []
    for noun in nouns:
        found.append((f"{noun}.*", f"all about {noun.replace('_', ' ')}"))
        found += [(name, actions.sentence(name, target="…")) for name in names if name.startswith(f"{noun}.")]
    return found


def _members(project: Project) -> Sequence[str]:
    members = list_members(project=project).order_by("account__name")
    return list(members.values_list("account__name", flat=True)[:COMPLETED_MEMBERS])


def export_url(query: Mapping[str, str], project: Project | None) -> str:
    """The export of what the page shows; of the whole ledger where nothing is asked for."""
    wanted = {field: value for field, value in query.items() if value}
    for field in ("since", "until"):
        moment = utc_moment(query[field], field=field)
        wanted |= {field: clock.text(moment)} if moment else {}
    wanted |= {"project": project.name} if project else {}
    return f"/api/v1/audit/export?{urlencode({**wanted, 'filtered': 'true'})}" if wanted else "/api/v1/audit/export"


def export_command(query: Mapping[str, str], project: Project | None) -> str:
    """The same on the command line."""
    options = [("--project", project.name)] if project else []
    names = {"q": "--query", "target_type": "--target-type", "target_id": "--target-id"}
    for field, value in query.items():
        moment = utc_moment(value, field=field) if field in {"since", "until"} else None
        if value:
            options.append((names.get(field, f"--{field}"), clock.text(moment) if moment else value))
    words = [word for name, value in options for word in (name, quoted(value))]
    filtered = ["--filtered"] if options else []
    return " ".join(["lineal audit export", *filtered, *words, "--out audit.jsonl"])


def quoted(text: str) -> str:
    """For a POSIX shell, on one line."""
    return shlex.quote(" ".join(text.split()))
