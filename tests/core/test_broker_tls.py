"""rediss:// and amqps:// for real: the broker is spoken to over TLS, and one with a foreign certificate is not."""

import selectors
import socket
import ssl
import threading
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from celery import Celery

from config.broker import CONNECT_LIMIT_S, settings_for
from core import doorbell
from tests import brokers
from tests.installation import wait_for
from tests.notify.receivers import make_certificate


class Front:
    """Ends TLS before a broker, as a proxy or a broker with a certificate does."""

    def __init__(self, port, certificate):
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._socket.close()

    def _accept(self):
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller):
        with (
            suppress(OSError),
            self._context.wrap_socket(caller, server_side=True) as secure,
            socket.create_connection(("127.0.0.1", self._target)) as broker,
        ):
            self._pass_on(secure, broker)

    @staticmethod
    def _pass_on(secure, broker):
        with selectors.DefaultSelector() as waiting:
            waiting.register(secure, selectors.EVENT_READ, broker)
            waiting.register(broker, selectors.EVENT_READ, secure)
            while True:
                for key, _ in waiting.select():
                    data = key.fileobj.recv(65_536)
                    if not data:
                        return
                    key.data.sendall(data)
                    while key.fileobj is secure and secure.pending():
                        broker.sendall(secure.recv(65_536))


@pytest.fixture(
    params=[
        pytest.param(brokers.Redis, id="redis"),
        pytest.param(brokers.RabbitMQ, id="rabbitmq", marks=pytest.mark.slow),
    ]
)
def broker(request, tmp_path):
    with brokers.running(request.param, tmp_path / "broker") as running:
        yield running


def over_tls(broker, front, authority):
    """LINEAL_BROKER_URL of that broker behind its front."""
    parts = urlsplit(broker.url)
    address = parts.netloc.replace(f":{broker.port}", f":{front.port}")
    return f"{parts.scheme}s://{address}{parts.path}?ssl_ca_certs={authority}"


def state_of(url, home, settings, monkeypatch):
    """What a ringer comes to with that address."""
    settings.BROKER = settings_for(url, home)
    celery = Celery("tests", set_as_current=False)
    celery.conf.update(
        **settings.BROKER["celery"], task_default_queue=doorbell.QUEUE, broker_connection_timeout=CONNECT_LIMIT_S
    )
    monkeypatch.setattr("core.doorbell.import_string", lambda _: celery)
    ringer = doorbell.Ringer()
    ringer.ring()
    wait_for(lambda: ringer.state != "unknown", "an answer", 20)
    ringer._hang_up()
    return ringer.state


def test_the_bell_is_rung_over_tls(broker, tmp_path, settings, monkeypatch):
    certificate = make_certificate(tmp_path / "broker.pem")

    with closing(Front(broker.port, certificate)) as front:
        url = over_tls(broker, front, certificate)

        assert state_of(url, tmp_path, settings, monkeypatch) == "ok"


def test_a_broker_with_a_foreign_certificate_is_not_spoken_to(broker, tmp_path, settings, monkeypatch):
    certificate, other = make_certificate(tmp_path / "broker.pem"), make_certificate(tmp_path / "other.pem")

    with closing(Front(broker.port, certificate)) as front:
        url = over_tls(broker, front, other)

        assert state_of(url, tmp_path, settings, monkeypatch) == "unreachable"
