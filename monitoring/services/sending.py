"""Sending what a firing starts: one attempt at a time, each on the firing's record, until it is taken or given up.

Whoever dies between sending and noting it leaves the job to another, who sends again under the same id: Airflow refuses
a second run of that id, and the others are told it, so that what they start can be held to one.
"""

from functools import partial
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F

from audit.services import record
from core import clock, events, outbound
from core.access import system_principal
from core.outbound import Answer, OutboundFailed, OutboundRefused
from core.sealing import SealBroken, unseal
from monitoring import links
from monitoring.evidence import trigger_target
from monitoring.intake.place import clean
from monitoring.models import Firing
from monitoring.services.firings import facts
from monitoring.triggers.actions import ACTIONS, Message, Target

State = Firing.State
TIMEOUT_S = 20.0  # of a connection and of each read; the job's lease outlasts an action of two requests
MOST_ATTEMPTS = 12  # spread over some two hours by the outbox
ANSWER_LENGTH = 500  # characters kept of an answer
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})  # and every status from 500 on


class NotTaken(Exception):
    """What the firing starts did not take the message; the outbox will try again."""


def send_firing(*, firing_id: int) -> None:
    """One attempt. Nothing happens to a firing that was sent or given up already.

    Raises:
        NotTaken: it may be taken later.
    """
    firing = _begin(firing_id)
    if firing is None:
        return
    try:
        answer = _perform(firing)
    except (OutboundRefused, SealBroken) as exc:
        _give_up(firing, exc.detail)
    except OutboundFailed as exc:
        _later(firing, exc.detail)
    else:
        _weigh(firing, answer)


@transaction.atomic
def _begin(firing_id: int) -> Firing | None:
    """Count the attempt before it is made, so that one which killed its worker is counted too."""
    firing = Firing.objects.select_for_update(of=("self",)).select_related("trigger__project").get(pk=firing_id)
    if not firing.is_pending:
        return None
    if firing.trigger.deleted_at is not None:
        _give_up(firing, "The trigger was deleted before it was sent.")
        return None
    firing.attempts += 1
    Firing.objects.filter(pk=firing.pk).update(attempts=F("attempts") + 1)
    return firing


def _perform(firing: Firing) -> Answer:
    trigger = firing.trigger
    credentials: dict[str, Any] = orjson.loads(unseal(trigger.sealed_credentials))
    target = Target(trigger.address, trigger.settings, credentials)
    send = partial(outbound.send, timeout_s=TIMEOUT_S)
    return ACTIONS[trigger.action].perform(target, message_of(firing), send)


def message_of(firing: Firing) -> Message:
    """What is told of a firing. Ten keys, which is all that GitHub takes; the same on every attempt."""
    trigger, known = firing.trigger, firing.facts
    version = {"number": known.get("number"), "digest": known.get("digest")} if known.get("model") else None
    dataset = {"name": known["dataset"], "digest": known.get("digest")} if known.get("dataset") else None
    alert = {"id": known.get("alert"), **{name: known.get(name) for name in ("kind", "severity", "columns")}}
    payload = {
        "caused_by": str(firing.uuid),
        "cause": {
            "type": firing.cause_type,
            "id": firing.cause_id,
            "label": firing.cause_label,
            "at": clock.text(firing.fired_at),
        },
        "trigger": trigger.name,
        "project": trigger.project.name,
        "alert": alert if known.get("alert") else None,
        "model": known.get("model"),
        "version": version,
        "environment": known.get("environment"),
        "dataset": dataset,
        "links": {
            "cause": links.absolute(links.firings_of(firing)),
            "trigger": links.absolute(links.trigger_of(firing)),
        },
    }
    return Message(id=str(firing.uuid), payload=payload, timestamp_s=int(clock.now().timestamp()))


def _weigh(firing: Firing, answer: Answer) -> None:
    firing.answer_status = answer.status
    firing.answer = clean(answer.body.decode("utf-8", "replace"), ANSWER_LENGTH)
    if ACTIONS[firing.trigger.action].is_done(answer):
        _end(firing, State.SENT)
    elif answer.status >= 500 or answer.status in WORTH_ANOTHER_TRY:
        _later(firing, f"The answer was {answer.status}.")
    else:
        _give_up(firing, f"The answer was {answer.status}, which another try would not change.")


def _later(firing: Firing, detail: str) -> None:
    """Raises NotTaken, unless this was the last attempt."""
    if firing.attempts >= MOST_ATTEMPTS:
        _give_up(firing, f"{detail} {firing.attempts} attempts were made.")
        return
    firing.detail = clean(detail, ANSWER_LENGTH)
    firing.save(update_fields=["detail", "answer_status", "answer"])
    raise NotTaken(f"{firing.trigger.name}: {firing.detail}")


@transaction.atomic
def _give_up(firing: Firing, detail: str) -> None:
    """The trigger stays as it is: its owner is told, and the next cause fires it again."""
    _end(firing, State.FAILED, detail)
    record(
        action="trigger.fail",
        target=trigger_target(firing.trigger),
        actor=system_principal("worker"),
        project=firing.trigger.project,
        outcome="error",
        after={"firing": firing.uuid, "attempts": firing.attempts, "detail": firing.detail},
        refs=[("firing", str(firing.uuid))],
    )
    events.announce("trigger.failed", **facts(firing), detail=firing.detail)


def _end(firing: Firing, state: Firing.State, detail: str = "") -> None:
    firing.state, firing.detail, firing.ended_at = state, clean(detail, ANSWER_LENGTH), clock.now()
    firing.save(update_fields=["state", "detail", "ended_at", "answer_status", "answer"])
