"""Bringing a delivery to its place: one try at a time, each on the delivery's record, until it is taken or given up.

A try is noted before it is made and ended afterwards. Whoever dies in between leaves the job to another, who sends again
under the same id: at least once, then, and a receiver that keeps the ids it has seen gets everything once.
"""

import random
import time
from datetime import datetime, timedelta

from django.db import transaction

from core import clock, jobs, metrics
from core.sealing import SealBroken, unseal
from notify import links
from notify.errors import SubscriptionMissing
from notify.models import Attempt, Delivery, Subscription
from notify.senders import SENDERS, Message, Outcome, Place, Result
from notify.services.subscriptions import disable, forget_failures, lock_subscription
from notify.topics import TEST
from notify.words import lines, one_line

State = Delivery.State
MOST_ATTEMPTS = 12
GIVE_UP_AFTER = timedelta(days=3)
FIRST_WAIT_S, LONGEST_WAIT_S = 10, 12 * 3_600  # each wait is four times the one before
LONGEST_RETRY_AFTER_S = 24 * 3_600  # what a receiver may ask for
JITTER = 0.2  # so that what failed together does not come back together
LONGEST_PAUSE_S = 15 * 60  # of a subscription whose receiver does not answer
DISABLE_AFTER = timedelta(days=5)  # without one success
CLAIM = timedelta(seconds=150)  # one worker at a time; the job's lease is longer, so whoever takes over may try
KEEP = timedelta(days=30)  # deliveries that have ended
ANSWER_LENGTH = 500  # characters
tries = metrics.counter(
    "lineal_delivery_attempts_total",
    "Tries to bring a message to its place, by what came of them.",
    ["kind", "outcome"],
)
FORGOTTEN_AT_ONCE = 1_000


def deliver(*, delivery_id: int, at_once: bool = False) -> None:
    """One try, if it is due. Nothing happens to a delivery that has ended. `at_once` does not mind that the receiver
    has failed just now: a person wants to see.
    """
    attempt = _begin(delivery_id, at_once)
    if attempt is None:
        return
    begun = time.monotonic()
    outcome = _perform(attempt.delivery)
    tries.labels(attempt.delivery.subscription.kind, outcome.result.value).inc()
    _settle(attempt, outcome, duration_ms=int((time.monotonic() - begun) * 1_000))


@transaction.atomic
def _begin(delivery_id: int, at_once: bool) -> Attempt | None:
    delivery = _locked(delivery_id)
    if delivery is None or not delivery.is_pending:
        return None
    now, subscription = clock.now(), delivery.subscription
    if delivery.next_at is not None and delivery.next_at > now:
        _wake(delivery)
        return None
    if not subscription.enabled and delivery.event != TEST:
        _end(delivery, State.FAILED, "The subscription was disabled before it was sent.")
        return None
    is_late = now - delivery.since > GIVE_UP_AFTER and delivery.attempts > 0  # else it was us who slept
    if delivery.attempts >= MOST_ATTEMPTS or is_late:
        _lose(delivery, State.DEAD, f"Given up. {delivery.detail}")
        return None
    if subscription.is_paused(now) and not at_once:
        _later(delivery, _paused_until(subscription), "It waits, because the receiver has failed just now.")
        return None
    delivery.attempts += 1
    delivery.next_at = now + CLAIM
    delivery.save(update_fields=["attempts", "next_at"])
    return Attempt.objects.create(delivery=delivery, at=now)


def _perform(delivery: Delivery) -> Outcome:
    subscription = delivery.subscription
    try:
        place = _place(subscription)
    except SealBroken as exc:
        return Outcome(Result.REFUSED, error=exc.detail)
    return SENDERS[subscription.kind].send(place, message_of(delivery))


def _place(subscription: Subscription) -> Place:
    sealed = [subscription.sealed_secret]
    if subscription.previous_until is not None and subscription.previous_until > clock.now():
        sealed.append(subscription.sealed_previous_secret)
    return Place(unseal(subscription.sealed_target), [unseal(each) for each in sealed if each])


def message_of(delivery: Delivery) -> Message:
    """The same on every attempt, but for the second in which it is made."""
    return Message(
        id=str(delivery.uuid),
        event=delivery.event,
        project=delivery.subscription.project.name,
        severity=delivery.severity,
        title=delivery.title,
        text=delivery.text,
        url=links.absolute(delivery.url),
        at=clock.text(delivery.created_at),
        facts=delivery.payload,
        timestamp_s=int(clock.now().timestamp()),
    )


@transaction.atomic
def _settle(attempt: Attempt, outcome: Outcome, *, duration_ms: int) -> None:
    """Note what came of a try, and decide what follows. Of a delivery that has ended meanwhile only the try is noted."""
    delivery = _locked(attempt.delivery_id)
    if delivery is None:
        return
    attempt.duration_ms, attempt.status = duration_ms, outcome.status
    attempt.answer, attempt.error = lines(outcome.answer, ANSWER_LENGTH), one_line(outcome.error, ANSWER_LENGTH)
    attempt.save(update_fields=["duration_ms", "status", "answer", "error"])
    if not delivery.is_pending:
        return
    if outcome.result is Result.TAKEN:
        _take(delivery)
    elif outcome.result is Result.LATER:
        _fail(delivery, outcome)
    else:
        _refuse(delivery, outcome)


def _take(delivery: Delivery) -> None:
    _end(delivery, State.DELIVERED, "")
    if delivery.subscription.is_failing:
        forget_failures(delivery.subscription)
        _save_failures(delivery.subscription)


def _fail(delivery: Delivery, outcome: Outcome) -> None:
    now, subscription = clock.now(), delivery.subscription
    asked_s = min(outcome.retry_after_s or 0, LONGEST_RETRY_AFTER_S)
    subscription.failures += 1
    subscription.paused_until = now + timedelta(seconds=max(asked_s, pause_s(subscription.failures)))
    _note_failing(subscription, now)
    due = now + timedelta(seconds=max(asked_s, wait_s(delivery.attempts)))
    words = _words(outcome)
    if delivery.attempts >= MOST_ATTEMPTS or due - delivery.since > GIVE_UP_AFTER:
        _lose(delivery, State.DEAD, f"Given up after {delivery.attempts} attempts. {words}")
    else:
        _later(delivery, due, words)


def _refuse(delivery: Delivery, outcome: Outcome) -> None:
    _note_failing(delivery.subscription, clock.now())
    _lose(delivery, State.FAILED, f"{_words(outcome)} Another try would not change that.")
    if outcome.result is Result.GONE and delivery.subscription.enabled:
        disable(delivery.subscription, because="The receiver answered 410: it is gone for good.")


def _lose(delivery: Delivery, state: Delivery.State, detail: str) -> None:
    """One message is lost; where nothing was taken for days, no more are sent."""
    _end(delivery, state, detail)
    subscription, now = delivery.subscription, clock.now()
    silent_since = subscription.failing_since
    if subscription.enabled and silent_since is not None and now - silent_since >= DISABLE_AFTER:
        disable(subscription, because=f"Nothing was taken since {clock.text(silent_since)[:16]}Z.")


def wait_s(attempts: int) -> float:
    """Seconds from the attempt of that number to the next."""
    wait = float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 4 ** (attempts - 1)))
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, keeps no secret


def pause_s(failures: int) -> float:
    """Seconds for which a receiver that failed so many times in a row is left alone, whatever else waits for it."""
    return float(min(LONGEST_PAUSE_S, 5 * 2 ** min(failures, 10)))


def _paused_until(subscription: Subscription) -> datetime:
    paused_until = subscription.paused_until or clock.now()
    return paused_until + timedelta(seconds=random.uniform(0, 5))  # noqa: S311 - likewise


def _note_failing(subscription: Subscription, now: datetime) -> None:
    subscription.failing_since = subscription.failing_since or now
    _save_failures(subscription)


def _save_failures(subscription: Subscription) -> None:
    subscription.save(update_fields=["failing_since", "failures", "paused_until"])


def _later(delivery: Delivery, due: datetime, detail: str) -> None:
    delivery.next_at, delivery.detail = due, one_line(detail, ANSWER_LENGTH)
    delivery.save(update_fields=["next_at", "detail"])
    _wake(delivery)


def _wake(delivery: Delivery) -> None:
    """A job for when it is due. Whoever comes earlier looks at `next_at`, and leaves a job like this one."""
    wait = (delivery.next_at or clock.now()) - clock.now()
    jobs.enqueue("notify.deliver", _delay_s=max(0.0, wait.total_seconds()), delivery_id=delivery.pk)


def _end(delivery: Delivery, state: Delivery.State, detail: str) -> None:
    delivery.state, delivery.detail = state, one_line(detail, ANSWER_LENGTH)
    delivery.ended_at, delivery.next_at = clock.now(), None
    delivery.save(update_fields=["state", "detail", "ended_at", "next_at"])


def _words(outcome: Outcome) -> str:
    return f"The answer was {outcome.status}." if outcome.status is not None else outcome.error


def _locked(delivery_id: int) -> Delivery | None:
    """With its subscription, whose lock comes first, always; None if they were deleted."""
    subscription_id = Delivery.objects.filter(pk=delivery_id).values_list("subscription_id", flat=True).first()
    if subscription_id is None:
        return None
    try:
        subscription = lock_subscription(subscription_id)
    except SubscriptionMissing:
        return None
    delivery = Delivery.objects.select_for_update(of=("self",)).filter(pk=delivery_id).first()
    if delivery is not None:
        delivery.subscription = subscription
    return delivery


def forget_old() -> int:
    """Drop deliveries that ended more than a month ago; how many. What happened stays where it happened."""
    forgotten = 0
    while True:
        old = Delivery.objects.filter(ended_at__lt=clock.now() - KEEP).order_by("ended_at")
        ids = list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
        if not ids:
            return forgotten
        Delivery.objects.filter(pk__in=ids).delete()
        forgotten += len(ids)
