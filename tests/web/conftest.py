"""Browsers, and the people who sit at them."""

import re

import pytest
from django.test import Client

from accounts import cookies, services

OURS = "http://testserver"


class Browser:
    """Django's client with a page session and CSRF checked, as a browser without JavaScript would use the pages."""

    def __init__(self, secret=None):
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        if secret is not None:
            self.client.cookies[cookies.SESSION_COOKIE] = secret

    def get(self, path, **headers):
        return self.client.get(path, headers={"accept": "text/html", **headers})

    def post(self, path, fields, *, page=None, **headers):
        """Sends a form as it stands on `page` (the address itself if not said), with that page's CSRF token."""
        token = csrf_token(self.get(page or path).content.decode())
        headers = {"accept": "text/html", "origin": OURS, **headers}
        return self.client.post(path, {"csrfmiddlewaretoken": token, **fields}, headers=headers)


def csrf_token(html):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html).group(1)


@pytest.fixture
def make_link(db):
    """`make_link(principal)`: the secret of a one-time link that signs that person in."""
    from accounts.models import Account
    from core.access import system_principal

    def make(principal):
        account = Account.objects.get(uuid=principal.id)
        _, secret = services.create_login_link(account=account, actor=system_principal("tests"))
        return secret

    return make


@pytest.fixture
def browser(make_link):
    """`browser(alice)` is signed in as Alice, `browser()` as nobody."""

    def make(principal=None):
        if principal is None:
            return Browser()
        _, secret = services.exchange_login_link(secret=make_link(principal))
        return Browser(secret)

    return make


@pytest.fixture
def root(make_account, principal):
    """Administers the server."""
    return principal(make_account("root", is_server_admin=True))


@pytest.fixture
def story(project, alice, bob):
    """The project after everything has happened in it once: Bob's promotion waits for an approver."""
    from tests.web import story

    story.want_approval(project, alice)
    return story.tell(project, bob)


@pytest.fixture
def carol(make_member):
    """May approve."""
    from core.access import Role

    return make_member("carol", Role.APPROVER)


@pytest.fixture
def pages(home, story, project, alice):
    """Addresses of all pages of the project, by name."""
    from urllib.parse import quote

    from audit.models import AuditEvent
    from tests.web.story import EVIL_NAME, subscribe

    base = "/projects/default"
    subscription = subscribe(project, alice)
    delivery = subscription.deliveries.get()
    event = AuditEvent.objects.filter(target_type="run").order_by("id").first()
    return {
        "run list": f"{base}/runs",
        "columns": f"{base}/runs/columns",
        "comparison": f"{base}/runs/compare?runs={story.run.uuid.hex}",
        "run": f"{base}/runs/{story.run.uuid.hex}",
        "experiments": f"{base}/experiments",
        "models": f"{base}/models",
        "model": f"{base}/models/fraud",
        "version": f"{base}/models/fraud/versions/1",
        "environment": f"{base}/models/fraud/environments/production",
        "plan": f"{base}/models/fraud/versions/1/plan?environment=staging",
        "promotions": f"{base}/promotions",
        "promotion": f"{base}/promotions/{story.promotion.uuid}",
        "deployments": f"{base}/deployments",
        "deployment": f"{base}/deployments/{story.deployment.uuid}",
        "datasets": f"{base}/data",
        "dataset": f"{base}/data/{quote(EVIL_NAME)}",
        "impact": f"{base}/impact/{story.dataset_version.uuid}",
        "subscriptions": f"{base}/notifications",
        "subscription": f"{base}/notifications/{subscription.uuid}",
        "delivery": f"{base}/deliveries/{delivery.uuid}",
        "general": f"{base}/settings/general",
        "members": f"{base}/settings/members",
        "environments": f"{base}/settings/environments",
        "policies": f"{base}/settings/policies",
        "policy": f"{base}/settings/policies/production-gates",
        "usage": f"{base}/usage",
        "audit": f"{base}/audit",
        "event": f"{base}/audit/{event.uuid}",
    }


@pytest.fixture
def sequence(home):
    """`sequence()`: number and sign what is recorded, as the sequencer process would."""
    from audit import keys
    from audit.sequencer import Sequencer

    def run():
        keys.ensure_key()
        sequencer = Sequencer(keys.load_signer())
        while sequencer.step():
            pass

    return run


@pytest.fixture
def past(project, alice, bob, carol):
    """churn v1, v2 and v3, each a week in production, reported by eu-1 and us-1 an hour after the promotion; v3 is there now."""
    from tests.web.history import live_through

    return live_through(project, admin=alice, asker=bob, approver=carol)


@pytest.fixture
def stopped_clock(monkeypatch):
    """For two answers of the same: how long ago a moment was, and how long a run takes that goes on, are the same in both."""
    from core import clock

    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
