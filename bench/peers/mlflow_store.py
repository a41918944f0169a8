"""Rows straight into MLflow's database, in its own schema: what its client would take hours to log."""

import csv
import io
import itertools
import random
import sqlite3
import uuid

import sqlalchemy

CHUNK = 50_000  # rows
RUNS = (
    "run_uuid",
    "name",
    "source_type",
    "source_name",
    "entry_point_name",
    "user_id",
    "status",
    "start_time",
    "end_time",
    "source_version",
    "lifecycle_stage",
    "artifact_uri",
    "experiment_id",
)
POINTS = ("run_uuid", "key", "value", "timestamp", "step", "is_nan")
PAIRS = ("run_uuid", "key", "value")


class Store:
    """`url` is SQLAlchemy's, as given to the server. All is committed on leaving, or nothing."""

    def __init__(self, url):
        self._engine = sqlalchemy.create_engine(url)
        self._raw = self._engine.raw_connection()

    def __enter__(self):
        return self

    def __exit__(self, kind, exc, trace):
        if kind is None:
            self._raw.commit()
            self._settle()
        self._raw.close()
        self._engine.dispose()

    def add_points(self, run, key, values, began_ms):
        rows = ((run, key, value, began_ms + step, step, False) for step, value in enumerate(values))
        self._add("metrics", POINTS, rows)
        last = len(values) - 1
        self._add("latest_metrics", POINTS, [(run, key, values[last], began_ms + last, last, False)])

    def add_runs(self, experiment, count, began_ms):
        """Runs with twenty params, twenty metrics and five tags. The ids that match what the search asks for, in its order."""
        chance = random.Random(7)
        runs, params, metrics, tags, matching = [], [], [], [], []
        for number in range(count):
            run = uuid.UUID(int=chance.getrandbits(128)).hex
            ours = {f"p{at}": f"v{chance.randrange(10)}" for at in range(20)}
            values = {f"m{at}": chance.random() for at in range(20)}
            start = began_ms + number * 1_000
            runs.append(
                (
                    *(run, f"run {number}", "LOCAL", "train.py", "", "bench", "FINISHED", start, start + 500),
                    *("", "active", f"mlflow-artifacts:/{experiment}/{run}/artifacts", experiment),
                )
            )
            params += [(run, key, value) for key, value in ours.items()]
            metrics += [(run, key, value, start, 0, False) for key, value in values.items()]
            tags += [(run, f"t{at}", f"w{number % 7}") for at in range(5)]
            if values["m3"] > 0.5 and ours["p2"] == "v3":
                matching.append((values["m1"], run))
        self._add("runs", RUNS, runs)
        self._add("params", PAIRS, params)
        self._add("metrics", POINTS, metrics)
        self._add("latest_metrics", POINTS, metrics)
        self._add("tags", PAIRS, tags)
        return [run for _, run in sorted(matching, reverse=True)]

    def _add(self, table, columns, rows):
        rows = iter(rows)
        while part := list(itertools.islice(rows, CHUNK)):
            self._add_part(table, columns, part)

    def _add_part(self, table, columns, rows):
        cursor = self._raw.cursor()
        if self._is_sqlite():
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows
            )
        else:
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            text.seek(0)
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv)", text)
        cursor.close()

    def _settle(self):
        """Statistics for the planner, which PostgreSQL would have taken by and by. SQLite takes none by itself."""
        if self._is_sqlite():
            return
        cursor = self._raw.cursor()
        cursor.execute("ANALYZE")
        cursor.close()
        self._raw.commit()

    def _is_sqlite(self):
        return isinstance(self._raw.driver_connection, sqlite3.Connection)
