"""`lineal profile`: a table for people, bytes and JSON for programs, and one plain line for what cannot be read."""

import json

import lineal as client
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

ROWS = 1_000


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "amount": np.arange(ROWS, dtype=np.float64),
            "country": pa.array([None if k % 4 == 0 else "DE" for k in range(ROWS)]),
            "at": pa.array(np.datetime64("2024-01-01", "s") + np.arange(ROWS) * np.timedelta64(1, "m")),
            "said": rng.integers(0, 2, ROWS),
            "was": rng.integers(0, 2, ROWS),
        }
    )


@pytest.fixture
def file(table, tmp_path):
    pq.write_table(table, tmp_path / "t.parquet")
    return str(tmp_path / "t.parquet")


def test_columns_are_shown_as_a_table(lineal, file):
    result = lineal("profile", file)

    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert list(lines) == ["COLUMN", "amount", "country", "at", "said", "was"]
    assert lines["amount"] == ["amount", "f64", "-", "1000", "499.5", "0", "249", "499", "749", "999", "-"]
    assert lines["country"][:5] == ["country", "utf8", "25%", "1", "-"]
    assert lines["country"][-2:] == ["DE", "100%"]
    assert lines["at"][5] == "2024-01-01T00:00:00"
    assert "1,000 rows, 5 columns" in result.stderr


def test_a_strict_table_shows_no_values(lineal, file):
    result = lineal("profile", file, "--privacy", "strict")

    assert result.stdout.split()[:5] == ["COLUMN", "TYPE", "MISSING", "DISTINCT", "MEAN"]
    assert "DE" not in result.stdout
    assert "strict: no values" in result.stderr


def test_json_is_the_document(lineal, file, table):
    result = lineal("profile", file, "--json")

    assert client.Profile.from_json(json.loads(result.stdout)) == client.profile(table)


def test_out_keeps_the_profile(lineal, file, table, tmp_path):
    out = tmp_path / "kept.lineal-profile"

    kept, piped = lineal("profile", file, "--out", str(out)), lineal("profile", file, "--out", "-")

    assert client.Profile.from_bytes(out.read_bytes()) == client.profile(table)
    assert piped.stdout_bytes == out.read_bytes()
    assert f"kept in {out}" in kept.stderr
    assert kept.stdout.startswith("COLUMN")


def test_predictions_and_labels_are_judged(lineal, file, table):
    result = lineal("profile", file, "--predictions", "said", "--labels", "was")

    hits = (table["said"].to_numpy() == table["was"].to_numpy()).mean()
    assert "i64 (prediction)" in result.stdout
    assert f"1,000 of 1,000 predictions have labels: accuracy {hits:.6g}" in result.stderr


def test_numbers_are_judged_by_their_error(lineal, tmp_path):
    pq.write_table(pa.table({"p": [1.5, 2.5], "y": [1.0, None]}), tmp_path / "t.parquet")

    result = lineal("profile", str(tmp_path / "t.parquet"), "--predictions", "p", "--labels", "y")

    assert "1 of 2 predictions have labels: mean absolute error 0.5" in result.stderr


def test_kept_profiles_are_shown_and_merged(lineal, file, table, tmp_path):
    for name in "ab":
        lineal("profile", file, "--out", str(tmp_path / f"{name}.lineal-profile"))

    result = lineal("profile", str(tmp_path / "a.lineal-profile"), str(tmp_path / "b.lineal-profile"), "--json")

    assert json.loads(result.stdout)["rows"] == 2 * ROWS


@pytest.mark.parametrize("form", ["reference", "profile"])
def test_a_reference_is_counted_over(lineal, file, table, tmp_path, form):
    """As the server hands it out, or the baseline itself."""
    baseline = client.profile(table)
    given = tmp_path / "reference"
    given.write_bytes(baseline.to_bytes() if form == "profile" else json.dumps(baseline.reference().to_json()).encode())

    result = lineal("profile", file, "--reference", str(given), "--json")

    hist = json.loads(result.stdout)["columns"]["amount"]["hist"]
    assert (hist["id"], "edges" in hist) == (baseline.columns["amount"].hist.id, False)


@pytest.mark.parametrize("content", [bytes(range(16)), bytes(range(16)).hex().encode() + b"\n"])
def test_a_key_is_read_from_a_file(lineal, file, table, tmp_path, content):
    (tmp_path / "key").write_bytes(content)

    result = lineal("profile", file, "--key-file", str(tmp_path / "key"), "--json")

    assert json.loads(result.stdout)["key"] == client.profile(table, key=bytes(range(16))).key


def test_csv_is_read_too(lineal, table, tmp_path):
    csv.write_csv(table, tmp_path / "t.csv")

    assert "1,000 rows, 5 columns" in lineal("profile", str(tmp_path / "t.csv")).stderr


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["absent.parquet"], 1, "there is no file absent.parquet"),
        (["{file}", "--predictions", "absent"], 1, "there is no column 'absent'"),
        (["{file}", "--reference", "{junk}"], 1, "not a JSON document"),
        (["{file}", "--reference", "absent.json"], 1, "absent.json: No such file"),
        (["{junk}"], 1, "neither Parquet nor CSV"),
        (["{broken}"], 1, "broken.lineal-profile: not a profile"),
        (["{file}", "--key-file", "{junk}"], 2, "16 bytes or 32 hex digits"),
        (["{file}", "--out", "-", "--json"], 2, "only one of them can have stdout"),
        (["{file}", "--privacy", "none"], 2, "'none' is not one of"),
        ([], 2, "FILES"),
    ],
)
def test_what_cannot_be_done_is_one_plain_line(lineal, file, tmp_path, args, code, words):
    (tmp_path / "junk").write_text("nothing of the kind")
    (tmp_path / "broken.lineal-profile").write_text("nothing of the kind")
    places = {"file": file, "junk": tmp_path / "junk", "broken": tmp_path / "broken.lineal-profile"}

    result = lineal("profile", *(arg.format(**places) for arg in args))

    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_name_cannot_steer_the_terminal(lineal, tmp_path):
    pq.write_table(pa.table({"x\x1b[2J": ["\x1b]0;owned\x07"]}), tmp_path / "t.parquet")

    result = lineal("profile", str(tmp_path / "t.parquet"))

    assert "\x1b" not in result.stdout
    assert result.exit_code == 0
