"""The whole way, with a real server, its workers and its clock: trained, promoted, watched, drifted, told."""

import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import lineal
import numpy as np
import pandas as pd
import pytest
from lineal._profiles.reference import Reference
from lineal.cli.server import Server

pytestmark = pytest.mark.server
PATIENCE_S = 90  # the beat closes windows every twenty seconds


def customers(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"amount": rng.normal(shift, 1, n), "country": rng.choice(["de", "fr"], n)})


def wait_for(look):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("nothing was found in time")


@pytest.mark.slow
def test_from_training_to_an_alert(server, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_URL", server.url)
    monkeypatch.setenv("LINEAL_TOKEN", server.token)
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "spool"))
    (tmp_path / "model.bin").write_bytes(b"weights")
    with lineal.start_run("watch") as run:
        run.use_dataset("train", customers(20_000, 0))
        run.log_artifact(tmp_path / "model.bin")
    version = lineal.register("watched", run, artifact="model.bin")
    lineal.promote("watched", version.digest, to="dev", reason="first")
    rest = Server(url=server.url)

    question = rest.get("models/watched/environments/dev/monitor")
    assert question["version"]["digest"] == version.digest
    reference = Reference.from_json(rest.get(f"monitors/{question['id']}/reference"))
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    profile = lineal.profile(customers(3_000, 1, shift=2.0), reference)
    part = {
        "part": str(uuid4()),
        "start": day.isoformat(),
        "end": (day + timedelta(hours=1)).isoformat(),
        "profile": b64encode(profile.to_bytes()).decode(),
    }
    rest.post(f"monitors/{question['id']}/profiles", part)

    (alert,) = wait_for(lambda: list(rest.items("alerts", limit=10)))
    (window,) = rest.items(f"monitors/{question['id']}/windows", limit=10)

    assert (alert["kind"], alert["columns"], alert["severity"]) == ("drift", ["amount"], "critical")
    assert alert["version"]["digest"] == version.digest
    assert (window["state"], window["evaluation"]["state"]) == ("evaluated", "critical")
