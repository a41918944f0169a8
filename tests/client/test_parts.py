"""Parts sent to a storage: what it says it has is compared with what was sent, whatever it calls its objects by."""

import base64
import hashlib
import os
from json import dumps

import pytest
from lineal import _direct
from lineal._credentials import Target
from lineal._direct import Cut, DirectSender
from lineal._errors import LinealError, ServerUnreachable
from lineal._http import Response, Transport

from tests.client.http_storage import HttpStorage

PART = 10_000
DATA = os.urandom(4 * PART + 123)
PARTS = 5


def md5(data):
    return hashlib.md5(data, usedforsecurity=False)


class Storage(HttpStorage):
    """Takes parts by their number. `damages` are those of which other bytes arrive, so many times; `names` says what it calls them."""

    verb = "PUT"

    def __init__(self):
        super().__init__()
        self.parts, self.damages, self.sent, self.compared = {}, {}, [], []
        self.names = lambda data: f'"{md5(data).hexdigest()}"'

    def answer(self, handler):
        number = int(handler.path.rpartition("/")[2])
        data = handler.rfile.read(int(handler.headers["Content-Length"]))
        said = handler.headers["Content-MD5"]
        with self.lock:
            self.sent.append(number)
            if said:
                self.compared.append(number)
            if self.damages.get(number):
                self.damages[number] -= 1
                data = b"?" + data[1:]
        if said and base64.b64decode(said) != md5(data).digest():
            return self.reply(handler, 400, b"<Code>BadDigest</Code>")
        self.parts[number] = data
        return self.reply(handler, 200, b"", ETag=self.names(data))

    @property
    def joined(self):
        return b"".join(self.parts[number] for number in sorted(self.parts))


@pytest.fixture
def storage(monkeypatch):
    monkeypatch.setattr(_direct, "backoff_s", lambda *_: 0.0)
    running = Storage()
    yield running
    running.close()


@pytest.fixture
def transport():
    running = Transport(Target("http://127.0.0.1:9", "http://127.0.0.1:9", "lnl_token", None, None))
    yield running
    running.close()


@pytest.fixture
def send(storage, transport, tmp_path):
    """Sends DATA in parts; returns how far progress was told. `send.asked` are the numbers of each wish for links."""
    path = tmp_path / "model.bin"
    path.write_bytes(DATA)

    def send():
        told = []

        def ask(method, where, *, json, repeatable):
            send.asked.append(json["parts"])
            links = [{"part": number, "url": f"{storage.url}/{number}", "headers": {}} for number in json["parts"]]
            return Response(
                200, {}, dumps({"links": [link for link in links if link["part"] not in send.lost]}).encode()
            )

        DirectSender(transport, ask, "/uploads/1", told.append).send(path, len(DATA), Cut(PART, PARTS, False, None))
        return sum(told)

    send.asked, send.lost = [], set()
    return send


def test_each_part_is_sent_and_read_once(storage, send):
    assert send() == len(DATA)
    assert storage.joined == DATA
    assert sorted(storage.sent) == [1, 2, 3, 4, 5]
    assert storage.compared == []


def test_a_part_that_was_damaged_on_its_way_is_sent_again(storage, send):
    storage.damages = {2: 1, 5: 1}

    assert send() == len(DATA)
    assert storage.joined == DATA
    assert sorted(storage.sent) == [1, 2, 2, 3, 4, 5, 5]
    assert sorted(storage.compared) == [2, 5]


def test_a_way_that_damages_every_time_is_told(storage, send):
    storage.damages = {3: 100}

    with pytest.raises(ServerUnreachable, match=r"part 3 .* BadDigest"):
        send()


@pytest.mark.parametrize("name", ['"' + "a" * 32 + '"', '"of-its-own-kind"', ""], ids=["md5-like", "other", "none"])
def test_a_storage_with_names_of_its_own_compares_each_part(storage, send, transport, name):
    """As one that encrypts with a key of its own, whose ETags look like an MD5 and are none."""
    storage.names = lambda _: name

    assert send() == len(DATA)
    assert storage.joined == DATA
    assert set(storage.compared) == {1, 2, 3, 4, 5}

    storage.sent.clear()
    storage.compared.clear()
    storage.damages = {4: 1}
    assert send() == len(DATA)
    assert storage.joined == DATA
    assert sorted(storage.sent) == [1, 2, 3, 4, 4, 5], "what it means by its names is known by now"
    assert sorted(storage.compared) == sorted(storage.sent)


def test_names_are_believed_again_of_another_storage(storage, send, transport):
    transport.read_no_etags("http://elsewhere:9000/bucket/1?signature=1")

    send()
    assert storage.compared == []


def test_links_are_asked_for_in_groups_as_they_are_due(storage, send, monkeypatch):
    monkeypatch.setattr(_direct, "LINKS_AT_ONCE", 2)

    assert send() == len(DATA)
    assert send.asked == [[1, 2], [3, 4], [5]]
    assert storage.joined == DATA


def test_a_part_without_a_link_is_an_error_and_no_hole(storage, send):
    send.lost = {5}

    with pytest.raises(LinealError, match="no link for part 5"):
        send()
