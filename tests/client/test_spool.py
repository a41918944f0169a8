"""What was spooled is read back, whatever the disk did to its end or its middle; what does not fit is refused whole."""

import errno
import os
import stat

import pytest
from lineal import _spool
from lineal._locks import take
from lineal._spool import Header, Spool, SpoolFull
from lineal._spool_reader import NewerSpool, Reader

HEADER = Header("http://example.org:7400", "risk/eu", "a" * 32, "b" * 32, "churn", owner=True)


@pytest.fixture
def spool(spool_dir):
    made = Spool(HEADER)
    yield made
    made.close()


def read(folder, **options):
    reader = Reader(folder, **options)
    found = []
    while (record := reader.peek()) is not None:
        found.append(record)
        reader.advance()
    reader.close()
    return found, reader


def fill(spool, count, size=100):
    for sequence in range(1, count + 1):
        spool.append("batch", sequence=sequence, body=bytes([sequence % 251]) * size)


def test_records_come_back_in_order_with_their_header(spool):
    spool.append("create", body={"id": "x", "values": [1, None, float("inf")]})
    fill(spool, 3)

    found, reader = read(spool.folder)

    assert [record.kind for record in found] == ["create", "batch", "batch", "batch"]
    assert [record.number for record in found] == [1, 2, 3, 4]
    assert found[0].fields["body"] == {"id": "x", "values": [1, None, float("inf")]}
    assert reader.header == HEADER
    assert reader.missing == 0


def test_only_the_user_can_look_into_the_spool(spool, spool_dir):
    fill(spool, 1)
    spool.new_file().touch(0o600)
    _spool.write_acked(spool.folder, 0)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [spool_dir, *spool_dir.rglob("*")]}

    assert len(modes) >= 9
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_segments_follow_one_another(spool, monkeypatch):
    monkeypatch.setattr(_spool, "SEGMENT_BYTES", 1_000)

    fill(spool, 50)

    found, _ = read(spool.folder)
    assert [record.fields["sequence"] for record in found] == list(range(1, 51))
    assert len(_spool.segment_numbers(spool.folder)) > 5


def test_confirmed_segments_are_removed_and_the_rest_is_read_on(spool, monkeypatch):
    monkeypatch.setattr(_spool, "SEGMENT_BYTES", 1_000)
    fill(spool, 50)
    reader = Reader(spool.folder)
    while (record := reader.peek()).number < 30:
        reader.advance()

    freed = reader.drop_read_segments(acked=29)

    rest, _ = read(spool.folder, after=29)
    assert freed > 2_000
    assert rest[0].number == record.number == 30
    assert len(rest) == 21
    reader.close()


def test_a_torn_tail_is_cut_at_the_last_whole_frame(spool):
    """A kill in the middle of a write, at every byte of it."""
    fill(spool, 2)
    whole = spool.end.offset
    fill(spool, 1)
    path = _spool.segment_path(spool.folder, 1)
    data = path.read_bytes()

    for length in range(whole, len(data)):
        path.write_bytes(data[:length])
        found, reader = read(spool.folder)
        assert [record.number for record in found] == [1, 2]
        assert reader.missing == 0


@pytest.mark.parametrize("place", ["length", "checksum", "payload"])
def test_a_flipped_byte_costs_one_record_which_is_counted(spool, place):
    fill(spool, 1)
    start = spool.end.offset
    fill_from(spool, 2, 5)
    path = _spool.segment_path(spool.folder, 1)
    data = bytearray(path.read_bytes())
    data[start + {"length": 0, "checksum": 5, "payload": 60}[place]] ^= 0x55
    path.write_bytes(data)

    found, reader = read(spool.folder)

    assert [record.number for record in found] == [1, 3, 4, 5]
    assert reader.missing == 1


def fill_from(spool, first, last):
    for sequence in range(first, last + 1):
        spool.append("batch", sequence=sequence, body=bytes([sequence]) * 100)


def test_every_single_flipped_byte_leaves_the_other_records_readable(spool):
    fill(spool, 6, size=20)
    path = _spool.segment_path(spool.folder, 1)
    data = path.read_bytes()

    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        found, _ = read(spool.folder)
        assert len(found) >= 5, at
        assert all(record.fields["body"] == bytes([record.number]) * 20 for record in found)


def test_a_damaged_header_is_told_by_the_names_of_the_folders(spool):
    fill(spool, 2)
    path = _spool.segment_path(spool.folder, 1)
    path.write_bytes(b"\xff" * 12 + path.read_bytes()[12:])

    found, reader = read(spool.folder)

    assert [record.number for record in found] == [1, 2]
    assert reader.header[:4] == HEADER[:4]


def test_a_spool_of_a_newer_client_is_left_alone(spool, monkeypatch):
    monkeypatch.setattr(_spool, "SCHEMA", 2)
    fill(spool, 1)

    reader = Reader(spool.folder)

    with pytest.raises(NewerSpool, match="version 2"):
        reader.peek()

    reader.close()


def test_rewinding_finds_an_earlier_batch(spool, monkeypatch):
    monkeypatch.setattr(_spool, "SEGMENT_BYTES", 1_000)
    fill(spool, 30)
    reader = Reader(spool.folder)
    while reader.peek() is not None:
        reader.advance()

    assert reader.rewind(7)
    assert reader.peek().fields["sequence"] == 7
    assert not reader.rewind(31)
    assert reader.peek().fields["sequence"] == 7
    reader.close()


def test_the_byte_limit_refuses_whole_records_and_takes_more_once_there_is_room(spool, monkeypatch):
    monkeypatch.setenv("LINEAL_SPOOL_MAX_BYTES", "5000")
    monkeypatch.setattr(_spool, "MEASURE_EVERY_S", 0.0)
    small = Spool(HEADER._replace(writer="c" * 32))

    with pytest.raises(SpoolFull, match="LINEAL_SPOOL_MAX_BYTES"):
        fill(small, 100)

    kept = small.last_number
    assert 20 < kept < 50
    assert sum(_spool.sizes_below(small.root)) <= 5_000
    _spool.segment_path(small.folder, 1).write_bytes(b"")
    assert small.append("batch", sequence=small.last_sequence + 1, body=b"") == kept + 1
    small.close()


@pytest.mark.parametrize("written", [0, 1, 7, 40])
def test_a_full_disk_leaves_no_half_a_record(spool, monkeypatch, written):
    """ENOSPC after some bytes: the next record that fits gets the number of the one that did not."""
    fill(spool, 2)
    real_write = os.write
    budget = [written]

    def write(handle, data):
        if budget[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = real_write(handle, bytes(data)[: budget[0]])
        budget[0] -= count
        return count

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(SpoolFull, match="No space left"):
        spool.append("batch", sequence=3, body=b"lost" * 30)
    monkeypatch.setattr(os, "write", real_write)
    spool.append("batch", sequence=3, body=b"kept")

    found, reader = read(spool.folder)
    assert [record.number for record in found] == [1, 2, 3]
    assert found[-1].fields["body"] == b"kept"
    assert reader.missing == 0


def test_a_full_disk_at_the_first_byte_of_a_segment_leaves_no_segment(spool, monkeypatch):
    def write(handle, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    real_write = os.write
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(SpoolFull):
        spool.append("create", body={})
    assert _spool.segment_numbers(spool.folder) == []

    monkeypatch.setattr(os, "write", real_write)
    assert spool.append("create", body={}) == 1
    assert [record.kind for record in read(spool.folder)[0]] == ["create"]


def test_a_living_process_holds_its_spool(spool):
    assert take(spool.folder / "lock") is None

    spool.close()

    handle = take(spool.folder / "lock")
    assert handle is not None
    os.close(handle)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"acked": "many"}', '{"acked": 1'])
def test_an_unreadable_position_means_that_everything_is_sent_again(spool, text):
    (spool.folder / "acked.json").write_text(text)

    assert _spool.read_acked(spool.folder) == 0


def test_the_position_is_replaced_in_one_step(spool):
    _spool.write_acked(spool.folder, 41)
    _spool.write_acked(spool.folder, 42)

    assert _spool.read_acked(spool.folder) == 42
    assert not list(spool.folder.glob("*.new"))


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened there")
def test_a_flush_reaches_the_disk_with_the_name_of_the_file(spool, spool_dir, monkeypatch):
    """A power cut takes what was not written through, and a file whose folder does not know it yet."""
    reached = []
    monkeypatch.setattr(_spool.os, "fsync", lambda handle: reached.append(os.fstat(handle).st_ino))
    inodes = {path: path.stat().st_ino for path in [spool_dir, *spool_dir.rglob("*")]}
    fill(spool, 1)
    assert reached == []

    spool.sync()
    first = set(reached)
    fill_from(spool, 2, 2)
    reached.clear()
    spool.sync()

    segment = _spool.segment_path(spool.folder, 1).stat().st_ino
    assert first == {segment} | {number for path, number in inodes.items() if path.is_dir()}
    assert reached == [segment]
