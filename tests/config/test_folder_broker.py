"""The broker that is a folder: messages come whole, once, and a broken one ends nobody."""

import threading
from queue import Empty

import pytest
from kombu import Connection

from config import folder_broker
from config.broker import make_folders, settings_for

QUEUE = "lineal"


@pytest.fixture
def folder(tmp_path):
    made = settings_for("", tmp_path)
    make_folders(made)
    return made["folder"]


@pytest.fixture
def connect(folder):
    """`connect()`: a connection to the folder, as a process of its own would have."""
    folder_broker.register()
    folder_broker.Transport.global_state.clear()  # what this process knows to be bound, in the folder of another test
    opened = []

    def new():
        celery = settings_for("", folder.parent)["celery"]
        opened.append(Connection(celery["broker_url"], transport_options=celery["broker_transport_options"]))
        return opened[-1]

    yield new
    for each in opened:
        each.release()


def test_what_is_rung_arrives_once(connect):
    ringing, one, other = connect().SimpleQueue(QUEUE), connect().SimpleQueue(QUEUE), connect().SimpleQueue(QUEUE)
    ringing.put({"ring": 1})

    assert one.get(block=False).payload == {"ring": 1}
    with pytest.raises(Empty):
        other.get(block=False)


def test_no_reader_sees_half_a_message(connect):
    """Readers that look all the time while others write: as many come out as went in, and none is broken."""
    count, got, broken = 400, [], []

    def write():
        queue = connect().SimpleQueue(QUEUE)
        for at in range(count):
            queue.put({"at": at})

    writers = [threading.Thread(target=write) for _ in range(2)]
    reader = connect().channel()

    def read():
        while len(got) < 2 * count and not broken:
            try:
                got.append(reader._get(QUEUE))
            except Empty:
                continue
            except ValueError as exc:
                broken.append(exc)

    reading = threading.Thread(target=read)
    for thread in [reading, *writers]:
        thread.start()
    for thread in [*writers, reading]:
        thread.join(timeout=60)

    assert broken == []
    assert len(got) == 2 * count


def test_no_thread_sends_before_the_queue_is_bound(connect, monkeypatch):
    """The first of two threads is slow to write down where messages go; the second one's message arrives all the same."""
    at_it, go_on = threading.Event(), threading.Event()
    bind = folder_broker.Channel._queue_bind

    def slowly(*args):
        at_it.set()
        go_on.wait(timeout=30)
        bind(*args)

    monkeypatch.setattr(folder_broker.Channel, "_queue_bind", slowly)
    threads = [threading.Thread(target=lambda: connect().SimpleQueue(QUEUE).put("rung")) for _ in range(2)]
    threads[0].start()
    assert at_it.wait(timeout=30)
    threads[1].start()
    threads[1].join(timeout=0.5)  # it waits for the first, or it has sent to nowhere by now
    go_on.set()
    for thread in threads:
        thread.join(timeout=30)

    queue = connect().SimpleQueue(QUEUE)
    assert [queue.get(block=False).payload for _ in threads] == ["rung", "rung"]


@pytest.mark.parametrize("text", [b"", b'{"body": "', b"\xff"], ids=["empty", "cut-off", "no-text"])
def test_a_broken_message_is_passed_over_and_told(connect, folder, caplog, text):
    (folder / "queue" / f"0_broken.{QUEUE}.msg").write_bytes(text)
    connect().SimpleQueue(QUEUE).put("after it")

    assert connect().SimpleQueue(QUEUE).get(block=False).payload == "after it"
    assert "passed over" in caplog.text
    assert list((folder / "queue").iterdir()) == []


def test_a_broken_table_of_queues_is_written_anew(connect, folder):
    (folder / "control" / f"{QUEUE}.exchange").write_bytes(b"")  # as an interrupted write left it

    connect().SimpleQueue(QUEUE).put("rung")

    assert connect().SimpleQueue(QUEUE).get(block=False).payload == "rung"
