"""From a thing to the page that shows it: what a ledger entry is about or refers to, where there is one, and experiments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from core.access import ProjectRef
from registry.models import Model, ModelVersion

# Of what an entry can be: the kinds that the filter of a trail offers.
KINDS = (
    "account", "alert", "alias", "audit_event", "blob", "checkpoint", "dataset_version", "deletion", "deployment",
    "environment", "experiment", "intake_hook", "ledger", "membership", "model", "model_version", "monitor", "policy",
    "project", "promotion", "receipt_key", "run", "session", "store", "subscription", "sweep", "token", "trigger",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RefLink:
    """What an entry refers to; `url` is empty where no page is known."""

    kind: str
    id: str
    label: str
    url: str


def target_url(body: Mapping[str, Any]) -> str:
    """The page of the entry's object, as the entry names it; "" where no page is known. Asks nothing of the database."""
    project, target = body["project"], body["target"]
    if project is None:
        return _of_server(target)
    return _of_project(project["name"], target["type"], target["id"], str(target["label"]))


def _of_server(target: Mapping[str, Any]) -> str:
    if target["type"] == "account":
        return _page("account_detail", [target["label"]])
    if target["type"] == "project":
        return _page("project_home", [target["label"]])
    return ""


def _of_project(project: str, kind: str, id: str, label: str) -> str:  # noqa: A002 - as targets call it
    lists = {
        "environment": "environment_list", "membership": "member_list", "trigger": "trigger_list",
        "deployment": "deployment_list", "project": "project_home",
    }  # fmt: skip
    own = {
        "run": ("run_detail", [id]),
        "promotion": ("promotion_detail", [id]),
        "monitor": ("monitor_detail", [id]),
        "alert": ("alert_detail", [id]),
        "subscription": ("subscription_detail", [id]),
        "audit_event": ("audit_event", [id]),
        "model": ("model_detail", [label]),
        "alias": ("model_detail", [label.partition("@")[0]]),
        "model_version": ("version_detail", _model_and_number(label)),
        "policy": ("policy_detail", [label]),
        "dataset_version": ("dataset_detail", [label]),
    }
    if kind in lists:
        return _page(lists[kind], [project])
    view, keys = own.get(kind, ("", []))
    return _page(view, [project, *keys]) if view and all(keys) else ""


def _model_and_number(label: str) -> list[str]:
    """`fraud v7` in its parts; nothing for what is no version's label."""
    model, _, number = label.rpartition(" v")
    return [model, number] if model and number.isascii() and number.isdecimal() else [""]


def _page(view: str, keys: list[Any]) -> str:
    try:
        return reverse(f"web:{view}", args=keys)
    except NoReverseMatch:  # an id or a name of an earlier time, which no address can hold any more
        return ""


def ref_links(refs: Iterable[Mapping[str, str]], project: ProjectRef | None) -> list[RefLink]:
    """What an entry of `project` refers to, models and versions by the names that they have now. At most two queries."""
    found = [(ref["type"], ref["id"]) for ref in refs]
    names = _names(found, project) if project else {}
    return [_ref_link(kind, key, names.get((kind, key), ""), project) for kind, key in found]


def _ref_link(kind: str, key: str, label: str, project: ProjectRef | None) -> RefLink:
    url = _of_project(project.name, kind, key, label) if project else ""
    return RefLink(kind.replace("_", " "), key, label, url)


def _names(refs: Iterable[tuple[str, str]], project: ProjectRef) -> dict[tuple[str, str], str]:
    wanted: dict[str, list[UUID]] = {"model": [], "model_version": []}
    for kind, key in refs:
        if kind in wanted and (uuid := _uuid(key)):
            wanted[kind].append(uuid)
    names: dict[tuple[str, str], str] = {}
    if wanted["model"]:
        models = Model.objects.filter(project_id=project.id, uuid__in=wanted["model"])
        names |= {("model", str(uuid)): name for uuid, name in models.values_list("uuid", "name")}
    if wanted["model_version"]:
        versions = ModelVersion.objects.filter(model__project_id=project.id, uuid__in=wanted["model_version"])
        names |= {("model_version", str(each.uuid)): each.label for each in versions.select_related("model")}
    return names


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def experiment_url(project: ProjectRef, name: str) -> str:
    """The run list of one experiment, which has no page of its own."""
    return f"{reverse('web:run_list', args=[project.name])}?{urlencode({'experiment': name})}"
