"""A load balancer as small as one can be: TCP, in turn over those backends whose `/readyz` says 200."""

import selectors
import socket
import threading
import urllib.request
from contextlib import suppress

LOOK_EVERY_S = 0.2


class Balancer:
    """Listens on a free port of the loopback. A backend that refuses the connection is passed over at once."""

    def __init__(self, ports):
        self._ports, self._turn, self._ending = list(ports), 0, threading.Event()
        self._ready = set(self._ports)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.turned_away = 0  # connections for which there was nobody
        for work in (self._look, self._accept):
            threading.Thread(target=work, daemon=True).start()

    def close(self):
        self._ending.set()
        self._socket.close()

    def _look(self):
        while not self._ending.wait(LOOK_EVERY_S):
            self._ready = {port for port in self._ports if self._is_ready(port)}

    @staticmethod
    def _is_ready(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _accept(self):
        while not self._ending.is_set():
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller):
        with caller:
            backend = self._connect()
            if backend is None:
                self.turned_away += 1
                return
            with backend, suppress(OSError):
                self._pass_on(caller, backend)

    def _connect(self):
        self._turn += 1
        order = self._ports[self._turn % len(self._ports) :] + self._ports[: self._turn % len(self._ports)]
        for port in sorted(order, key=lambda each: each not in self._ready):
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=5)
        return None

    @staticmethod
    def _pass_on(one, other):
        one.settimeout(None)
        other.settimeout(None)
        with selectors.DefaultSelector() as waiting:
            waiting.register(one, selectors.EVENT_READ, other)
            waiting.register(other, selectors.EVENT_READ, one)
            while True:
                for key, _ in waiting.select():
                    data = key.fileobj.recv(65_536)
                    if not data:
                        return
                    key.data.sendall(data)
