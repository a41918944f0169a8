"""People and browsers that the tests of accounts speak about."""

import pytest
from django.test import Client

from accounts import cookies, services


@pytest.fixture
def root(make_account, principal):
    """Administers the server, and is a member of no project."""
    return principal(make_account("root", is_server_admin=True))


@pytest.fixture
def make_browser(db):
    """`make_browser(account)`: a browser that is signed in as the account, and checks CSRF as a real one would be checked."""

    def make(account, *, actor=None):
        from core.access import system_principal

        _, link = services.create_login_link(account=account, actor=actor or system_principal("tests"))
        session, secret = services.exchange_login_link(secret=link)
        browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
        browser.cookies[cookies.SESSION_COOKIE] = secret
        browser.session_row = session
        browser.session_secret = secret
        return browser

    return make


@pytest.fixture
def stop_clock(monkeypatch):
    """`stop_clock(moment)`: the server sees this time until told another one."""
    return lambda moment: monkeypatch.setattr("core.clock.now", lambda: moment)


@pytest.fixture
def at_once(transactional_db):
    """`at_once([call, call])`: run them in threads of their own, each with its connection; their results in order.

    An exception is a result. Needs PostgreSQL: SQLite's in-memory database of tests refuses a second writer instead of
    letting it wait, as the one in a file does.
    """
    import threading

    from django.db import connection

    if connection.vendor == "sqlite":
        pytest.skip("writers at once need a database that lets them wait")

    def run(calls):
        results = [None] * len(calls)
        barrier = threading.Barrier(len(calls))

        def one(place, call):
            barrier.wait()
            try:
                results[place] = call()
            except Exception as exc:
                results[place] = exc
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=item) for item in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run
