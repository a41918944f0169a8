"""What every test may ask for: people with roles, a project, a client, and the jobs and ledger of this run."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings


@pytest.fixture(autouse=True)
def _quiet_doorbell(request: pytest.FixtureRequest) -> Iterator[None]:
    """Jobs wait in the outbox until a test runs them."""
    with override_settings(RING_WORKERS=False):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Before the plugin makes its database: it is a copy of one that is migrated."""
    from django.db import connection

    from tests import templates

    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = templates.postgresql_template()
        yield
    else:
        connection.settings_dict["TEST"]["NAME"] = (
            None  # in memory, so each process has its own without a suffix to its name
        )
        with closing(templates.copy_sqlite(connection.creation._get_test_db_name())):
            yield


@pytest.fixture(scope="session", autouse=True)
def _ledger_can_be_emptied_between_tests() -> None:
    from audit.testing import let_flush_pass_guards

    let_flush_pass_guards()


@pytest.fixture(autouse=True)
def _fresh_memory() -> Iterator[None]:
    """What a process remembers between requests (proven tokens, counted requests) is not passed on to the next test, nor is the
    connection of the thread that stores batches."""
    yield
    from accounts import recent
    from core import ratelimit
    from tracking.services import points

    points._group.stop()
    Path(os.environ["LINEAL_CREDENTIALS_FILE"]).unlink(missing_ok=True)  # the next server at that port has another key

    recent.forget_all()
    ratelimit.buckets.clear()


@pytest.fixture
def home(tmp_path, settings):
    """A LINEAL_HOME of this test's own, with its own blob store."""
    folder = tmp_path / "home"
    (folder / "blobs").mkdir(parents=True)
    settings.HOME = folder
    settings.BLOBS_URL = f"file://{folder / 'blobs'}"
    return folder


@pytest.fixture(scope="session", params=["ministack", "rclone"])
def s3_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two real S3 servers, one after the other; `s3_server.name` tells which."""
    from tests import s3

    server = s3.ministack() if request.param == "ministack" else s3.rclone(tmp_path_factory.mktemp("buckets"))
    with s3.running(server):
        yield server


@pytest.fixture
def bucket(s3_server, monkeypatch, settings) -> Any:
    """A new bucket that is set as the store, and what looks into it past us."""
    from tests import s3

    for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": s3_server.url}.items():
        monkeypatch.setenv(name, value)
    found = s3.make_test_bucket(s3_server)
    settings.BLOBS_URL = found.url
    return found


@pytest.fixture
def make_account(db) -> Callable[..., Any]:
    """`make_account("carol")`: a valid, active account; `kind="service"` for a machine."""
    from accounts import services
    from core.access import system_principal

    def make(name: str, *, kind: str = "user", **options: Any) -> Any:
        return services.create_account(kind=kind, name=name, actor=system_principal("tests"), **options)

    return make


@pytest.fixture
def make_project(db) -> Callable[..., Any]:
    """`make_project("fraud", admin=account)`: a project, with the environments that every new one gets."""
    from accounts import services
    from core.access import Role, system_principal

    def make(name: str, *, admin: Any = None) -> Any:
        project = services.create_project(name=name, actor=system_principal("tests"))
        if admin is not None:
            services.set_role(account=admin, project=project, role=Role.ADMIN, actor=system_principal("tests"))
        return project

    return make


@pytest.fixture
def principal() -> Callable[[Any], Any]:
    """The Principal of an account as it is now, roles included."""
    from accounts import selectors

    return selectors.principal_of


@pytest.fixture
def alice_account(make_account):
    return make_account("alice")


@pytest.fixture
def project(make_project, alice_account):
    """The project `default`, which Alice administers."""
    return make_project("default", admin=alice_account)


@pytest.fixture
def alice(project, alice_account, principal):
    """Owns the project."""
    return principal(alice_account)


@pytest.fixture
def make_member(project, make_account, principal) -> Callable[..., Any]:
    """`make_member("carol", Role.APPROVER)`: the Principal of a new member of the project."""
    from accounts import services
    from core.access import system_principal

    def make(name: str, role: Any, **options: Any) -> Any:
        account = make_account(name, **options)
        services.set_role(account=account, project=project, role=role, actor=system_principal("tests"))
        return principal(account)

    return make


@pytest.fixture
def bob(make_member):
    """Shares the project as a contributor."""
    from core.access import Role

    return make_member("bob", Role.CONTRIBUTOR)


@pytest.fixture
def mallory(make_account, principal):
    """Has an account and no business in the project."""
    return principal(make_account("mallory"))


class ApiClient:
    """Django's test client, sending JSON and a real token of the principal's account."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def request(self, method: str, path: str, *, json: Any = None, headers: dict | None = None, **extra: Any) -> Any:
        import orjson

        if json is not None:
            extra |= {"data": orjson.dumps(json), "content_type": "application/json"}
        elif method != "GET" and "content_type" not in extra:
            extra |= {"data": b"", "content_type": "application/json"}  # Django's client would send an empty form
        path = path if path.startswith("/") else f"/api/v1/{path}"
        send = getattr(self.client, method.lower())
        return send(path, headers={**self.headers, **(headers or {})}, **extra)

    def get(self, path: str, **extra: Any) -> Any:
        return self.request("GET", path, **extra)

    def post(self, path: str, **extra: Any) -> Any:
        return self.request("POST", path, **extra)

    def put(self, path: str, **extra: Any) -> Any:
        return self.request("PUT", path, **extra)

    def patch(self, path: str, **extra: Any) -> Any:
        return self.request("PATCH", path, **extra)

    def delete(self, path: str, **extra: Any) -> Any:
        return self.request("DELETE", path, **extra)


@pytest.fixture
def make_token(db) -> Callable[..., str]:
    """`make_token(principal)`: the plaintext of a new token of that account."""
    from accounts import services
    from accounts.models import Account
    from core.access import system_principal

    def make(principal: Any, *, scopes: tuple[str, ...] = ("*",), **options: Any) -> str:
        account = Account.objects.get(uuid=principal.id)
        _, plaintext = services.create_token(
            account=account, name="tests", scopes=list(scopes), actor=system_principal("tests"), **options
        )
        return plaintext

    return make


@pytest.fixture
def api(make_token) -> Callable[..., ApiClient]:
    """`api(alice)` speaks as Alice, `api(None)` as nobody, `api(alice, scopes=("read",))` with a narrower token."""

    def make(principal: Any = None, **options: Any) -> ApiClient:
        return ApiClient(make_token(principal, **options) if principal is not None else None)

    return make


@pytest.fixture
def recorded_actions(db) -> Callable[[], list[str]]:
    """`recorded_actions()`: actions that the ledger holds, oldest first."""
    from audit.models import AuditEvent

    return lambda: list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


@pytest.fixture
def run_jobs(db) -> Callable[[], int]:
    """`run_jobs()`: do what the outbox holds, as a worker would; fails the test if a job failed."""
    from core import jobs
    from core.models import Job

    def run() -> int:
        done = jobs.run_pending()
        broken = Job.objects.exclude(last_error="").filter(done_at=None).values_list("name", "last_error")
        assert not list(broken), f"jobs failed: {list(broken)}"
        return done

    return run


@pytest.fixture
def later(monkeypatch):
    """`later(seconds)` moves the server's clock on."""
    from datetime import timedelta

    from core import clock

    moved, real_now = [timedelta()], clock.now
    monkeypatch.setattr(clock, "now", lambda: real_now() + moved[0])

    def move(seconds):
        moved[0] += timedelta(seconds=seconds)

    return move


SQL_FIXTURES = {"db", "transactional_db", "live_server", "server", "parts", "roles", "primary"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file whose tests share a server or the like stays with one process. The second run, on PostgreSQL, repeats only what touches
    SQL."""
    for item in items:
        if not item.get_closest_marker("xdist_group") and _shares_by_file(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    if config.getoption("--database") == "sqlite":
        return
    repeated = [
        item
        for item in items
        if SQL_FIXTURES & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("django_db")
    ]
    kept = set(repeated)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = repeated


def pytest_collection_finish(session: pytest.Session) -> None:
    """Groups go by the ids of tests, which not every pytest lets pytest-xdist change; it says nothing then (pytest-xdist#1386)."""
    if getattr(session.config.option, "loadgroup", False):
        lost = [item for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(
                f"The group of {lost[0].nodeid} is lost: pytest and pytest-xdist do not go together."
            )


def _shares_by_file(item: pytest.Item) -> bool:
    """Whether a fixture of its is made once for all tests of the file."""
    known = getattr(item, "_fixtureinfo", None)
    return known is not None and any(made[-1].scope == "module" for made in known.name2fixturedefs.values())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A whole `lineal up` with its own home and database, shared by the tests of one file."""
    from tests.server import running_server

    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running
