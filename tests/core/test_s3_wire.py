"""Requests over connections of our own: what is understood of an answer, and that nothing is made of the rest."""

import socket
import threading

import pytest

from core.storage.s3_wire import Answer, KeptConnections
from tests.server import free_port

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello"


class Peer:
    """Answers each request with the next of `answers`, in pieces of one byte if `slowly`; None closes the connection instead."""

    def __init__(self):
        self.answers, self.requests, self.connections, self.slowly = [], [], 0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while self.answers and (head := self.head_of(stream)):
                length = next(int(line[15:]) for line in head if line.lower().startswith("content-length:"))
                self.requests.append((head, stream.read(length)))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                for piece in [answer[at : at + 1] for at in range(len(answer))] if self.slowly else [answer]:
                    connection.sendall(piece)

    @staticmethod
    def head_of(stream):
        """Nothing at the end of the connection."""
        head = []
        while (line := stream.readline()) not in (b"", b"\r\n"):
            head.append(line.decode().rstrip())
        return head

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


@pytest.fixture
def peer():
    running = Peer()
    yield running
    running.close()


@pytest.fixture
def kept(peer):
    return KeptConnections(peer.url, connect_limit_s=5, read_limit_s=0.5, most=4)


def ask(kept, peer, body=b"body"):
    return kept.ask("PUT", f"{peer.url}/bucket/a~key", {"X-One": "1"}, body)


def test_a_request_is_whole_and_its_connection_is_used_again(peer, kept):
    peer.answers = [GOOD, GOOD]

    assert [ask(kept, peer), ask(kept, peer, b"")] == [Answer(200, b"hello")] * 2
    host = peer.url.removeprefix("http://")
    assert peer.requests[0] == (
        ["PUT /bucket/a~key HTTP/1.1", f"Host: {host}", "Content-Length: 4", "X-One: 1"],
        b"body",
    )
    assert peer.requests[1][1] == b""
    assert peer.connections == 1


def test_an_answer_may_come_byte_by_byte(peer, kept):
    peer.answers, peer.slowly = [GOOD], True

    assert ask(kept, peer) == Answer(200, b"hello")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
    ],
    ids=["chunked", "smuggled", "no-number", "no-length"],
)
def test_of_an_unknown_length_the_status_alone_is_known_and_nothing_follows(peer, kept, answer):
    peer.answers = [answer, GOOD]

    assert ask(kept, peer) == Answer(200, None)
    assert ask(kept, peer) == Answer(200, b"hello")
    assert peer.connections == 2


def test_a_connection_that_the_server_lets_go_of_is_not_used_again(peer, kept):
    peer.answers = [GOOD.replace(b"ETag: x", b"Connection: Close"), GOOD]

    assert [ask(kept, peer), ask(kept, peer)] == [Answer(200, b"hello")] * 2
    assert peer.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"garbage\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["closed", "garbage", "http-1.0", "continue", "status", "two-lengths", "no-colon", "many", "long"],
)
def test_what_is_no_answer_is_none_and_its_connection_is_dropped(peer, kept, answer):
    peer.answers = [answer, GOOD]

    assert ask(kept, peer) is None
    assert ask(kept, peer) == Answer(200, b"hello")
    assert peer.connections == 2


def test_a_body_that_ends_early_is_no_answer(peer, kept):
    peer.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"]  # the last one: then it closes

    assert ask(kept, peer) is None


def test_a_server_that_does_not_answer_in_time_is_told(peer, kept):
    peer.answers = [b"", GOOD]

    with pytest.raises(TimeoutError):
        ask(kept, peer)


def test_no_server_is_told():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionRefusedError):
        KeptConnections(url, connect_limit_s=5, read_limit_s=5, most=4).ask("GET", f"{url}/x", {}, b"")


@pytest.mark.parametrize(
    ("base", "host"),
    [("http://Store.Example/b/", "store.example"), ("http://store:80/", "store"), ("http://[::1]:9000/", "[::1]:9000")],
)
def test_the_host_is_spelled_as_it_was_signed(base, host):
    assert KeptConnections(base, connect_limit_s=5, read_limit_s=5, most=4)._host == host
