"""Profiles are made where the rows are: Spark's partitions give parts, and their merge is the profile of all rows."""

import logging
import shutil
import sys
from functools import reduce

import lineal
import numpy as np
import pyarrow as pa
import pytest
from lineal._profiles import kll_bytes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Spark's own: sockets it leaves open, names that pandas retires
]

ROWS = 20_000


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: `make test-all` brings it")
    if shutil.which("java") is None:
        pytest.skip("there is no java on PATH, which Spark runs on")
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            pyspark.sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", str(folder))
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        logging.getLogger("py4j").setLevel(logging.WARNING)  # it would tell of its end when nobody listens any more
        yield session
        session.stop()


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "x": pa.array(rng.normal(size=ROWS), mask=rng.random(ROWS) < 0.1),
            "n": rng.integers(0, 200, ROWS),
            "s": pa.array([f"k{k}" for k in rng.integers(0, 100, ROWS)]),
            "day": pa.array(np.datetime64("2024-01-01", "D") + rng.integers(0, 90, ROWS)),
        }
    )


@pytest.fixture(scope="module")
def frame(spark, table):
    """In seven partitions, one of which is empty."""
    return (
        spark.createDataFrame(table.to_pandas()).repartition(6).union(spark.createDataFrame(table.to_pandas()).limit(0))
    )


def test_partitions_merge_into_the_profile_of_all_rows(frame, table):
    """Order-free parts to the bit; quantiles to the bound of their sketch."""
    reference = lineal.profile(table).reference()
    whole = lineal.profile(frame.toArrow(), reference)

    def profiled(batches):
        yield pa.RecordBatch.from_pydict({"profile": [lineal.profile(batches, reference).to_bytes()]})

    found = [lineal.Profile.from_bytes(row.profile) for row in frame.mapInArrow(profiled, "profile binary").collect()]
    merged = reduce(lineal.Profile.merge, found)

    assert len(found) > 3
    assert merged.rows == ROWS
    for name, column in merged.columns.items():
        expected = whole.columns[name]
        assert (column.type, column.n, column.missing, column.min, column.max) == (
            expected.type,
            expected.n,
            expected.missing,
            expected.min,
            expected.max,
        )
        assert column.kmv.tolist() == expected.kmv.tolist()
        assert column.hist.counts.tolist() == expected.hist.counts.tolist()
        if name != "x":
            assert column.values.items == expected.values.items
    ordered = np.sort(table["x"].drop_null().to_numpy())
    ranks = np.searchsorted(ordered, merged.columns["x"].kll.quantiles(10), side="right") / len(ordered)
    assert ranks == pytest.approx(np.arange(1, 10) / 10, abs=0.01)


def test_partitions_of_pandas_and_a_tree_of_merges_will_do_too(frame):
    import pandas as pd

    def profiled(frames):
        yield pd.DataFrame({"profile": [lineal.profile(frames).to_bytes()]})

    merged = (
        frame.mapInPandas(profiled, "profile binary")
        .rdd.map(lambda row: lineal.Profile.from_bytes(row.profile))
        .treeReduce(lambda one, two: one.merge(two))
    )

    assert merged.rows == ROWS
    assert merged.columns["s"].distinct == 100


def test_sketches_that_spark_made_are_read_and_merged(spark, frame, table):
    """Spark 4.1 writes DataSketches' bytes from SQL."""
    from pyspark.errors import AnalysisException

    frame.createOrReplaceTempView("rows")
    try:
        data = spark.sql("select kll_sketch_agg_double(x, 400) as sketch from rows").first().sketch
    except AnalysisException as exc:
        pytest.skip(f"this Spark has no kll_sketch_agg_double: {exc}")
    ours = lineal.profile(table).columns["x"]

    theirs = kll_bytes.from_bytes(bytes(data))

    assert (theirs.n, theirs.min, theirs.max, theirs.k) == (ours.present, ours.min, ours.max, 400)
    assert theirs.merged(ours.kll).n == 2 * ours.present
    ordered = np.sort(table["x"].drop_null().to_numpy())
    ranks = np.searchsorted(ordered, theirs.quantiles(10), side="right") / len(ordered)
    assert ranks == pytest.approx(np.arange(1, 10) / 10, abs=0.02)


def test_spark_reads_sketches_that_we_made(spark, table):
    sketch = lineal.profile(table).columns["x"].kll
    given = spark.createDataFrame([(bytearray(kll_bytes.to_bytes(sketch)),)], "sketch binary")

    found = given.selectExpr(
        "kll_sketch_get_n_double(sketch) as n", "kll_sketch_get_quantile_double(sketch, 0.5D) as median"
    ).first()

    assert found.n == sketch.n
    assert found.median == pytest.approx(float(np.median(table["x"].drop_null().to_numpy())), abs=0.02)
