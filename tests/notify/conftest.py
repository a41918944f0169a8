"""Subscriptions, facts to tell, and small servers that take messages."""

from contextlib import closing

import pytest
from django.db import transaction

from notify import services
from notify.models import Delivery
from notify.services.subscriptions import Wish
from tests.notify.receivers import MailServer, Slack, Teams, Webhook


@pytest.fixture
def carol(make_member):
    """Maintains the project, so she may make subscriptions."""
    from core.access import Role

    return make_member("carol", Role.MAINTAINER)


@pytest.fixture
def reachable(settings):
    """This machine may be called, and knows its own address."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    settings.PUBLIC_URL = "https://lineal.example.org"


@pytest.fixture
def webhook():
    with closing(Webhook()) as receiver:
        yield receiver


@pytest.fixture
def slack():
    with closing(Slack()) as receiver:
        yield receiver


@pytest.fixture
def teams():
    with closing(Teams()) as receiver:
        yield receiver


@pytest.fixture
def mail_server(settings):
    with closing(MailServer()) as server:
        settings.SMTP_URL = f"smtp://127.0.0.1:{server.port}"
        settings.MAIL_FROM = "Lineal <lineal@example.org>"
        yield server


@pytest.fixture
def make_subscription(home, project, carol):
    """`make_subscription(webhook)`: to that receiver, of everything, unless told otherwise."""

    def make(receiver=None, *, name="ops", kind="webhook", **wish):
        wish.setdefault("target", f"{receiver.address}/hook?key=canary" if receiver else "https://ops.example.org/hook")
        subscription, secret = services.create_subscription(
            project=project, wish=Wish(name=name, kind=kind, **wish), actor=carol
        )
        subscription.secret = secret
        if receiver is not None:
            receiver.secret = secret
        return subscription

    return make


@pytest.fixture
def tell(project):
    """`tell("alert.opened")`: publish such a fact; returns the deliveries that it made."""

    def publish(event="alert.opened", *, key="a-1", severity="warn", **said):
        known = set(Delivery.objects.values_list("pk", flat=True))
        words = {
            "title": "drift alert on fraud v7 in production",
            "text": "Columns: amount",
            "url": "/projects/default/alerts/a-1",
            "payload": {"model": "fraud", "number": 7},
        }
        with transaction.atomic():
            services.publish(project=project, event=event, severity=severity, key=key, **words | said)
        return list(Delivery.objects.exclude(pk__in=known).order_by("pk"))

    return publish


@pytest.fixture
def work(run_jobs, later):
    """`work()`: do what is due; `work(60)`: a minute later."""
    from core import clock

    def run(after_s=0):
        later(after_s)
        assert clock.now()
        return run_jobs()

    return run
