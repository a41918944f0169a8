"""Nothing that a caller sends switches a check off: not a field, not a tag, not a header (CVE-2026-2614 was such a tag)."""

import pytest
from django.test import RequestFactory

from core.context import client_ip
from tracking.models import Run

SWITCHES = [
    "force",
    "skip_gates",
    "is_admin",
    "role",
    "verified",
    "actor",
    "created_by",
    "internal",
    "debug",
    "no_auth",
]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs", {"experiment": "churn"}),
        ("models/churn/promotions", {"version": 1, "environment": "production", "reason": "because"}),
        ("models/churn/versions", {"run": "0" * 32, "artifact": "model"}),
        ("deployments", {"model": "churn", "version": 1, "environment": "production", "target": "eu"}),
        ("tokens", {"name": "mine", "scopes": ["read"]}),
    ],
)
def test_a_field_that_would_switch_a_check_is_refused(api, alice, path, body, switch):
    response = api(alice).post(path, json=body | {switch: True})

    assert response.status_code == 422, response.content
    assert switch in [error["field"] for error in response.json()["errors"]]


@pytest.mark.parametrize("tag", ["lineal.verified", "mlflow.user", "lineal.role", "lineal.skip_auth", "created_by"])
def test_a_tag_is_only_a_word(api, bob, alice, tag):
    made = api(bob).post("runs", json={"experiment": "churn", "tags": {tag: "alice"}})

    assert made.status_code == 201
    assert made.json()["created_by"] == "bob"
    assert Run.objects.get().created_by_id == bob.id


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Lineal-Admin", "X-Original-URL", "X-HTTP-Method-Override"],
)
def test_a_header_makes_nobody_somebody(api, header):
    assert api(None).get("me", headers={header: "owner"}).status_code == 401


def test_a_caller_without_a_trusted_proxy_in_front_cannot_choose_its_address(settings):
    """Rates and the ledger go by the address."""
    settings.TRUSTED_PROXIES = 0
    request = RequestFactory().get("/", headers={"x-forwarded-for": "10.0.0.1"}, REMOTE_ADDR="203.0.113.7")

    assert client_ip(request) == "203.0.113.7"


def test_behind_one_proxy_only_what_that_proxy_says_counts(settings):
    settings.TRUSTED_PROXIES = 1
    request = RequestFactory().get("/", headers={"x-forwarded-for": "10.0.0.1, 198.51.100.9"}, REMOTE_ADDR="127.0.0.1")

    assert client_ip(request) == "198.51.100.9"
