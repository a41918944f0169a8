"""Small files come together where they come through the server; whatever goes wrong with that, each is then asked for by itself."""

from contextlib import contextmanager
from hashlib import sha256

import msgspec
import pytest
from lineal._downloads import PACK_FILES, Wish, fetch_all
from lineal._errors import DigestMismatch, NotFound
from lineal._http import Response

ROUTE = "/runs/1/artifacts/contents/search"


class Server:
    """What a download asks of a transport, with files in memory; `packed` changes what comes together."""

    goes_around = False

    def __init__(self, files):
        self.files = files
        self.packed = dict(files)
        self.packs, self.singles = [], []
        self.trouble = None

    def request(self, method, path, *, params, json, repeatable):
        assert (method, path, params, repeatable) == ("POST", ROUTE, {"project": "p"}, True)
        self.packs.append(json["paths"])
        if self.trouble:
            raise self.trouble
        files = [{"path": name, "data": self.packed[name]} for name in json["paths"] if name in self.packed]
        return Response(200, {}, msgspec.msgpack.encode({"files": files}))

    @contextmanager
    def download(self, where, *, params, offset):
        self.singles.append(params["path"])
        yield iter([self.files[params["path"]][offset:]])


@pytest.fixture
def bring(tmp_path):
    def bring(server, sizes=None):
        wishes = [
            Wish(
                "/runs/1/artifacts/content",
                {"project": "p", "path": name},
                sha256(data).hexdigest(),
                len(data),
                tmp_path / name,
                None,
                (ROUTE, name),
            )
            for name, data in (sizes or server.files).items()
        ]
        done = []
        fetch_all(server, wishes, done.append)
        return {wish.destination.name: wish.destination.read_bytes() for wish in done}

    return bring


def files(count, size=100):
    return {f"{number:04}": bytes([number % 256]) * size for number in range(count)}


def test_a_thousand_files_take_a_few_requests(bring, tmp_path):
    server = Server(files(1_000))

    assert bring(server) == server.files
    assert len(server.packs) == 1_000 // PACK_FILES
    assert server.singles == []
    assert not list(tmp_path.glob("*.part"))


def test_large_files_and_a_lone_one_come_by_themselves(bring):
    server = Server({"large": b"x" * 300_000, "small": b"y"})

    assert bring(server) == server.files
    assert (server.packs, sorted(server.singles)) == ([], ["large", "small"])


def test_packs_are_bounded_in_bytes(bring):
    server = Server(files(40, 250_000))

    assert bring(server) == server.files
    assert max(map(len, server.packs)) == (4 << 20) // 250_000


def test_what_came_damaged_or_not_at_all_is_asked_for_again(bring):
    server = Server(files(5))
    server.packed["0001"] = b"damaged"
    del server.packed["0003"]

    assert bring(server) == server.files
    assert sorted(server.singles) == ["0001", "0003"]


@pytest.mark.parametrize("wrong", [{}, {"files": [{"path": "0001"}]}, {"files": 3}], ids=str)
def test_an_answer_that_is_none_of_lineals_costs_only_time(bring, wrong, monkeypatch):
    server = Server(files(5))
    monkeypatch.setattr(server, "request", lambda *_, **__: Response(200, {}, msgspec.msgpack.encode(wrong)))

    assert bring(server) == server.files
    assert sorted(server.singles) == sorted(server.files)


def test_a_server_of_before_there_were_packs_is_asked_for_each(bring):
    server = Server(files(5))
    server.trouble = NotFound(status=404, body={"title": "Not found"})

    assert bring(server) == server.files
    assert sorted(server.singles) == sorted(server.files)


def test_wrong_bytes_are_never_kept_whichever_way_they_come(bring, tmp_path):
    server = Server(files(3))
    wished = dict(server.files)
    server.files["0001"] = server.packed["0001"] = b"z" * 100

    with pytest.raises(DigestMismatch):
        bring(server, wished)

    assert not (tmp_path / "0001").exists()
