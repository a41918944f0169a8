"""Who may open and use the pages of models, promotions, deployments and data: each route by every role, and by a stranger."""

import re

import pytest

from accounts import services
from accounts.models import Account
from core.access import Role, system_principal
from tests.registry.factories import new_version
from tests.web.conftest import Browser
from tests.web.history import live_through

pytestmark = pytest.mark.django_db

BASE = "/projects/default"
MODEL = f"{BASE}/models/churn"
ROLES = tuple(Role)

PAGES = [
    (f"{BASE}/models", Role.VIEWER),
    (MODEL, Role.VIEWER),
    (f"{MODEL}/environments/production", Role.VIEWER),
    (f"{MODEL}/versions/1", Role.VIEWER),
    (f"{MODEL}/versions/1/plan?environment=production", Role.CONTRIBUTOR),
    (f"{BASE}/promotions?mine=1", Role.VIEWER),
    (f"{BASE}/promotions/{{promotion}}", Role.VIEWER),
    (f"{BASE}/deployments?as_of=2026-01-01", Role.VIEWER),
    (f"{BASE}/deployments/{{deployment}}", Role.VIEWER),
    (f"{BASE}/data", Role.VIEWER),
    (f"{BASE}/data/train", Role.VIEWER),
    (f"{BASE}/impact/{{dataset}}", Role.VIEWER),
    (f"{BASE}/impact/{{dataset}}/export?format=csv", Role.VIEWER),
]
FORMS = [
    (f"{MODEL}/aliases", {"act": "set", "alias": "best", "version": "1"}, Role.CONTRIBUTOR),
    (f"{MODEL}/versions/3/promote", {"environment": "staging", "reason": "x"}, Role.CONTRIBUTOR),
    (
        f"{MODEL}/environments/production/roll-back",
        {"to": "1", "reason": "x", "confirm": "yes", "expect_current": "{holder}"},
        Role.APPROVER,
    ),
]


@pytest.fixture
def names(project, alice, bob, carol):
    past = live_through(project, admin=alice, asker=bob, approver=carol, versions=2)
    new_version(project, bob, model="churn")
    used = past.versions[0].run.inputs.get(context="train").version
    return {
        "promotion": past.promotions[0].uuid,
        "deployment": past.deployments[0].uuid,
        "dataset": used.uuid,
        "holder": past.versions[1].digest,
    }


@pytest.fixture
def carol(make_member):
    return make_member("carol", Role.APPROVER)


def signed_in(principal):
    """Their browser, which keeps cookies and checks tokens as a real one."""
    account = Account.objects.get(uuid=principal.id)
    _, link = services.create_login_link(account=account, actor=system_principal("tests"))
    _, secret = services.exchange_login_link(secret=link)
    return Browser(secret)


def send(visitor, path, fields, names):
    """The form as any page would send it, with a token of the visitor's own."""
    return visitor.post(path, {key: value.format(**names) for key, value in fields.items()}, page="/settings/profile")


@pytest.mark.parametrize(("path", "least"), PAGES, ids=[path for path, _ in PAGES])
def test_a_page_opens_from_its_least_role_on_and_for_no_stranger(names, make_member, mallory, path, least):
    address = path.format(**names)

    for role in ROLES:
        answer = signed_in(make_member(f"m-{role.label}", role)).get(address)
        assert answer.status_code == (200 if role >= least else 403), role
    assert signed_in(mallory).get(address).status_code == 404
    assert Browser().get(address).status_code == 302


@pytest.mark.parametrize(("path", "fields", "least"), FORMS, ids=[path for path, *_ in FORMS])
@pytest.mark.parametrize("role", [None, *ROLES], ids=["stranger", *(role.label for role in ROLES)])
def test_a_form_acts_from_its_least_role_on_and_every_attempt_leaves_an_entry(
    names, make_member, mallory, recorded_actions, path, fields, least, role
):
    caller = mallory if role is None else make_member("m", role)
    client = signed_in(caller)
    before = len(recorded_actions())
    answer = send(client, path, fields, names)
    news = recorded_actions()[before:]

    if role is None:
        assert (answer.status_code, news) == (404, [])
    elif role < least:
        assert (answer.status_code, news) == (403, ["access.denied"])
    else:
        assert answer.status_code == 302
        assert news
        assert "access.denied" not in news


@pytest.mark.parametrize(("path", "fields", "least"), FORMS, ids=[path for path, *_ in FORMS])
def test_a_form_without_the_page_s_token_does_nothing(names, make_member, path, fields, least):
    visitor = signed_in(make_member("m", Role.ADMIN))
    answer = visitor.client.post(path, fields, headers={"accept": "text/html", "origin": "http://testserver"})

    assert answer.status_code == 403


@pytest.mark.parametrize(("path", "fields", "least"), FORMS, ids=[path for path, *_ in FORMS])
def test_a_form_s_address_is_no_page(names, make_member, path, fields, least):
    assert signed_in(make_member("m", Role.ADMIN)).get(path).status_code == 405


@pytest.mark.parametrize(("path", "fields", "least"), FORMS, ids=[path for path, *_ in FORMS])
def test_an_archived_project_takes_no_form_and_offers_none(project, names, make_member, alice, path, fields, least):
    client = signed_in(make_member("m", Role.ADMIN))
    services.update_project(project=project, archived=True, actor=alice)
    answer = send(client, path, fields, names)
    page = client.get(f"{MODEL}/environments/production").content.decode()

    assert answer.status_code == 409
    assert not re.search(r'<form[^>]*method="post"[^>]*roll-back', page)
