"""Notifications: a project's subscriptions, one with its deliveries, one delivery with every try; and the forms of both."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core import mail, ratelimit
from core.access import Permission
from core.errors import Conflict, Invalid
from core.problems import status_of
from notify import links, selectors, services
from notify.models import Delivery, Subscription
from notify.services.subscriptions import Wish
from notify.topics import SEVERITIES, TOPICS
from web.forms import told
from web.paging import by_name, newest_first
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show

WRITE = Permission.SUBSCRIPTION_WRITE
KINDS = {"webhook": "Webhook", "slack": "Slack", "teams": "Microsoft Teams", "email": "E-mail"}
ANSWERS = {
    "sent": "A test message is on its way. Reload to see what came of it.",
    "replayed": "The message is on its way again. Reload to see what came of it.",
    "changed": "Changed.",
}


@project_page(room="settings", methods=("GET", "POST"))
def subscription_list(request: PageRequest, project: Project) -> HttpResponse:
    """The subscriptions, and the form for a new one. POST makes it, and shows the secret of a webhook once."""
    if request.method == "POST":
        _require_write(request, project)
        return _create(request, project)
    return _list_page(request, project)


def _create(request: PageRequest, project: Project) -> HttpResponse:
    form = request.POST
    try:
        wish = Wish(
            name=form.get("name", "").strip(),
            kind=_kind(form.get("kind", "")),
            target=form.get("target", "").strip(),
            events=_patterns(form.get("events", "")),
            least_severity=form.get("least_severity", ""),
        )
        made, secret = services.create_subscription(project=project, wish=wish, actor=request.principal)
    except (Invalid, Conflict) as error:
        return _list_page(request, project, form=form, error=error, status=status_of(error))
    if secret is None:
        return HttpResponseRedirect(reverse("web:subscription_detail", args=[project.name, made.uuid]))
    return _never_kept(_list_page(request, project, made=made, secret=secret, status=201))


def _kind(text: str) -> str:
    if text not in KINDS:
        raise Invalid(f"A message goes to one of {', '.join(KINDS)}.", field="kind")
    return text


def _patterns(text: str) -> list[str]:
    return [pattern for pattern in re.split(r"[\s,]+", text) if pattern]


def _list_page(
    request: PageRequest,
    project: Project,
    *,
    form: QueryDict | None = None,
    error: Invalid | Conflict | None = None,
    made: Subscription | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    page = by_name(selectors.list_subscriptions(project=project), request)
    return show(
        request,
        "web/subscription_list.html",
        status=status,
        subscriptions=[(subscription, state_of(subscription)) for subscription in page.rows],
        next_url=page.next_url,
        may_write=_may_write(request, project),
        kinds=[(kind, words) for kind, words in KINDS.items() if kind != "email" or mail.is_set()],
        severities=SEVERITIES,
        topics=TOPICS.values(),
        form=form or QueryDict("events=*"),
        problems=told(error),
        made=made,
        secret=secret,
    )


@project_page(room="settings")
def subscription_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    subscription = selectors.get_subscription(project=project, uuid=uuid)
    return _detail_page(request, subscription, said=ANSWERS.get(request.GET.get("said", ""), ""))


@project_page(room="settings", methods=("POST",))
def subscription_act(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """One of the acts that the page offers, by the value of its button."""
    _require_write(request, project)
    subscription = selectors.get_subscription(project=project, uuid=uuid)
    act = _ACTS.get(request.POST.get("act", ""), _unknown)
    try:
        return act(request, subscription)
    except (Invalid, Conflict) as error:
        return _detail_page(request, subscription, error=error, form=request.POST, status=status_of(error))


def _unknown(request: PageRequest, subscription: Subscription) -> HttpResponse:
    raise Invalid(f"An act is one of {', '.join(_ACTS)}.", field="act")


def _test(request: PageRequest, subscription: Subscription) -> HttpResponse:
    _count_by_hand(request)
    services.send_test(subscription=subscription, actor=request.principal)
    return _to_detail(subscription, "sent")


def _change(request: PageRequest, subscription: Subscription) -> HttpResponse:
    form = request.POST
    changes: dict[str, Any] = {
        "events": _patterns(form.get("events", "")),
        "least_severity": form.get("least_severity"),
    }
    if form.get("target", "").strip():
        changes["target"] = form["target"].strip()
    return _update(request, subscription, changes)


def _enable(request: PageRequest, subscription: Subscription) -> HttpResponse:
    return _update(request, subscription, {"enabled": True})


def _disable(request: PageRequest, subscription: Subscription) -> HttpResponse:
    return _update(request, subscription, {"enabled": False})


def _update(request: PageRequest, subscription: Subscription, changes: Mapping[str, Any]) -> HttpResponse:
    services.update_subscription(subscription=subscription, changes=changes, actor=request.principal)
    return _to_detail(subscription, "changed")


def _rotate(request: PageRequest, subscription: Subscription) -> HttpResponse:
    secret = services.rotate_secret(subscription=subscription, actor=request.principal)
    return _never_kept(_detail_page(request, subscription, secret=secret))


def _delete(request: PageRequest, subscription: Subscription) -> HttpResponse:
    services.delete_subscription(subscription=subscription, actor=request.principal)
    return HttpResponseRedirect(reverse("web:subscription_list", args=[subscription.project.name]))


_ACTS: Mapping[str, Callable[[PageRequest, Subscription], HttpResponse]] = {
    "test": _test,
    "change": _change,
    "enable": _enable,
    "disable": _disable,
    "rotate": _rotate,
    "delete": _delete,
}


def _detail_page(
    request: PageRequest,
    subscription: Subscription,
    *,
    said: str = "",
    error: Invalid | Conflict | None = None,
    form: QueryDict | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    project, principal = subscription.project, request.principal
    page = newest_first(selectors.list_deliveries(subscription=subscription), request)
    given = form if form is not None and form.get("act") == "change" else None
    return show(
        request,
        "web/subscription_detail.html",
        status=status,
        subscription=subscription,
        kind=KINDS[subscription.kind],
        state=state_of(subscription),
        events=given["events"] if given and "events" in given else ", ".join(subscription.events),
        least_severity=given.get("least_severity", "") if given else subscription.least_severity,
        severities=SEVERITIES,
        deliveries=page.rows,
        next_url=page.next_url,
        may_write=_may_write(request, project),
        said=said,
        problems=told(error),
        secret=secret,
        entries=trail_of(project=project, type="subscription", id=str(subscription.uuid), viewer=principal),
    )


@project_page(room="settings")
def delivery_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    delivery = selectors.get_delivery(project=project, uuid=uuid)
    return _delivery_page(request, delivery, said=ANSWERS.get(request.GET.get("said", ""), ""))


@project_page(room="settings", methods=("POST",))
def delivery_replay(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    _require_write(request, project)
    delivery = selectors.get_delivery(project=project, uuid=uuid)
    _count_by_hand(request)
    try:
        services.replay_delivery(delivery=delivery, actor=request.principal)
    except Conflict as error:
        return _delivery_page(request, delivery, error=error, status=status_of(error))
    address = reverse("web:delivery_detail", args=[project.name, uuid])
    return HttpResponseRedirect(f"{address}?said=replayed")


def _delivery_page(
    request: PageRequest, delivery: Delivery, *, said: str = "", error: Conflict | None = None, status: int = 200
) -> HttpResponse:
    return show(
        request,
        "web/delivery_detail.html",
        status=status,
        delivery=delivery,
        subscription=delivery.subscription,
        link=delivery.url if delivery.url.startswith("/") else "",
        public_link=links.absolute(delivery.url),
        tries=list(selectors.list_attempts(delivery=delivery)),
        may_write=_may_write(request, delivery.subscription.project),
        said=said,
        problems=told(error),
    )


def state_of(subscription: Subscription) -> str:
    """In one word, as the page shows it."""
    if not subscription.enabled:
        return "disabled"
    return "failing" if subscription.is_failing else "enabled"


def _may_write(request: PageRequest, project: Project) -> bool:
    return archives.can(request.principal, WRITE, project)


def _require_write(request: PageRequest, project: Project) -> None:
    """Raises NotAllowed, and ProjectArchived for a write into an archive."""
    archives.require(request.principal, WRITE, project)


def _count_by_hand(request: PageRequest) -> None:
    ratelimit.take("send_by_hand", f"account:{request.principal.id}")


def _to_detail(subscription: Subscription, said: str) -> HttpResponse:
    address = reverse("web:subscription_detail", args=[subscription.project.name, subscription.uuid])
    return HttpResponseRedirect(f"{address}?said={said}")


def _never_kept(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
