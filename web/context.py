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

THEME_COOKIE = "lineal_theme"  # "light" or "dark"; without it the system decides
PROJECT_COOKIE = "lineal_project"  # the project last looked at: where a page of no project leads on to
THEMES = ("light", "dark")
SHOWN_PROJECTS = 100  # in the menu; the profile has them all

FIRST_RUN = """import lineal
with lineal.start_run("first") as run:
    run.log({"loss": 0.41}, step=1)"""

# Name, label, view and the keys that lead there.
ROOMS = (
    ("runs", "Runs", "web:run_list", "g r"),
    ("experiments", "Experiments", "web:experiment_list", "g e"),
    ("models", "Models", "web:model_list", "g m"),
    ("promotions", "Promotions", "web:promotion_list", "g p"),
    ("deployments", "Deployments", "web:deployment_list", "g y"),
    ("data", "Data", "web:dataset_list", "g d"),
    ("monitoring", "Monitoring", "web:monitor_list", "g o"),
    ("audit", "Audit trail", "web:project_audit", "g a"),
)


# Of a project, in the order of the settings' list.
PROJECT_SETTINGS = (
    ("General", "web:project_general"),
    ("Members", "web:member_list"),
    ("Environments", "web:environment_list"),
    ("Policies", "web:policy_list"),
    ("Notifications", "web:subscription_list"),
    ("Usage", "web:project_usage"),
)
OWN_SETTINGS = (("Profile", "web:profile"), ("Tokens", "web:token_list"))
SERVER_SETTINGS = (("Accounts", "web:account_list"),)


@dataclass(frozen=True, slots=True)
class Place:
    """A link of the side bar. `group` says where in it, `keys` which keys lead there."""

    name: str
    label: str
    url: str
    keys: str
    group: str


@dataclass
class Frame:
    """The side bar of a page. `projects` is asked for once, when a template first shows it.

    `near` is the project of the page, or the one last looked at, or the first: pages that belong to none still lead on.
    """

    principal: Principal | None = None
    project: Project | None = None
    room: str = ""
    theme: str = ""
    last_project: str = ""
    path: str = ""

    @cached_property
    def _found(self) -> Sequence[Project]:
        if self.principal is None:
            return []
        return list(accounts.list_projects(visible_to=self.principal)[: SHOWN_PROJECTS + 1])

    @property
    def projects(self) -> Sequence[Project]:
        return self._found[:SHOWN_PROJECTS]

    @property
    def has_more_projects(self) -> bool:
        return len(self._found) > SHOWN_PROJECTS

    @property
    def near(self) -> Project | None:
        if self.project is not None:
            return self.project
        return next((each for each in self.projects if each.name == self.last_project), next(iter(self.projects), None))

    @property
    def settings(self) -> Sequence[tuple[str, Sequence[tuple[str, str, bool]]]]:
        """The list of settings: groups of (label, address, whether the page is there or below)."""
        near = self.near
        groups = [("You", [(label, reverse(view)) for label, view in OWN_SETTINGS])]
        if near is not None:
            groups.append((near.name, [(label, reverse(view, args=[near.name])) for label, view in PROJECT_SETTINGS]))
        groups.append(("Server", [(label, reverse(view)) for label, view in SERVER_SETTINGS]))
        return [(title, [(label, url, self._is_at(url)) for label, url in places]) for title, places in groups]

    def _is_at(self, url: str) -> bool:
        return self.path == url or self.path.startswith(f"{url}/")

    @cached_property
    def places(self) -> Sequence[Place]:
        places = [Place("home", "Overview", reverse("web:home"), "g h", "top")]
        if self.near is not None:
            places += [
                Place(name, label, reverse(view, args=[self.near.name]), keys, "project")
                for name, label, view, keys in ROOMS
            ]
        if self.principal is not None and self.principal.is_server_admin:
            places.append(Place("server_audit", "Ledger", reverse("web:server_audit"), "g l", "foot"))
        return [*places, Place("settings", "Settings", reverse("web:profile"), "g s", "foot")]


def frame_of(request: HttpRequest, *, principal: Principal | None = None, room: str = "") -> Frame:
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return Frame(
        principal=principal,
        room=room,
        theme=theme if theme in THEMES else "",
        last_project=request.COOKIES.get(PROJECT_COOKIE, ""),
        path=request.path,
    )


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Pages for the anonymous get a frame without places."""
    return {"frame": getattr(request, "frame", None) or frame_of(request), "first_run_lines": FIRST_RUN}
