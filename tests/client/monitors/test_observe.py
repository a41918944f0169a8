"""What serving code observes reaches the server as profiles, window by window, exactly once."""

import threading
import time
from datetime import UTC, datetime, timedelta

import lineal
import numpy as np
import pandas as pd
import pytest

TRAIN = pd.DataFrame({"age": np.arange(1_000) % 97, "city": np.array(["Ulm", "Bonn", "Kiel"])[np.arange(1_000) % 3]})
KEY = b"k" * 16
BASELINE = lineal.profile(TRAIN, predictions=np.arange(1_000) % 2, key=KEY)
ROW = {"age": 40, "city": "Ulm"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def poll(condition, limit_s=10.0):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def fraud(production):
    """The monitor of what serves."""
    return production.serve(reference=BASELINE.reference())


def test_rows_arrive_as_one_profile_over_the_reference(production, fraud, spool_dir, warnings):
    with lineal.monitor("fraud@production") as monitor:
        for at in range(200):
            monitor.observe({"age": at % 97, "city": "Ulm"}, predictions=at % 2)

    (found,) = fraud.profiles()
    assert found.rows == 200
    assert found.key == BASELINE.key
    assert found.columns["age"].hist.id == BASELINE.columns["age"].hist.id
    assert found.columns["city"].hist.counts.sum() == 200
    assert found.performance.predicted == 200
    assert monitor.stats().parts_sent == 1
    assert not list(spool_dir.rglob("*"))
    assert warnings() == []


def test_parts_of_many_flushes_add_up_to_the_profile_of_all_rows(production, fraud):
    with lineal.monitor("fraud@production") as monitor:
        for start in range(0, 1_000, 100):
            monitor.observe(TRAIN[start : start + 100], predictions=np.arange(100) % 2, at=NOON)
            assert monitor.flush()

    whole = lineal.profile(TRAIN, BASELINE.reference(), predictions=np.arange(1_000) % 2)
    assert len(fraud.parts) == 10
    assert fraud.whole.rows == 1_000
    for name in ("age", "city"):
        assert fraud.whole.columns[name].hist.counts.tolist() == whole.columns[name].hist.counts.tolist()
    assert fraud.whole.performance.confusion.tolist() == whole.performance.confusion.tolist()


def test_each_row_goes_into_the_window_it_was_asked_in(production, fraud):
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW, at=NOON)
        monitor.observe(ROW, at=NOON + timedelta(minutes=59, seconds=59))
        monitor.observe(ROW, at=(NOON + timedelta(hours=1)).timestamp())
        monitor.observe(TRAIN[:4], at=[NOON, NOON, NOON - timedelta(seconds=1), NOON + timedelta(hours=5)])
        monitor.observe({**ROW, "asked": NOON}, at="asked")

    noon = int(NOON.timestamp())
    rows = {body["start"]: profile.rows for body, profile in zip(fraud.parts.values(), fraud.profiles(), strict=True)}
    assert fraud.starts() == [noon - 3_600, noon, noon + 3_600, noon + 5 * 3_600]
    assert rows["2026-03-01T12:00:00Z"] == 5
    assert sum(rows.values()) == 8


def test_labels_that_come_later_belong_to_the_window_of_their_predictions(production, fraud):
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(TRAIN[:4], predictions=[1, 0, 1, 1], scores=[0.9, 0.2, 0.8, 0.6], at=NOON)
        assert monitor.flush()
        monitor.report_labels(predictions=[1, 0], labels=[1, 1], scores=[0.9, 0.2], at=NOON)
        monitor.report_labels(predictions=1, labels=0, scores=0.8, at=NOON)

    found = fraud.whole
    assert fraud.starts() == [int(NOON.timestamp())]
    assert (found.rows, found.performance.predicted, found.performance.labelled) == (4, 4, 3)
    assert found.performance.confusion.tolist() == [[0, 1], [1, 1]]
    assert monitor.stats().labelled == 3


def test_embeddings_are_summed_up(production):
    vectors = np.random.default_rng(0).normal(size=(300, 8))
    baseline = lineal.profile(None, embeddings={"text": vectors}, key=KEY)
    fraud = production.serve(reference=baseline.reference())

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(None, embeddings={"text": vectors[:100]})
        monitor.observe({"n": 1}, embeddings={"text": vectors[100]})

    found = fraud.whole.embeddings["text"]
    assert found.n == 101
    assert found.cos == pytest.approx(
        lineal.profile(None, baseline.reference(), embeddings={"text": vectors[:101]}).embeddings["text"].cos
    )


def test_predictions_alone_are_watched(production, fraud):
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(predictions=[0, 1, 1])
        monitor.observe(predictions=1)

    assert fraud.whole.rows == 4
    assert fraud.whole.columns["prediction"].hist.counts.tolist() == [1, 3, 0]


def test_rows_go_out_by_themselves_after_a_while(production, fraud):
    with lineal.monitor("fraud@production", flush_every=0.05) as monitor:
        monitor.observe(ROW)
        poll(lambda: fraud.parts)
        monitor.observe(ROW)
        poll(lambda: len(fraud.parts) == 2)


def test_many_rows_go_out_at_once(production, fraud):
    with lineal.monitor("fraud@production", max_buffered_rows=2_000) as monitor:
        monitor.observe(TRAIN)
        poll(lambda: fraud.parts)

    assert fraud.whole.rows == 1_000


def test_the_owner_of_a_batch_may_go_on_with_it(production, fraud):
    row, rows, frame, array = dict(ROW), [dict(ROW)], TRAIN[["age"]][:1].copy(), np.array([[1.0]])
    predictions = np.array([1])

    with lineal.monitor("fraud@production") as monitor:
        for batch in (row, rows, frame):
            monitor.observe(batch, predictions=predictions)
        monitor.observe(array)
        row["age"] = rows[0]["age"] = 1_000_000
        frame["age"] = 1_000_000
        array[:] = 1_000_000
        predictions[:] = 7

    assert fraud.whole.columns["age"].max <= 97
    assert fraud.whole.columns["0"].max == 1.0
    assert fraud.whole.columns["prediction"].max == 1.0


def test_threads_that_observe_at_once_lose_nothing(production, fraud):
    monitor = lineal.monitor("fraud@production", flush_every=0.02)
    threads = [threading.Thread(target=lambda: [monitor.observe(ROW) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monitor.close()

    assert fraud.whole.rows == 4_000
    assert monitor.stats().observed == 4_000


def test_what_one_row_costs_the_serving_thread_is_a_copy_and_an_append(production, fraud, monkeypatch):
    """Counted in calls, because time depends on what else a machine does: none into profiles, HTTP or files, and few at all."""
    import sys

    monitor = lineal.monitor("fraud@production")
    row = {f"feature{n}": float(n) for n in range(20)}
    monitor.observe(row, predictions=1, scores=0.5)  # starts the threads
    called = []
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code) if event == "call" else None)
    monitor.observe(row, predictions=1, scores=0.5)
    sys.setprofile(None)
    monitor.close()

    files = {code.co_filename.rpartition("lineal/")[2] for code in called}
    assert files <= {"_monitors/monitor.py", "_monitors/snapshots.py", "_monitors/worker.py", "_monitors/buffer.py"} | {
        name for name in files if name.startswith("<")
    }
    assert len(called) < 50


def test_profiles_are_made_and_sent_by_other_threads(production, fraud, monkeypatch):
    from lineal import _http
    from lineal._monitors.profiling import Profiler

    seen = []
    for owner, name in ((_http.Transport, "request"), (Profiler, "profiles")):
        real = getattr(owner, name)

        def spy(*args, real=real, **options):
            seen.append(threading.get_ident())
            return real(*args, **options)

        monkeypatch.setattr(owner, name, spy)
    monitor = lineal.monitor("fraud@production", flush_every=0.05)
    monitor.observe(ROW)
    poll(lambda: fraud.parts)

    assert len(seen) >= 4
    assert threading.get_ident() not in seen
    monitor.close()


def test_a_strict_monitor_sends_no_value(production):
    secret = "the name of somebody"
    fraud = production.serve(reference=BASELINE.reference(), privacy="strict")

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe({"age": 31.4159, "city": secret})

    (found,) = fraud.profiles()
    assert found.privacy == "strict"
    assert found.columns["city"].values is None
    assert found.columns["age"].kll is None


def test_the_stricter_of_client_and_server_counts(production, fraud, warnings):
    with lineal.monitor("fraud@production", privacy="strict", window=60) as monitor:
        monitor.observe(ROW)

    assert fraud.whole.privacy == "strict"
    assert any("strict counts" in sentence for sentence in warnings())
    assert any("windows of 3600 s on the server" in sentence for sentence in warnings())


def test_a_version_without_a_baseline_is_profiled_without_one(production, warnings):
    fraud = production.serve(reference=None)

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
        monitor.flush()
        monitor.observe(ROW)

    assert fraud.whole.rows == 2
    assert fraud.whole.columns["age"].hist is None
    assert warnings() == []


def test_without_a_baseline_nothing_strict_is_sent(production, warnings):
    """Hashes under the public key would hide nothing."""
    fraud = production.serve(reference=None, privacy="strict")

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
        assert not monitor.flush(0.2)
        fraud.reference = BASELINE.reference()
        assert monitor.stats().lost == 0

    assert fraud.parts == {}
    assert monitor.stats().lost == 1
    assert any("no key hides" in sentence for sentence in warnings())


def test_a_newly_promoted_version_gets_what_is_observed_from_then_on(production, fraud):
    other = lineal.profile(TRAIN[:100], key=b"o" * 16)

    with lineal.monitor("fraud@production", refresh_every=0.05) as monitor:
        monitor.observe(TRAIN[:7])
        poll(lambda: monitor.stats().version == 1)
        second = production.serve(version=2, reference=other.reference())
        poll(lambda: monitor.stats().version == 2)
        monitor.observe(TRAIN[:5])

    assert (fraud.whole.rows, second.whole.rows) == (7, 5)
    assert second.whole.key == other.key


def test_an_unchanged_reference_travels_once(production, fraud):
    with lineal.monitor("fraud@production", refresh_every=0.02) as monitor:
        monitor.observe(ROW)
        poll(lambda: production.unchanged >= 3)

    assert production.asked("/reference") == production.unchanged + 1
    assert fraud.whole.columns["age"].hist.id == BASELINE.columns["age"].hist.id


@pytest.mark.parametrize(
    "name", ["fraud", "@production", "fraud@", "fraud@production@eu", "a b@production", "", None, 7]
)
def test_a_name_that_is_none_is_refused_at_once(production, name):
    with pytest.raises(ValueError, match="model@environment"):
        lineal.monitor(name)


@pytest.mark.parametrize(
    "options",
    [
        {"privacy": "none"},
        {"window": 0},
        {"window": timedelta(0)},
        {"task": "ranking"},
        {"max_buffered_rows": 0},
        {"max_buffered_bytes": -1},
        {"flush_every": float("inf")},
        {"refresh_every": "often"},
    ],
)
def test_an_option_that_is_none_is_refused_at_once(production, options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        lineal.monitor("fraud@production", **options)


def test_an_address_that_is_none_is_refused_at_once():
    with pytest.raises(lineal.NotConfigured, match="ftp"):
        lineal.monitor("fraud@production", url="ftp://example.org")


def test_without_a_server_serving_goes_on_and_is_told_so(warnings, client_home):
    monitor = lineal.monitor("fraud@production")

    monitor.observe(ROW)

    assert not monitor.flush()
    assert monitor.stats().trouble == "no server is configured"
    monitor.close()
    assert len(warnings()) == 1
    assert "nothing is monitored" in warnings()[0]


def test_a_closed_monitor_takes_nothing_more(production, fraud, warnings):
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)
    monitor.close()
    monitor.close()

    monitor.observe(ROW)

    assert fraud.whole.rows == 1
    assert monitor.stats().refused == 1
    assert sum("is closed" in sentence for sentence in warnings()) == 1


def test_flushing_nothing_is_done_at_once(production, fraud):
    monitor = lineal.monitor("fraud@production")

    assert monitor.flush()
    monitor.close()

    assert production.requests == []
