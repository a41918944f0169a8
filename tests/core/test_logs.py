"""Log lines: who is meant, in which form, and nothing that does not belong there."""

import io
import json
import logging
import re

import pytest
from django.db import transaction
from django.test import Client

from core import current, jobs, logs
from core.current import RequestContext
from core.models import Job

UUID_OR_HEX = "0192f0c4-5d5e-7000-8000-0123456789ab"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Written:
    """What the loggers wrote, in the form that was asked for."""

    def __init__(self, formatter):
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(formatter)

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()

    @property
    def objects(self):
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def written():
    """`written(formatter)` begins to keep what is logged at INFO and above."""
    begun, root = [], logging.getLogger()
    level = root.level

    def begin(formatter):
        each = Written(formatter)
        root.addHandler(each.handler)
        root.setLevel(logging.INFO)
        begun.append(each)
        return each

    yield begin
    root.setLevel(level)
    for each in begun:
        root.removeHandler(each.handler)


@pytest.fixture
def asked():
    token = current.request.set(RequestContext("r" * 32, "203.0.113.9", "Firefox", "GET /x", "t" * 32))
    yield
    current.request.reset(token)


def test_a_line_begins_with_its_moment_and_names_its_request(written, asked):
    log = written(logs.LineFormatter())

    logging.getLogger("core.jobs").warning("%s is late", "it")

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z WARNING core\.jobs \[r{32}\] it is late", log.lines[0]
    ), log.lines


def test_an_object_says_the_same(written, asked):
    log = written(logs.JsonFormatter())

    logging.getLogger("core.jobs").warning("%s is late", "it")

    (said,) = log.objects
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said.pop("time"))
    assert said == {
        "level": "WARNING", "logger": "core.jobs", "message": "it is late", "request_id": "r" * 32, "trace_id": "t" * 32,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "said"),
    [(logs.LineFormatter(), " INFO tests [beat] hello"), (logs.JsonFormatter(), '"part": "beat"')],
    ids=["line", "json"],
)
def test_a_line_names_the_part_that_speaks_where_several_share_a_process(written, form, said):
    log = written(form)
    token = current.part.set("beat")
    try:
        logging.getLogger("tests").info("hello")
    finally:
        current.part.reset(token)

    assert said in log.lines[-1]


@pytest.mark.parametrize("formatter", [logs.LineFormatter(), logs.JsonFormatter()], ids=["line", "json"])
def test_nobody_makes_up_a_line(written, formatter):
    """A message with a line break in it, as a user's name may have, stays one line."""
    log = written(formatter)

    logging.getLogger("x").error("name\r\n2026-01-01T00:00:00Z INFO lineal.access all is well")

    assert len(log.lines) == 1


@pytest.mark.parametrize("formatter", [logs.LineFormatter(), logs.JsonFormatter()], ids=["line", "json"])
def test_a_traceback_comes_along(written, formatter):
    log = written(formatter)

    try:
        raise ValueError("of all things")
    except ValueError:
        logging.getLogger("x").exception("broke")

    assert "ValueError: of all things" in log.stream.getvalue()
    assert len(log.lines) == 1 or isinstance(formatter, logs.LineFormatter)


def test_each_request_writes_one_line_without_names(written, api, alice, project, make_token):
    log, token = written(logs.JsonFormatter()), make_token(alice)

    Client().get(
        "/api/v1/projects/default?secret=canary", headers={"authorization": f"Bearer {token}", "user-agent": "Firefox"}
    )

    (said,) = [line for line in log.objects if line["logger"] == "lineal.access"]
    assert said["route"] == "api/v1/projects/<str:name>"
    assert (said["method"], said["status"], said["account"]) == ("GET", 200, str(alice.id))
    assert 0 < said["duration_ms"] < 60_000
    assert set(said) == {
        "time", "level", "logger", "message", "request_id", "method", "route", "status", "duration_ms", "account",
    }  # fmt: skip
    for never in ("default", "alice", "canary", "127.0.0.1", "Firefox", token):
        assert never not in log.stream.getvalue()


@pytest.mark.django_db
def test_probes_write_no_line(written):
    log = written(logs.LineFormatter())

    Client().get("/healthz")
    Client().get("/metrics")
    Client().get("/nowhere")

    assert [line.split()[-4:-2] for line in log.lines] == [["unmatched", "404"]]


@pytest.mark.django_db
@pytest.mark.parametrize("given", [UUID_OR_HEX, "a" * 32, "req_0123456789abcdef"], ids=["uuid", "hex", "word"])
def test_a_well_formed_request_id_is_taken_over(given):
    assert Client().get("/healthz", headers={"x-request-id": given}).headers["X-Request-Id"] == given


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given", ["", "short", "a" * 65, "a b" * 8, "id\\nINFO" * 4, "<script>alert(1)</script>", "-" * 20],
    ids=["none", "short", "long", "space", "break", "markup", "dashes"],
)  # fmt: skip
def test_another_gets_one_of_ours(given):
    answered = Client().get("/healthz", headers={"x-request-id": given}).headers["X-Request-Id"]

    assert re.fullmatch("[0-9a-f]{32}", answered)


@pytest.mark.django_db
def test_an_error_names_the_request_too(monkeypatch):
    response = Client().get("/api/v1/me", headers={"x-request-id": UUID_OR_HEX})

    assert response.status_code == 401
    assert response.json()["request_id"] == response.headers["X-Request-Id"] == UUID_OR_HEX


@pytest.fixture
def a_job(monkeypatch):
    """A job that logs, then promises another, which logs as well."""
    log = logging.getLogger("the.job")

    def first():
        log.info("first")
        with transaction.atomic():
            jobs.enqueue("tests.second")

    monkeypatch.setitem(jobs._definitions, "tests.first", jobs.Definition("tests.first", first, 60, 3))
    monkeypatch.setitem(
        jobs._definitions, "tests.second", jobs.Definition("tests.second", lambda: log.info("second"), 60, 3)
    )


@pytest.mark.django_db
def test_a_job_logs_the_request_that_caused_it_and_so_does_the_job_after_it(written, a_job):
    token = current.request.set(RequestContext("r" * 32, "", "", "", TRACE[3:35], TRACE))
    with transaction.atomic():
        jobs.enqueue("tests.first")
    current.request.reset(token)
    log = written(logs.JsonFormatter())

    jobs.run_pending()

    said = [line for line in log.objects if line["logger"] == "the.job"]
    ids = dict(Job.objects.values_list("name", "pk"))
    assert [(line["message"], line["job_id"], line["job"]) for line in said] == [
        ("first", ids["tests.first"], "tests.first"),
        ("second", ids["tests.second"], "tests.second"),
    ]
    assert {line["request_id"] for line in said} == {"r" * 32}
    assert {line["trace_id"] for line in said} == {TRACE[3:35]}


@pytest.mark.django_db
def test_a_job_of_nobodys_request_names_itself_alone(written, a_job):
    with transaction.atomic():
        jobs.enqueue("tests.second")
    log = written(logs.LineFormatter())

    jobs.run_pending()

    number = Job.objects.get(name="tests.second").pk
    assert [line.split("INFO ")[1] for line in log.lines] == [
        f"the.job [job {number}] second", f"core.jobs [job {number}] Job tests.second is done",
    ]  # fmt: skip
