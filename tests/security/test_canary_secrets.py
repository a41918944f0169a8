"""Secrets that we know are looked for wherever they must not be: logs, tables, the ledger and its export."""

import io
import logging

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection
from django.test import Client

from accounts import services
from accounts.errors import InvalidLoginLink
from accounts.models import Token


@pytest.fixture
def log_text(db):
    """`log_text()`: all that was logged so far, at any level, every query with its parameters among it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    loggers = [logging.getLogger(name) for name in ("", "django", "django.db.backends", "django.request")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(handler)
    connection.force_debug_cursor = True
    yield stream.getvalue
    connection.force_debug_cursor = False
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def secrets_in_use(api, alice, alice_account, project):
    """Secrets of each kind, made and used in good and bad ways."""
    client = api(alice)
    token = client.post("tokens", json={"name": "canary", "scopes": ["read"]}).json()["token"]
    link = client.post("login-links", json={}).json()["url"].partition("#")[2]
    _, session = services.exchange_login_link(secret=link)
    browser = Client(raise_request_exception=False)
    browser.cookies["lineal_session"] = session
    for path in ("me", "projects", "tokens", "users/nobody", "projects/absent"):
        Client().get(f"/api/v1/{path}", headers={"authorization": f"Bearer {token}"})
        browser.get(f"/api/v1/{path}")
    browser.post("/api/v1/tokens", data=b"{", content_type="application/json")
    services.revoke_token(token=Token.objects.get(name="canary"), actor=alice, reason="done")
    Client().get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
    with pytest.raises(InvalidLoginLink):
        services.exchange_login_link(secret=link)
    return {"token": token[-43:], "link": link, "session": session}


def test_no_secret_is_logged(log_text, secrets_in_use):
    logged = log_text()

    assert "accounts_token" in logged, "the log caught the queries, so it would have caught a secret"
    assert [kind for kind, secret in secrets_in_use.items() if secret in logged] == []


@pytest.mark.parametrize("form", ["line", "json"])
def test_no_secret_is_in_a_log_line_of_either_form(form, monkeypatch, request):
    """The lines as they are written, with all their fields; queries are left out, since a server does not log them."""
    from core import logs

    monkeypatch.setenv("LINEAL_LOG_FORMAT", form)
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logs.make_formatter())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        secrets = request.getfixturevalue("secrets_in_use")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert "api/v1/users/<str:name>" in stream.getvalue(), "requests were logged, by their routes"
    assert [kind for kind, secret in secrets.items() if secret in stream.getvalue()] == []


def test_no_secret_is_in_the_figures(secrets_in_use):
    from core import scrape

    shown = scrape.exposition().decode()

    assert "lineal_http_requests_total{" in shown
    assert [kind for kind, secret in secrets_in_use.items() if secret in shown] == []


def test_no_secret_is_stored(secrets_in_use):
    stored = "".join(
        serializers.serialize("json", model.objects.all())
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "audit", "core")
    )

    assert "canary" in stored
    assert [kind for kind, secret in secrets_in_use.items() if secret in stored] == []


def test_no_secret_is_in_the_export(secrets_in_use, make_account, principal, api, home):
    from audit import testing

    testing.sequence_now()
    response = api(principal(make_account("root", is_server_admin=True))).get("audit/export")
    exported = b"".join(response.streaming_content if response.streaming else [response.content]).decode()

    assert response.status_code == 200
    assert "token.create" in exported
    assert [kind for kind, secret in secrets_in_use.items() if secret in exported] == []
