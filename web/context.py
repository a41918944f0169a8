"""What the frame of every page shows: who is here, in which project and room, and where else they may go."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts import selectors as accounts
from accounts.models import Project
from core.access import Principal

ROOMS = (
    ("runs", "Runs", "web:run_list"),
    ("experiments", "Experiments", "web:experiment_list"),
    ("models", "Models", "web:model_list"),
    ("promotions", "Promotions", "web:promotion_list"),
    ("deployments", "Deployments", "web:deployment_list"),
    ("monitoring", "Monitoring", "web:monitor_list"),
    ("data", "Data", "web:dataset_list"),
    ("notifications", "Notifications", "web:subscription_list"),
    ("audit", "Audit", "web:project_audit"),
)


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    label: str
    url: str


@dataclass
class Frame:
    """The bar above a page. `projects` is asked for once, when a template first shows it."""

    principal: Principal | None = None
    project: Project | None = None
    room: str = ""

    @cached_property
    def projects(self) -> Sequence[Project]:
        return list(accounts.list_projects(visible_to=self.principal)) if self.principal else []

    @property
    def rooms(self) -> Sequence[Room]:
        if self.project is None:
            return []
        return [Room(name, label, reverse(view, args=[self.project.name])) for name, label, view in ROOMS]


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Pages for the anonymous get an empty frame."""
    return {"frame": getattr(request, "frame", None) or Frame()}
