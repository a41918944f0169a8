"""A record that cannot be packed, written or put together costs nothing but itself, and the loss is counted and told."""

import errno
import json
import logging
import os

import lineal
import msgspec
import pytest
from click.testing import CliRunner
from lineal import _packing, _refusals, _spool, _values
from lineal._packing import Batch, Input, Output, Packer, Params, Tags
from lineal._refusals import Refusal
from lineal._spool import Header, RecordTooLarge, Spool
from lineal.cli import main


class Unspeakable:
    """A key that cannot be told as text, nor shown."""

    def __str__(self):
        raise RuntimeError("no text of me")

    __repr__ = __str__


class Shouting(str):
    """Text of a class of its own, which MessagePack does not know."""

    __slots__ = ()

    def __str__(self):
        return self


def test_a_value_that_cannot_be_packed_costs_nothing_around_it(fake, spool_dir, warnings):
    """The bad key stands between good ones of one call, and between good calls of one round."""
    with lineal.start_run("churn") as run:
        for step in range(3):
            run.log({"before": float(step), Unspeakable(): 0.5, "after": float(step)}, step=step)
            run.log_param(f"p{step}", step)

    stored = fake.runs[run.id]
    assert stored.values("before") == stored.values("after") == [0.0, 1.0, 2.0]
    assert stored.params == {"p0": 0, "p1": 1, "p2": 2}
    assert stored.status == "finished"
    (first, last) = warnings()
    assert "could not be recorded" in first
    assert "RuntimeError('no text of me')" in first
    assert "3 values could not be recorded (3 of them points of metrics)" in last
    assert not list(spool_dir.rglob("*"))


def test_numbers_under_a_key_without_text_raise_nothing_into_training(fake, warnings):
    with lineal.start_run("churn") as run:
        run.log({Unspeakable(): 1, "loss": 2})
        run.log({Unspeakable(): "no number", "loss": 3})

    assert fake.runs[run.id].values("loss") == [2.0, 3.0]
    assert any("is skipped" in sentence for sentence in warnings())


def test_a_file_whose_name_is_no_unicode_is_refused_alone(fake, tmp_path, warnings):
    """Names of files are bytes; text that was written in Latin-1 long ago is none that the server could show."""
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "z.txt").write_text("z")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"coffee")

    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "a.txt")
        run.log({"loss": 1.0})
        run.log_artifact(tmp_path / os.fsdecode(b"caf\xe9.txt"))
        run.log({"loss": 2.0})
        run.log_artifact(tmp_path / "z.txt")

    stored = fake.runs[run.id]
    assert sorted(stored.artifacts) == ["a.txt", "z.txt"]
    assert stored.values("loss") == [1.0, 2.0]
    assert any("UnicodeEncodeError" in sentence and "udce9" in sentence for sentence in warnings())


def test_the_room_of_a_refused_file_is_given_back(fake):
    with fake.lock:
        run = lineal.start_run("churn")
        place = run._sender.reserve_file(5)
        place.write_bytes(b"bytes")
        run._sender.put(_packing.File({"path": "caf\udce9", "size": 5, "sha256": "0" * 64, "file": place.name}))
        run._sender.drain()
        left = place.exists()
        run.log({"loss": 1.0})
    run.finish()

    assert not left
    assert fake.runs[run.id].values("loss") == [1.0]


def test_text_of_a_class_of_its_own_is_recorded_as_text(fake, warnings):
    assert type(_values.text(Shouting("loud"))) is str

    with lineal.start_run("churn") as run:
        run.set_tag("voice", Shouting("loud"))
        run.log_param("mode", Shouting("quiet"))
        run.log({Shouting("loss"): 1.0})

    stored = fake.runs[run.id]
    assert (stored.tags["voice"], stored.params["mode"]) == ("loud", "quiet")
    assert stored.values("loss") == [1.0]
    assert warnings() == []


@pytest.mark.parametrize("position", [0, 7, 15])
def test_a_batch_that_cannot_be_written_is_halved_until_the_culprit_stands_alone(fake, warnings, position):
    """Whatever gets past the packer and is nothing that MessagePack knows."""
    values = {f"p{number:02}": number for number in range(16)}
    values[f"p{position:02}"] = object()
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0, "acc": 2.0})
        run._sender.put(Params(values))
        run._sender.put(Tags({"state": "good"}))
        run._sender.put(Output({"name": "made"}, 10))

    stored = fake.runs[run.id]
    assert stored.params == {key: value for key, value in values.items() if isinstance(value, int)}
    assert (stored.values("loss"), stored.values("acc"), stored.tags) == ([1.0], [2.0], {"state": "good"})
    told = [sentence for sentence in warnings() if f"param 'p{position:02}' could not be recorded" in sentence]
    assert len(told) == 2  # when it happened, and counted at the end
    assert "1 values could not be recorded (0 of them points of metrics)" in told[1]


def test_memory_that_is_too_small_for_a_batch_takes_it_in_pieces(fake, monkeypatch, warnings):
    whole = Batch.body

    def body(self, **options):
        if self.points > 100:
            raise MemoryError
        return whole(self, **options)

    monkeypatch.setattr(Batch, "body", body)
    with lineal.start_run("churn") as run:
        for step in range(1_000):
            run.log({"loss": float(step), "acc": 1.0}, step=step)

    assert fake.runs[run.id].values("loss") == list(map(float, range(1_000)))
    assert warnings() == []


def test_halves_hold_what_the_whole_held_in_its_order():
    entries = [
        (None, 1_000, {"a": 0.0, "b": 1.0}),
        (None, 2_000, {"a": 2.0}),
        Params({"lr": 1}),
        Tags({"t": None}),
        Input({"name": "in"}, 10),
        Output({"name": "out"}, 10),
    ]
    (batch,) = Packer().pack(entries)

    singles = list(_singles(batch))

    assert [single.points for single in singles] == [1, 1, 1, 0, 0, 0, 0]
    assert [single.columns["a"][2][0] for single in singles[:2]] == [0.0, 2.0]
    assert singles[2].columns["b"][2][0] == 1.0
    assert (singles[3].params, singles[4].tags) == ({"lr": 1}, {"t": None})
    assert (singles[5].inputs, singles[6].outputs) == ([{"name": "in"}], [{"name": "out"}])


def _singles(batch):
    halves = batch.halves()
    if not halves:
        yield batch
    for half in halves:
        yield from _singles(half)


def test_an_error_in_the_middle_of_a_point_leaves_no_ragged_series():
    packer = Packer()
    entries = [(0, 1_000, {"a": 1.0}), (1, 2_000, {"a": "no float", "b": 3.0}), (2, 3_000, {"a": 2.0})]

    refused, batch = packer.pack(entries)

    assert isinstance(refused, Refusal)
    assert refused.what == "metric 'a'"
    assert [list(column) for column in batch.columns["a"]] == [[0, 2], [1, 3], [1.0, 2.0]]
    assert list(batch.columns["b"][2]) == [3.0]
    assert batch.points == 3


def test_an_error_of_the_clients_own_costs_training_nothing(fake, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, "lineal")
    run = lineal.start_run("churn")
    with monkeypatch.context() as patched:
        patched.setattr(Packer, "_add_metrics", lambda *_: 1 / 0)
        run.log({"loss": 1.0})
        run.set_tag("kept", "yes")
        run._sender.drain()
    run.log({"loss": 2.0})
    run.finish()

    assert fake.runs[run.id].values("loss") == [2.0]
    assert fake.runs[run.id].tags == {"kept": "yes"}
    assert any(record.exc_info for record in caplog.records)


def test_a_flush_after_a_refusal_says_that_not_all_arrived(fake):
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    assert run.flush()
    run.log({Unspeakable(): 1.0})

    assert not run.flush()
    assert "1 values could not be recorded" in run.why_not_delivered
    run.finish()


def test_ctrl_c_while_spooling_leaves_what_was_not_reached_in_the_queue(fake, monkeypatch):
    run = lineal.start_run("churn")
    with monkeypatch.context() as patched, run._sender._spool_lock:
        patched.setattr(Packer, "_add_param", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        run.log({"loss": 1.0})
        run.log_param("lr", 1)
        run.log({"loss": 2.0})
        with pytest.raises(KeyboardInterrupt):
            run._sender.drain()
    run.finish()

    assert fake.runs[run.id].values("loss") == [1.0, 2.0]


def test_a_record_larger_than_any_reader_takes_is_refused_when_written(fake, monkeypatch, warnings):
    """Else it would stand in the spool, and be passed over as damage."""
    with lineal.start_run("churn") as run:
        monkeypatch.setattr(_spool, "LARGEST_FRAME", 2_000)
        run.set_tag("long", "x" * 3_000)
        run.set_tag("short", "x")

    assert fake.runs[run.id].tags == {"short": "x"}
    assert any(
        "tag 'long' could not be recorded" in sentence and "RecordTooLarge" in sentence for sentence in warnings()
    )


def test_a_record_too_large_takes_no_number(client_home, monkeypatch):
    spool = Spool(Header("http://127.0.0.1:1", "default", "a" * 32, "b" * 32, "churn", owner=True))
    monkeypatch.setattr(_spool, "LARGEST_FRAME", 100)

    with pytest.raises(RecordTooLarge, match="largest record"):
        spool.append("batch", sequence=1, body=b"x" * 200)

    assert (spool.last_number, spool.last_sequence) == (0, 0)
    assert spool.append("batch", sequence=1, body=b"x") == 1
    spool.close()


def test_a_segment_whose_closing_fails_is_closed_for_good(fake, monkeypatch, warnings):
    """Network file systems tell of a full disk as late as that; the descriptor is gone all the same."""
    monkeypatch.setattr(_spool, "SEGMENT_BYTES", 1)
    real, failures = os.close, iter([True])
    run = lineal.start_run("churn")

    def close(handle):
        real(handle)
        if handle == mine and next(failures, False):
            raise OSError(errno.ENOSPC, "No space left on device")

    with run._sender._spool_lock:
        mine = run._sender._spool._handle
        monkeypatch.setattr(_spool.os, "close", close)
        run.log({"loss": 1.0})
        run._sender.drain()
    run.log({"loss": 2.0})
    run.finish()

    assert fake.runs[run.id].values("loss") == [1.0, 2.0]
    assert sum("may lack what was written last" in sentence for sentence in warnings()) == 1


def test_sync_tells_what_a_job_could_not_record(fake, spool_dir, monkeypatch):
    """The job ended without having reached the server: whoever sends its spool hears of the holes too."""
    fake.refuse("POST .*/batches", 503, times=10_000, retry_after="0.01")
    run = lineal.start_run("churn")
    run.log({"loss": 1.0, Unspeakable(): 2.0})
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "0.1")
    run.finish()
    fake.faults.clear()

    result = CliRunner().invoke(main, ["sync", "--json"])

    assert result.exit_code == 1
    (stream,) = json.loads(result.stdout)
    assert stream["unrecorded"] == 1
    assert stream["refused"][0].endswith("could not be recorded: RuntimeError('no text of me')")
    assert fake.runs[run.id].values("loss") == [1.0]
    assert not list(spool_dir.rglob("*"))


def test_the_note_of_refusals_reads_back_and_a_damaged_one_counts_nothing(tmp_path):
    refusals = _refusals.Refusals()
    for number in range(30):
        refusals.add(Refusal(f"metric 'm{number}'", "why", points=1))

    _refusals.write(tmp_path, refusals)

    assert _refusals.read(tmp_path) == refusals
    assert (refusals.records, len(refusals.sentences)) == (30, _refusals.MOST_SENTENCES)
    (tmp_path / _refusals.FILE).write_text('{"records": "many"}')
    assert _refusals.read(tmp_path).records == 0


def test_an_error_of_the_clients_own_while_sending_keeps_everything_for_sync(fake, monkeypatch, warnings):
    with monkeypatch.context() as patched:
        patched.setattr("lineal._delivery.Delivery._post_batch", lambda *_: 1 / 0)
        run = lineal.start_run("churn")
        run.log({"loss": 1.0})
        run.finish()
        (stream,) = lineal.sync().streams
    again = lineal.sync()

    assert sum("ZeroDivisionError" in sentence and "stays in" in sentence for sentence in warnings()) == 1
    assert (stream.state, "ZeroDivisionError" in stream.detail) == ("stopped", True)
    assert again.ok
    assert fake.runs[run.id].values("loss") == [1.0]


def test_a_spool_that_cannot_be_read_now_is_read_later(fake, monkeypatch):
    tries = iter(range(100))
    real = lineal._delivery.Reader.peek

    def peek(self, end=None):
        if next(tries, 99) < 3:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, end)

    monkeypatch.setattr("lineal._delivery.Reader.peek", peek)
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})

    assert fake.runs[run.id].values("loss") == [1.0]


def test_the_wire_has_one_series_for_one_text():
    """1 and "1" are one key on the server."""
    (batch,) = Packer().pack([(None, 1_000, {1: 0.5}), (None, 2_000, {"1": 1.5})])

    (columns,) = msgspec.msgpack.decode(batch.body(writer="w", sequence=1))["metrics"]
    assert columns["key"] == "1"
    assert list(batch.columns["1"][0]) == [0, 1]
