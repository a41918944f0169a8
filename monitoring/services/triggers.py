"""Writes to triggers: made, changed and deleted by people, each act on the ledger. Their credentials are kept sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import IntegrityError, transaction

from accounts.models import Project
from audit.services import record
from core import clock
from core.access import Principal
from core.errors import LinealError
from core.outbound import parse_url
from core.sealing import seal
from core.signatures import new_secret
from monitoring.errors import NameTaken, TriggerMissing, TriggerRefused
from monitoring.evidence import trigger_target
from monitoring.models import Trigger
from monitoring.triggers.actions import ACTIONS
from monitoring.triggers.calendars import next_due
from monitoring.triggers.filters import read_filter
from registry.gates.fields import Fields, Problem
from registry.names import check_slug

SHOWN = ("filter", "address", "settings", "cool_down_s", "enabled", "owner")  # what may change, credentials aside
DEFAULT_COOL_DOWN_S = 3_600


@dataclass(frozen=True, slots=True)
class Wish:
    """A trigger as its maker wants it. A webhook without a `secret` among its credentials gets one."""

    name: str
    on: str
    action: str
    filter: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    cool_down_s: int = DEFAULT_COOL_DOWN_S
    enabled: bool = True
    owner: str = ""


@transaction.atomic
def create_trigger(*, project: Project, wish: Wish, actor: Principal) -> tuple[Trigger, str | None]:
    """The trigger; and the secret that was made for it, if one was, which is shown this once.

    Raises:
        Invalid: no trigger may be called so.
        TriggerRefused: filter, address, settings or credentials have mistakes; all of them are told.
        NameTaken: another trigger of the project has that name.
    """
    check_slug(wish.name)
    problems: list[Problem] = []
    secret = new_secret() if wish.action == Trigger.Action.WEBHOOK and not wish.credentials else None
    credentials = {"secret": secret} if secret else wish.credentials
    trigger = Trigger(
        project=project,
        name=wish.name,
        on=wish.on,
        filter=read_filter(wish.on, Fields(wish.filter, "filter", problems)),
        action=wish.action,
        address=_address(wish.action, wish.address, problems),
        settings=_settings(wish.action, wish.settings, problems),
        sealed_credentials=_sealed(wish.action, credentials, problems),
        cool_down_s=wish.cool_down_s,
        enabled=wish.enabled,
        owner=wish.owner or actor.name,
        created_by_id=actor.id,
        created_by=actor.name,
    )
    _refuse(problems)
    _schedule(trigger)
    try:
        with transaction.atomic():
            trigger.save()
    except IntegrityError as exc:
        raise NameTaken(f"There is a trigger '{wish.name}' already.") from exc
    _record(trigger, "trigger.create", actor, after=_told(trigger, ("on", "action", *SHOWN)))
    return trigger, secret


@transaction.atomic
def update_trigger(*, trigger: Trigger, changes: Mapping[str, Any], actor: Principal) -> Trigger:
    """Change what is given of filter, address, settings, credentials, cool-down, owner and whether it is enabled; what
    is as it was leaves no entry. Credentials do not move to another host: they have to be given with it.

    Raises:
        TriggerRefused: the result would have mistakes; all of them are told.
        TriggerMissing: it was deleted.
    """
    trigger = lock_trigger(trigger.pk)
    problems: list[Problem] = []
    wanted = _wanted(trigger, changes, problems)
    credentials = changes.get("credentials")
    if credentials is not None:
        sealed = _sealed(trigger.action, credentials, problems)
    elif "address" in wanted and ACTIONS[trigger.action].secret_is_sent and not problems:
        _keep_credentials_home(trigger.address, wanted["address"], problems)
    _refuse(problems)
    changed = {key: value for key, value in wanted.items() if getattr(trigger, key) != value}
    if not changed and credentials is None:
        return trigger
    before = _told(trigger, list(changed))
    for key, value in changed.items():
        setattr(trigger, key, value)
    if credentials is not None:
        trigger.sealed_credentials = sealed
    if {"filter", "enabled"} & set(changed):
        _schedule(trigger)
    trigger.save()
    news = {"credentials": "renewed"} if credentials is not None else {}
    _record(trigger, "trigger.update", actor, before=before, after=_told(trigger, list(changed)) | news)
    return trigger


@transaction.atomic
def delete_trigger(*, trigger: Trigger, actor: Principal) -> None:
    """It fires no more, what it was about to send is not sent, and its credentials are gone; its firings stay."""
    trigger = lock_trigger(trigger.pk)
    trigger.deleted_at = clock.now()
    trigger.sealed_credentials = b""
    trigger.next_at = None
    trigger.save(update_fields=["deleted_at", "sealed_credentials", "next_at"])
    _record(trigger, "trigger.delete", actor, before=_told(trigger, ("on", "action", *SHOWN)))


def lock_trigger(trigger_id: int) -> Trigger:
    """Whoever fires or changes it does so alone. Raises TriggerMissing if it was deleted."""
    triggers = Trigger.objects.select_related("project").select_for_update(of=("self",))
    trigger = triggers.filter(pk=trigger_id, deleted_at__isnull=True).first()
    if trigger is None:
        raise TriggerMissing("This trigger was deleted.")
    return trigger


def _wanted(trigger: Trigger, changes: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    wanted = {key: changes[key] for key in ("cool_down_s", "enabled", "owner") if key in changes}
    if "filter" in changes:
        wanted["filter"] = read_filter(trigger.on, Fields(changes["filter"], "filter", problems))
    if "address" in changes:
        wanted["address"] = _address(trigger.action, changes["address"], problems)
    if "settings" in changes:
        wanted["settings"] = _settings(trigger.action, changes["settings"], problems)
    return wanted


def _address(action: str, given: str, problems: list[Problem]) -> str:
    """Checked as far as an address can be without asking its name server: that is done when it is called."""
    address = (given or ACTIONS[action].address).rstrip("/") if action != Trigger.Action.WEBHOOK else given
    try:
        if not address:
            raise TriggerRefused(f"An action of kind {action} needs an address.")
        parse_url(address)
    except LinealError as exc:
        problems.append({"field": "address", "detail": exc.detail})
    return address


def _settings(action: str, given: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    fields = Fields(given, "settings", problems)
    read = ACTIONS[action].read_settings(fields)
    fields.finish()
    return read


def _sealed(action: str, given: Mapping[str, Any], problems: list[Problem]) -> bytes:
    fields = Fields(given, "credentials", problems)
    read = ACTIONS[action].read_credentials(fields)
    fields.finish()
    return seal(orjson.dumps(read).decode()) if not problems else b""


def _keep_credentials_home(before: str, after: str, problems: list[Problem]) -> None:
    """Else whoever may change a trigger could have its token sent to themselves."""
    was, will = parse_url(before), parse_url(after)
    if (was.scheme, was.host, was.port) != (will.scheme, will.host, will.port):
        problems.append({"field": "credentials", "detail": "Another host needs its credentials to be given anew."})


def _schedule(trigger: Trigger) -> None:
    due = trigger.enabled and trigger.on == Trigger.On.CALENDAR
    trigger.next_at = next_due(**trigger.filter, after=clock.now()) if due else None


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        told = [{**problem, "detail": _without_values(problem)} for problem in problems]
        raise TriggerRefused("The trigger has mistakes; nothing was changed.", errors=told)


def _without_values(problem: Problem) -> str:
    """What was found where credentials stand is a credential, mistyped."""
    detail = problem["detail"]
    return detail.partition(", found")[0] if problem["field"].startswith("credentials") else detail


def _told(trigger: Trigger, keys: Sequence[str]) -> dict[str, Any]:
    """What the ledger, which forgets nothing, is told of these columns."""
    return {key: trigger.shown_address if key == "address" else getattr(trigger, key) for key in keys}


def _record(trigger: Trigger, action: str, actor: Principal, **evidence: Any) -> None:
    record(action=action, target=trigger_target(trigger), actor=actor, project=trigger.project, **evidence)
