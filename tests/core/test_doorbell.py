"""Ringing costs a caller nothing, whatever the broker does, and a bell that rings is not rung again."""

import socket
import time
from contextlib import contextmanager

import pytest
from celery import Celery
from kombu import Queue

from core import doorbell
from tests import brokers
from tests.installation import wait_for

ANSWER_S = 0.1  # what a request would notice


@pytest.fixture
def ringer():
    made = doorbell.Ringer()
    yield made
    made._hang_up()


@pytest.fixture
def app(settings, monkeypatch):
    """`app(url)`: what rings at that broker."""

    def make(url):
        celery = Celery("tests", broker=url, set_as_current=False)
        celery.conf.update(task_default_queue=doorbell.QUEUE, broker_connection_timeout=2)
        monkeypatch.setattr("core.doorbell.import_string", lambda _: celery)
        settings.BROKER = {"ring_options": {"socket_timeout": 1, "socket_connect_timeout": 1}}
        return celery

    return make


@contextmanager
def silent_server():
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def rung_in_s(ringer):
    begun = time.monotonic()
    for _ in range(100):
        ringer.ring()
    return time.monotonic() - begun


def test_a_broker_that_refuses_costs_the_caller_nothing(ringer, app):
    app("redis://127.0.0.1:1/0")

    assert rung_in_s(ringer) < ANSWER_S
    wait_for(lambda: ringer.state == "unreachable", "the state", 10)


def test_a_broker_that_never_answers_costs_the_caller_nothing(ringer, app):
    with silent_server() as url:
        app(url)

        assert rung_in_s(ringer) < ANSWER_S
        wait_for(lambda: ringer.state == "unreachable", "the state", 10)
        assert rung_in_s(ringer) < ANSWER_S


def test_a_failing_broker_is_left_alone_for_a_while(ringer, app, monkeypatch):
    tries = []
    monkeypatch.setattr(ringer, "_reach", lambda ring: tries.append(ring) or (_ for _ in ()).throw(OSError("away")))
    monkeypatch.setattr(doorbell, "LEAVE_ALONE_S", 0.5)

    rung_in_s(ringer)
    time.sleep(0.2)
    assert len(tries) == 1, "a hundred rings, one try"
    wait_for(lambda: len(tries) == 2, "the second try", 10, 0.01)


def test_a_bell_that_rings_is_not_rung_again(ringer, app, tmp_path, monkeypatch):
    """With no worker there, the queue stays short however many jobs are promised."""
    monkeypatch.setattr(doorbell, "REST_S", 0.001)
    with brokers.running(brokers.Redis, tmp_path / "broker") as broker:
        celery = app(broker.url)
        with celery.connection_for_read() as connection:

            def waiting():
                return Queue(doorbell.QUEUE)(connection.default_channel).queue_declare().message_count

            for _ in range(60):
                ringer.ring()
                time.sleep(0.01)
            wait_for(lambda: ringer.state == "ok", "an answer", 10)
            assert 1 <= waiting() <= doorbell.WAITING_ENOUGH
        ringer._hang_up()


def test_a_forked_child_rings_with_a_thread_of_its_own(ringer, app):
    app("redis://127.0.0.1:1/0")
    ringer.ring()
    before = ringer._thread

    ringer.forget()
    ringer.ring()

    assert ringer._thread is not before
