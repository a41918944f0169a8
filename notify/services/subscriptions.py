"""Writes to subscriptions: made, changed and deleted by people, each act on the ledger. Where they lead is kept sealed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Project
from accounts.names import check_name
from audit.services import record
from core import clock, mail
from core.access import Principal, system_principal
from core.errors import LinealError
from core.sealing import seal
from core.signatures import new_secret
from notify.errors import HasNoSecret, NameTaken, SubscriptionMissing, SubscriptionRefused, TooManySubscriptions
from notify.evidence import subscription_target
from notify.models import Subscription
from notify.senders import SENDERS
from notify.topics import SEVERITIES, TOPICS, unknown_pattern

MOST_SUBSCRIPTIONS = 100  # of one project: each fact is held against each of them
MOST_PATTERNS = 20
PATTERN = re.compile(r"[a-z_.*]{1,64}", re.ASCII)
SHOWN = ("kind", "shown_target", "events", "least_severity", "enabled")
CHANGEABLE = ("events", "least_severity", "enabled")
CHANGE_OVER = timedelta(hours=24)  # how long the old secret signs beside the new one

Problems = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Wish:
    """A subscription as its maker wants it."""

    name: str
    kind: str
    target: str
    events: Sequence[str] = ("*",)
    least_severity: str = SEVERITIES[0]
    enabled: bool = True


@transaction.atomic
def create_subscription(*, project: Project, wish: Wish, actor: Principal) -> tuple[Subscription, str | None]:
    """The subscription; and the secret that signs its messages, if it is a webhook, which is shown this once.

    Raises:
        Invalid: no subscription may be called so.
        MailNotSet: an e-mail is wanted, and this server sends none.
        SubscriptionRefused: target, events or severity have mistakes; all of them are told.
        TooManySubscriptions: the project has as many as it may have.
        NameTaken: another subscription of the project has that name.
    """
    check_name(wish.name)
    if wish.kind == Subscription.Kind.EMAIL and not mail.is_set():
        raise mail.MailNotSet
    sender = SENDERS[wish.kind]
    problems: Problems = []
    target = _target(wish.kind, wish.target, problems)
    wanted = _wanted({"events": wish.events, "least_severity": wish.least_severity}, problems)
    _refuse(problems)
    if Subscription.objects.filter(project=project).count() >= MOST_SUBSCRIPTIONS:
        raise TooManySubscriptions(f"A project has at most {MOST_SUBSCRIPTIONS} subscriptions.")
    secret = new_secret() if sender.is_signed else None
    subscription = Subscription(
        project=project,
        name=wish.name,
        kind=wish.kind,
        sealed_target=seal(target),
        shown_target=sender.show(target),
        sealed_secret=seal(secret) if secret else b"",
        enabled=wish.enabled,
        created_by_id=actor.id,
        created_by=actor.name,
        **wanted,
    )
    try:
        with transaction.atomic():
            subscription.save()
    except IntegrityError as exc:
        raise NameTaken(f"There is a subscription '{wish.name}' already.") from exc
    record_act(subscription, "subscription.create", actor, after=_told(subscription, SHOWN))
    return subscription, secret


@transaction.atomic
def update_subscription(*, subscription: Subscription, changes: Mapping[str, Any], actor: Principal) -> Subscription:
    """Change what is given of target, events, least severity and whether it is enabled; what is as it was leaves no
    entry. Enabling it forgets that it failed.

    Raises:
        SubscriptionRefused: the result would have mistakes; all of them are told.
        SubscriptionMissing: it was deleted.
    """
    subscription = lock_subscription(subscription.pk)
    problems: Problems = []
    wanted = _wanted(changes, problems)
    if "target" in changes:
        target = _target(subscription.kind, changes["target"], problems)
    _refuse(problems)
    changed = {key: value for key, value in wanted.items() if getattr(subscription, key) != value}
    if not changed and "target" not in changes:
        return subscription
    before = _told(subscription, list(changed))
    for key, value in changed.items():
        setattr(subscription, key, value)
    if "target" in changes:
        before["shown_target"] = subscription.shown_target
        subscription.sealed_target = seal(target)
        subscription.shown_target = SENDERS[subscription.kind].show(target)
    if changed.get("enabled") or "target" in changes:
        forget_failures(subscription)
    if "enabled" in changed:
        subscription.disabled_because = ""
    subscription.save()
    record_act(subscription, "subscription.update", actor, before=before, after=_told(subscription, list(before)))
    return subscription


@transaction.atomic
def rotate_secret(*, subscription: Subscription, actor: Principal) -> str:
    """A new secret, shown this once. For a day the old one signs beside it, so that no message is lost meanwhile.

    Raises:
        HasNoSecret: only webhooks are signed.
        SubscriptionMissing: it was deleted.
    """
    subscription = lock_subscription(subscription.pk)
    if not SENDERS[subscription.kind].is_signed:
        raise HasNoSecret(f"Messages to {subscription.kind} are not signed, so there is no secret to renew.")
    secret = new_secret()
    subscription.sealed_previous_secret = subscription.sealed_secret
    subscription.previous_until = clock.now() + CHANGE_OVER
    subscription.sealed_secret = seal(secret)
    subscription.save(update_fields=["sealed_previous_secret", "previous_until", "sealed_secret"])
    record_act(subscription, "subscription.rotate_secret", actor, after={"previous_until": subscription.previous_until})
    return secret


@transaction.atomic
def delete_subscription(*, subscription: Subscription, actor: Principal) -> None:
    """It is told nothing more, and its deliveries are gone. Raises SubscriptionMissing."""
    subscription = lock_subscription(subscription.pk)
    record_act(subscription, "subscription.delete", actor, before=_told(subscription, SHOWN))
    subscription.delete()


def disable(subscription: Subscription, *, because: str) -> None:
    """By the server itself, because nobody listens. The caller holds its lock."""
    subscription.enabled = False
    subscription.disabled_because = because
    subscription.save(update_fields=["enabled", "disabled_because"])
    record_act(
        subscription,
        "subscription.disable",
        system_principal("worker"),
        outcome="error",
        reason=because,
        before={"enabled": True},
        after={"enabled": False},
    )


def forget_failures(subscription: Subscription) -> None:
    """In memory; the caller saves."""
    subscription.failing_since = subscription.paused_until = None
    subscription.failures = 0


def lock_subscription(subscription_id: int) -> Subscription:
    """Whoever changes it, or notes what came of a try, does so alone. Raises SubscriptionMissing if it was deleted."""
    subscriptions = Subscription.objects.select_related("project").select_for_update(of=("self",), no_key=True)
    subscription = subscriptions.filter(pk=subscription_id).first()
    if subscription is None:
        raise SubscriptionMissing("This subscription was deleted.")
    return subscription


def record_act(subscription: Subscription, action: str, actor: Principal, **evidence: Any) -> None:
    target = subscription_target(subscription)
    record(action=action, target=target, actor=actor, project=subscription.project, **evidence)


def _wanted(changes: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    wanted = {key: changes[key] for key in CHANGEABLE if key in changes}
    if "events" in wanted:
        wanted["events"] = _patterns(wanted["events"], problems)
    if wanted.get("least_severity", SEVERITIES[0]) not in SEVERITIES:
        problems.append({"field": "least_severity", "detail": f"Expected one of {', '.join(SEVERITIES)}."})
    return wanted


def _patterns(given: Sequence[str], problems: Problems) -> list[str]:
    patterns = list(dict.fromkeys(given))
    if not 1 <= len(patterns) <= MOST_PATTERNS:
        problems.append({"field": "events", "detail": f"Expected 1 to {MOST_PATTERNS} events or patterns of them."})
    for pattern in patterns:
        if not PATTERN.fullmatch(pattern) or unknown_pattern(pattern):
            detail = f"No event matches {pattern[:64]!r}; known are {', '.join(sorted(TOPICS))}."
            problems.append({"field": "events", "detail": detail})
    return patterns


def _target(kind: str, given: str, problems: Problems) -> str:
    try:
        return SENDERS[kind].read(given)
    except LinealError as exc:
        problems.append({"field": "target", "detail": exc.detail})
        return ""


def _refuse(problems: Problems) -> None:
    if problems:
        raise SubscriptionRefused("The subscription has mistakes; nothing was changed.", errors=problems)


def _told(subscription: Subscription, keys: Sequence[str]) -> dict[str, Any]:
    """What the ledger, which forgets nothing, is told of these columns."""
    return {key: getattr(subscription, key) for key in keys}
