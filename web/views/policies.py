"""A project's environments and policies: what guards each place, every wording of a policy, and the forms of both."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission, Principal
from core.errors import Invalid, LinealError, Malformed, NotFound
from core.problems import status_of
from registry import policies, selectors, services
from registry.models import Environment, Policy, PolicyRevision
from web.forms import REFUSALS, reason_of, told
from web.paging import by_name
from web.views.base import PageRequest, project_page, show

WRITE = Permission.POLICY_WRITE
SHOWN_REVISIONS = 50
LAST_POSITION = 10_000


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"Not JSON: {error}") from error


FORMATS: Mapping[str, Callable[[bytes], Any]] = {
    "toml": policies.parse_toml,
    "yaml": policies.parse_yaml,
    "json": _json,
}
STARTING_POINT = """description = "What production asks for"

[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"

[[gate]]
id = "four-eyes"
kind = "approval"
"""


@project_page(room="settings", methods=("GET", "POST"))
def environment_list(request: PageRequest, project: Project) -> HttpResponse:
    """The places to promote to, each with its policy. POST binds one by a policy, or makes one."""
    error: LinealError | None = None
    if request.method == "POST":
        archives.require(request.principal, WRITE, project)
        try:
            _act_on_environments(project, request.POST, request.principal)
            return HttpResponseRedirect(reverse("web:environment_list", args=[project.name]))
        except REFUSALS as refused:
            error = refused
    services.ensure_environments(project=project)
    held = Count("slots", filter=Q(slots__version__isnull=False))
    return show(
        request,
        "web/environment_list.html",
        status=status_of(error) if error else 200,
        environments=list(selectors.list_environments(project=project).annotate(held=held)),
        policies=list(selectors.list_policies(project=project).values_list("name", flat=True)),
        may_write=archives.can(request.principal, WRITE, project),
        problems=told(error),
        form=request.POST,
    )


def _act_on_environments(project: Project, form: QueryDict, actor: Principal) -> None:
    if form.get("act") == "bind":
        services.set_environment_policy(
            environment=_environment(project, form.get("environment", "")),
            policy=_policy(project, form.get("policy", "")),
            reason=reason_of(form.get("reason", ""), needed=True),
            actor=actor,
        )
    elif form.get("act") == "create":
        services.create_environment(
            project=project,
            name=form.get("name", "").strip(),
            position=_position(form.get("position", "")),
            protected="protected" in form,
            policy=_policy(project, form.get("policy", "")),
            actor=actor,
        )
    else:
        raise Invalid("An act is one of bind, create.", field="act")


def _environment(project: Project, name: str) -> Environment:
    try:
        return selectors.get_environment(project=project, name=name)
    except NotFound as error:
        raise Invalid(error.detail, field="environment") from error


def _policy(project: Project, name: str) -> Policy | None:
    """None for the empty choice. Raises Invalid for a name that is none."""
    if not name:
        return None
    try:
        return selectors.get_policy(project=project, name=name)
    except NotFound as error:
        raise Invalid(error.detail, field="policy") from error


def _position(text: str) -> int:
    if not text.strip().isdecimal() or int(text) > LAST_POSITION:
        raise Invalid(f"A position is a whole number up to {LAST_POSITION}.", field="position")
    return int(text)


@project_page(room="settings", methods=("GET", "POST"))
def policy_list(request: PageRequest, project: Project) -> HttpResponse:
    """The policies with what they guard, and the form for a new one."""
    error: LinealError | None = None
    if request.method == "POST":
        archives.require(request.principal, WRITE, project)
        try:
            name = request.POST.get("name", "").strip()
            if selectors.list_policies(project=project).filter(name=name).exists():
                raise Invalid(f"There is a policy '{name}' already; its page takes a new wording.", field="name")
            return _put(project, name, request)
        except REFUSALS as refused:
            error = refused
    page = by_name(selectors.list_policies(project=project).prefetch_related("environments"), request)
    wordings = _in_force(page.rows)
    return show(
        request,
        "web/policy_list.html",
        status=status_of(error) if error else 200,
        policies=[
            (policy, wordings[policy.pk], len(policies.gate_specs(wordings[policy.pk].text))) for policy in page.rows
        ],
        next_url=page.next_url,
        may_write=archives.can(request.principal, WRITE, project),
        problems=told(error),
        form=request.POST,
        document=request.POST.get("document", STARTING_POINT),
        formats=list(FORMATS),
    )


def _in_force(found: Any) -> dict[int, PolicyRevision]:
    wanted = Q(pk__in=[])
    for policy in found:
        wanted |= Q(policy=policy, number=policy.revision)
    return {revision.policy_id: revision for revision in PolicyRevision.objects.filter(wanted)}


@project_page(room="settings", methods=("GET", "POST"))
def policy_detail(request: PageRequest, project: Project, name: str) -> HttpResponse:
    """One policy: its gates, its wordings with what each changed, and the form for the next. POST puts it in force."""
    policy = selectors.get_policy(project=project, name=name)
    error: LinealError | None = None
    if request.method == "POST":
        archives.require(request.principal, WRITE, project)
        try:
            return _put(project, name, request)
        except REFUSALS as refused:
            error = refused
    revisions = list(selectors.list_revisions(policy)[:SHOWN_REVISIONS])
    shown = _chosen(revisions, request.GET.get("revision", ""))
    before = next((each for each in revisions if each.number == shown.number - 1), None)
    return show(
        request,
        "web/policy_detail.html",
        status=status_of(error) if error else 200,
        policy=policy,
        shown=shown,
        wording=_pretty(shown),
        before=_pretty(before) if before else "",
        gates=policies.gate_specs(shown.text),
        description=policies.load(shown.text).get("description", ""),
        revisions=revisions,
        environments=list(policy.environments.order_by("position")),
        may_write=archives.can(request.principal, WRITE, project),
        problems=told(error),
        form=request.POST,
        document=request.POST.get("document", _pretty(revisions[0])),
        formats=["json", "toml", "yaml"],
    )


def _put(project: Project, name: str, request: PageRequest) -> HttpResponse:
    form = request.POST
    services.put_policy(
        project=project,
        name=name,
        document=_document(form.get("document", ""), form.get("format", "")),
        actor=request.principal,
        reason=reason_of(form.get("reason", "")),
    )
    return HttpResponseRedirect(reverse("web:policy_detail", args=[project.name, name]))


def _document(text: str, format_name: str) -> Any:
    """Raises Malformed and Invalid."""
    if format_name not in FORMATS:
        raise Invalid(f"A policy is written as one of {', '.join(FORMATS)}.", field="format")
    body = text.encode()
    if len(body) > policies.MAX_BYTES:
        raise Invalid(f"A policy has at most {policies.MAX_BYTES} bytes.", field="document")
    return FORMATS[format_name](body)


def _chosen(revisions: list[PolicyRevision], number: str) -> PolicyRevision:
    """Raises NotFound for a revision that is none, or lies too far back to be listed."""
    if not number:
        return revisions[0]
    found = next((each for each in revisions if str(each.number) == number), None)
    if found is None:
        raise NotFound(f"There is no revision {number[:20]!r} among the last {SHOWN_REVISIONS} of this policy.")
    return found


def _pretty(revision: PolicyRevision) -> str:
    return orjson.dumps(policies.load(revision.text), option=orjson.OPT_INDENT_2).decode()
