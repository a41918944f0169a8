"""From bytes to production and back, over HTTP and through the workers' jobs: what the rest of this folder tests in parts."""

import hashlib

import pytest

from audit.testing import sequence_now
from core.access import Role

pytestmark = pytest.mark.django_db

WEIGHTS = b"weights" * 1_000
DATA = "sha256:" + "1" * 64
POLICY = b"""
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"
dataset = "holdout"
[[gate]]
id = "line"
kind = "lineage"
require = ["data", "code"]
[[gate]]
id = "bytes"
kind = "integrity"
[[gate]]
id = "four-eyes"
kind = "approval"
"""


@pytest.fixture
def train(api, bob):
    """A run over HTTP, registered while it is still open; the version."""

    def run(auc, content):
        caller = api(bob)
        made = caller.post("runs", json={"experiment": "churn", "code": {"commit": "1a2b3c4d" * 5, "dirty": False}})
        assert made.status_code == 201, made.content
        where = f"runs/{made.json()['id']}"
        uses = [{"name": "holdout", "digest": DATA, "kind": "file", "strength": "content", "context": "eval"}]
        batch = {
            "writer": "0" * 31 + "1",
            "sequence": 1,
            "metrics": [{"key": "auc", "steps": [1], "times": [1], "values": [auc]}],
            "inputs": uses,
        }
        assert caller.post(f"{where}/batches", json=batch).status_code == 200
        digest = hashlib.sha256(content).hexdigest()
        files = [{"path": "model.bin", "size": len(content), "sha256": digest}]
        (wanted,) = caller.post(f"{where}/artifacts", json={"files": files}).json()["files"]
        url = wanted["upload"]["url"]
        sent = caller.request("PUT", f"{url}?offset=0", data=content, content_type="application/octet-stream")
        assert sent.json() == {"offset": len(content)}, sent.content
        assert caller.post(f"{url}/commit").status_code == 200
        version = caller.post("models/churn/versions", json={"run": made.json()["id"], "artifact": "model.bin"}).json()
        assert version["seal"] is None
        assert caller.post(f"{where}/finish", json={"status": "finished"}).status_code == 200
        return version

    return run


def test_from_data_to_production_and_back(home, train, api, alice, bob, make_member, run_jobs):
    carol, caller = make_member("carol", Role.APPROVER), api(bob)
    api(alice).request("PUT", "policies/gates", data=POLICY, content_type="application/toml")
    api(alice).put("environments/production/policy", json={"policy": "gates", "reason": "from now on"})
    first = train(0.93, WEIGHTS)
    run_jobs()

    read = caller.get(f"models/churn/versions/{first['digest']}").json()
    assert (read["lifecycle"], read["seal"]["number"]) == ("verified", 1)

    wish = {"version": first["digest"], "environment": "production", "reason": "first one", "expect_current": "none"}
    asked = caller.post("models/churn/promotions", json=wish).json()
    assert asked["decision"] == "waiting", asked
    assert {gate["id"]: gate["status"] for gate in asked["gates"]} == {
        "auc": "pass",
        "line": "pass",
        "bytes": "pass",
        "four-eyes": "waiting",
    }
    word = {"decision": "approve", "reason": "holds up", "digest": first["digest"]}
    assert api(carol).post(f"promotions/{asked['id']}/approvals", json=word).json()["decision"] == "promoted"

    sequence_now()
    deadline_free_jobs(run_jobs)
    done = caller.get(f"promotions/{asked['id']}").json()
    assert done["receipt"]["status"] == "issued"
    assert done["lineage"]["datasets"] == [DATA]

    report = {"model": "churn", "version": first["digest"], "environment": "production", "target": "eu/churn"}
    assert caller.post("deployments", json=report).json()["matches_slot"] is True
    reached = caller.get(
        "lineage/impact", data={"of": f"dataset:holdout@{DATA}", "kinds": "deployment", "live": "true"}
    )
    assert [node["target"] for node in reached.json()["nodes"]] == ["eu/churn"]
    line = caller.get("lineage/trace", data={"of": "model:churn@production"}).json()
    assert (line["weakest_strength"], line["truncated"]) == ("content", False)

    worse = train(0.5, b"other weights")
    run_jobs()
    lost = caller.post(
        "models/churn/promotions", json=wish | {"version": worse["number"], "expect_current": None}
    ).json()
    assert (lost["decision"], lost["exit_code"]) == ("gate_failed", 20)


def deadline_free_jobs(run_jobs):
    """Run what is due, and what asked to come a moment later."""
    from core.clock import now
    from core.models import Job

    run_jobs()
    Job.objects.filter(done_at=None).update(due_at=now())
    run_jobs()
