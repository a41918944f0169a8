"""Files in a bucket are profiled where they lie: the same profile as of the table, from a real S3 server."""

import lineal
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import s3

FRAME = pd.DataFrame({"amount": [1.5, 2.5, None, 4.0] * 100, "city": ["Oslo", "Bergen", "Oslo", None] * 100})


@pytest.fixture
def endpoint():
    with s3.s3_server() as address:
        yield address


@pytest.fixture
def day(endpoint, monkeypatch, tmp_path):
    """A folder of two files, here and in a bucket."""
    for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    s3.make_bucket(endpoint, "serving", locked=False)
    for at, half in enumerate((FRAME[:200], FRAME[200:])):
        file = tmp_path / f"{at}.parquet"
        pq.write_table(pa.Table.from_pandas(half, preserve_index=False), file)
        s3.client(endpoint).upload_file(str(file), "serving", f"day/{at}.parquet")
    return tmp_path


def test_a_folder_of_a_bucket_is_profiled_like_one_here(day):
    found = lineal.profile("s3://serving/day/")

    assert found == lineal.profile(day)
    assert (found.rows, found.columns["city"].nulls) == (400, 100)
