"""Large files read from a storage in blocks: side by side, again where one failed, on with what an earlier process brought."""

import os
import re
from hashlib import sha256
from urllib.parse import urlsplit

import lineal
import pytest
from lineal import _blocks, _downloads
from lineal._credentials import Target
from lineal._downloads import Wish, fetch
from lineal._http import Transport

from tests.client.http_storage import HttpStorage

BLOCK = 10_000
DATA = os.urandom(7 * BLOCK + 123)
PART = f"model.bin.{sha256(DATA).hexdigest()[:16]}.part"


class Storage(HttpStorage):
    """A storage whose links may expire and whose connections may break; `asked` holds the ranges, `tokens` what should never come."""

    def __init__(self):
        super().__init__()
        self.link = "/bucket/key?signature=1"
        self.asked, self.tokens, self.troubles, self.passed_on = [], [], [], []
        self.as_200 = False
        self.links_asked = 0
        self.closed = False  # to this machine
        self.data = DATA

    def answer(self, handler):
        if handler.path.startswith("/api/v1/server"):
            return self.reply(handler, 200, b"{}")
        if urlsplit(handler.path).path == "/api/v1/content":
            self.links_asked += 1
            if handler.headers["Lineal-Bytes"] == "server":
                return self.pass_on(handler)
            port = 9 if self.closed else self.httpd.server_address[1]
            return self.reply(handler, 302, b"", Location=f"http://localhost:{port}{self.link}")
        with self.lock:
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", handler.headers["Range"]).groups())
            if handler.headers["Authorization"]:
                self.tokens.append(handler.path)
            self.asked.append(first // BLOCK)
            trouble = self.troubles.pop(0) if self.troubles else None
        if handler.path != self.link:
            return self.reply(handler, 403, b"<Code>AccessDenied</Code>")
        if isinstance(trouble, int):
            return self.reply(handler, trouble, b"")
        body = self.data[first : last + 1]
        if trouble == "break":
            handler.send_response(206)
            handler.send_header("Content-Length", str(len(body)))
            handler.send_header("Content-Range", f"bytes {first}-{last}/{len(self.data)}")
            handler.end_headers()
            handler.wfile.write(body[:100])
            handler.close_connection = True
            return None
        content_range = f"bytes {first}-{last}/{len(self.data)}"
        return self.reply(handler, 200 if self.as_200 else 206, body, **{"Content-Range": content_range})

    def pass_on(self, handler):
        first = int((handler.headers["Range"] or "bytes=0-")[6:-1])
        self.passed_on.append(first)
        self.reply(handler, 206 if first else 200, self.data[first:])


@pytest.fixture
def storage(monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(_downloads, "LARGE_BYTES", 2 * BLOCK)
    for module in (_blocks, _downloads):
        monkeypatch.setattr(module, "backoff_s", lambda *_: 0.0)
    running = Storage()
    yield running
    running.close()


@pytest.fixture
def transport(storage):
    target = Target(storage.url, storage.url, "lnl_token", None, None)
    running = Transport(target)
    yield running
    running.close()


@pytest.fixture
def wish(tmp_path):
    return Wish("/content", {"path": "model.bin"}, sha256(DATA).hexdigest(), len(DATA), tmp_path / "back" / "model.bin")


def left_behind(wish):
    return sorted(path.name for path in wish.destination.parent.iterdir())


def test_every_block_is_read_once_and_the_token_goes_nowhere(storage, transport, wish):
    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA
    assert sorted(storage.asked) == list(range(8))
    assert storage.tokens == []
    assert left_behind(wish) == ["model.bin"]


def test_a_server_that_answers_a_range_with_200_is_understood(storage, transport, wish):
    storage.as_200 = True

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA


@pytest.mark.parametrize("trouble", [500, 503, "break"])
def test_a_block_that_fails_is_read_again(storage, transport, wish, trouble):
    storage.troubles = [None, trouble, trouble]

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA


def test_an_expired_link_is_asked_for_anew(storage, transport, wish):
    real = transport.find_link
    links = ["http://localhost:{}/bucket/key?signature=old".format(storage.url.rpartition(":")[2])]
    transport.find_link = lambda *args, **options: links.pop() if links else real(*args, **options)

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA


@pytest.mark.parametrize(
    ("link", "asked"), [("/bucket/key?signature=1", 0), ("/bucket/key?signature=0", 1)], ids=["valid", "expired"]
)
def test_a_link_that_came_with_the_list_is_used_until_it_expires(storage, transport, wish, link, asked):
    port = storage.url.rpartition(":")[2]

    fetch(transport, wish._replace(link=f"http://localhost:{port}{link}"))

    assert storage.links_asked == asked
    assert wish.destination.read_bytes() == DATA


def test_the_next_process_reads_what_is_missing(storage, transport, wish, monkeypatch):
    monkeypatch.setattr(_blocks, "THREADS", 1)
    storage.troubles = [None] * 3 + [500] * 1_000

    with pytest.raises(lineal.ServerUnreachable, match="block 3"):
        fetch(transport, wish)
    assert left_behind(wish) == [PART, f"{PART}.blocks"]
    storage.troubles, storage.asked = [], []
    fetch(transport, wish)

    assert storage.asked == [3, 4, 5, 6, 7]
    assert wish.destination.read_bytes() == DATA
    assert left_behind(wish) == ["model.bin"]


def test_what_a_plain_stream_left_behind_counts(storage, transport, wish):
    wish.destination.parent.mkdir()
    wish.destination.with_name(PART).write_bytes(DATA[: 2 * BLOCK + 50])

    fetch(transport, wish)

    assert sorted(storage.asked) == [2, 3, 4, 5, 6, 7]
    assert wish.destination.read_bytes() == DATA


def test_what_came_of_another_version_is_not_mixed_into_this_one(storage, transport, wish, monkeypatch):
    """A file of the same name and size that was logged again meanwhile: its first download broke off."""
    monkeypatch.setattr(_downloads, "LARGE_BYTES", 2 * len(DATA))
    older = wish._replace(sha256=sha256(b"?" * len(DATA)).hexdigest())
    wish.destination.parent.mkdir()
    _downloads.part_of(older).write_bytes(b"?" * (2 * BLOCK))
    storage.closed = True  # streams take what is there for a beginning

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA
    assert _downloads.part_of(older).exists()


def test_a_journal_of_another_file_is_not_believed(storage, transport, wish):
    wish.destination.parent.mkdir()
    wish.destination.with_name(PART).write_bytes(b"?" * len(DATA))
    wish.destination.with_name(f"{PART}.blocks").write_text(f"{BLOCK} {len(DATA)} {'a' * 64}\n0\n1\n")

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA


def test_other_bytes_than_the_digest_names_are_not_kept(storage, transport, wish):
    storage.data = b"!" + DATA[1:]

    with pytest.raises(lineal.DigestMismatch):
        fetch(transport, wish)
    assert left_behind(wish) == []


def test_a_file_that_the_storage_lost_is_no_reason_to_go_on_asking(storage, transport, wish, monkeypatch):
    monkeypatch.setattr(_blocks, "THREADS", 1)
    storage.troubles = [404] * 1_000

    with pytest.raises(lineal.LinealError, match="does not have"):
        fetch(transport, wish)
    assert len(storage.asked) == 1


# -- closed networks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("large", [True, False], ids=["blocks", "stream"])
@pytest.mark.parametrize("linked", [True, False], ids=["linked", "asked"])
def test_without_a_connection_to_the_storage_the_server_passes_the_bytes_on(
    storage, transport, wish, monkeypatch, warnings, large, linked
):
    """Told once, and not tried again for each file."""
    if not large:
        monkeypatch.setattr(_downloads, "LARGE_BYTES", 2 * len(DATA))
    storage.closed = True
    link = "http://localhost:9/bucket/key" if linked else None
    for number in range(3):
        each = wish._replace(destination=wish.destination.with_name(f"{number}.bin"), link=link)
        fetch(transport, each)
        assert each.destination.read_bytes() == DATA

    assert storage.passed_on == [0, 0, 0]
    assert storage.asked == []
    assert [sentence for sentence in warnings() if "go through the server" in sentence] == warnings()
    assert len(warnings()) == 1
    assert left_behind(wish) == ["0.bin", "1.bin", "2.bin"]


def test_what_came_before_the_network_was_closed_is_not_brought_again(storage, transport, wish, monkeypatch):
    monkeypatch.setattr(_blocks, "THREADS", 1)
    storage.troubles = [None] * 3 + [500] * 1_000
    with pytest.raises(lineal.ServerUnreachable, match="block 3"):
        fetch(transport, wish)
    storage.closed = True
    fetch(transport, wish)

    assert storage.passed_on == [3 * BLOCK]
    assert wish.destination.read_bytes() == DATA
    assert left_behind(wish) == ["model.bin"]


def test_blocks_with_holes_between_them_are_no_beginning_of_a_stream(storage, transport, wish, monkeypatch):
    """The last block came and the first did not; then another file found the network closed."""
    fetch(transport, wish._replace(destination=wish.destination.with_name("other.bin")))
    wish.destination.parent.mkdir(exist_ok=True)
    part = _downloads.part_of(wish)
    part.write_bytes(b"\0" * (7 * BLOCK) + DATA[7 * BLOCK :])
    journal = part.with_name(f"{part.name}.blocks")
    journal.write_text(f"{BLOCK} {len(DATA)} {wish.sha256}\n7\n")
    storage.closed = True
    transport.go_around(lineal.StorageUnreachable("another file could not be fetched"))

    fetch(transport, wish)

    assert wish.destination.read_bytes() == DATA
    assert not journal.exists()


def test_a_server_that_passes_nothing_on_is_not_asked_for_ever(storage, transport, wish):
    storage.closed = True
    storage.pass_on = lambda handler: storage.reply(handler, 302, b"", Location="http://localhost:9/bucket/key")

    with pytest.raises(lineal.ServerUnreachable, match="cannot be reached"):
        fetch(transport, wish)
