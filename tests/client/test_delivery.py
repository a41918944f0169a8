"""What cannot be put together is put aside, and what was not understood was not delivered."""

import lineal
import pytest
from lineal import _credentials
from lineal._packing import Packer
from lineal._spool import Header, Spool


def test_a_part_that_is_no_batch_is_put_aside_and_the_other_parts_are_sent(fake):
    header = Header(fake.url, "default", "c" * 32, "d" * 32, "churn", owner=True)
    spool = Spool(header)
    spool.append("create", body={"id": "c" * 32, "experiment": "churn"})
    packer = Packer()
    for step in range(2):
        (good,) = packer.pack([(step, 1_000, {"loss": float(step)})])
        spool.append("batch", sequence=1, body=good.body(writer=header.writer, sequence=1))
        spool.append("batch", sequence=1, body=b"\xc1")
    spool.close()
    _credentials.remember(fake.url, token="lnl_fake", vkey=None)

    (stream,) = lineal.sync().streams

    assert fake.runs["c" * 32].values("loss") == [0.0, 1.0]
    assert [("batch 1" in sentence, "it is no batch" in sentence) for sentence in stream.refused] == [(True, True)] * 2
    assert len(list(spool.folder.glob("refused/*.msgpack"))) == 2


@pytest.mark.parametrize("answer", [[], "text", 7])
def test_an_answer_that_is_none_of_lineals_leaves_everything_in_the_spool(fake, spool_dir, monkeypatch, answer):
    """Something in between answers 200 to everything: not even a batch is put aside for that."""
    with monkeypatch.context() as patched:
        patched.setattr("lineal._http.Response.json", lambda self: answer)
        run = lineal.start_run("churn")
        run.log({"loss": 1.0})
        assert not run.flush(0.3)
        told = run.why_not_delivered
    run.finish()

    assert "none of Lineal's" in told
    assert fake.runs[run.id].values("loss") == [1.0]
    assert not list(spool_dir.rglob("refused/*"))


def test_an_error_in_a_thread_that_uploads_reaches_the_caller():
    from lineal._parallel import in_parallel

    with pytest.raises(ZeroDivisionError):
        in_parallel(lambda number: 1 / number, [0, *range(1, 50)])
