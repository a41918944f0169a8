"""Routes of deletions, holds, usage and sweeps, and the acts below runs, experiments, models and versions."""

import pytest

from core.access import Role
from retention import usage
from tests.retention.conftest import store_file
from tracking import services


def test_a_dry_run_and_the_act_take_the_same_body(make_run, api, alice):
    runs = [make_run(loss=9.0) for _ in range(2)]
    body = {"kind": "run", "act": "delete", "filter": "metrics.loss > 3", "reason": "smoke"}
    as_alice = api(alice)

    plan = as_alice.post("deletions", json={**body, "dry_run": True})
    assert plan.status_code == 200
    assert [item["id"] for item in plan.json()["items"]] == [run.uuid.hex for run in runs]
    assert (plan.json()["done"], plan.json()["points"]) == (2, 4)

    answer = as_alice.post("deletions", json=body)
    assert answer.status_code == 201
    found = as_alice.get(f"deletions/{answer.json()['id']}").json()
    assert (found["state"], found["done"], found["reason"]) == ("done", 2, "smoke")
    items = as_alice.get(f"deletions/{found['id']}/items?outcome=done&limit=1").json()
    assert items["next_cursor"]
    assert as_alice.get("deletions").json()["items"][0]["id"] == found["id"]


def test_a_run_is_put_away_act_by_act(make_run, api, alice):
    run = make_run()
    at = f"runs/{run.uuid.hex}"
    as_alice = api(alice)

    deleted = as_alice.post(f"{at}/delete", json={"reason": "x"}).json()
    assert deleted["lifecycle"] == "deleted"
    assert deleted["purge_at"] > deleted["deleted_at"]
    assert as_alice.post(f"{at}/batches", json={"writer": "0" * 32, "sequence": 1}).status_code == 409
    gone = as_alice.post(f"{at}/purge", json={"reason": "old"}).json()
    assert (gone["lifecycle"], gone["purged"]["by"], gone["purged"]["reason"]) == ("purged", "alice", "old")
    late = as_alice.post(f"{at}/batches", json={"writer": "0" * 32, "sequence": 1})
    assert (late.status_code, late.json()["type"]) == (410, "/problems/run-purged")
    assert "by alice: old" in late.json()["detail"]
    assert as_alice.get(at).json()["lifecycle"] == "purged"
    assert as_alice.get(f"{at}/series?key=loss").status_code in (200, 404)


def test_what_is_held_answers_409_with_what_holds_it(make_version, promote, api, alice):
    version = make_version()
    promote(version)
    run = version.run.uuid.hex

    for path in (f"runs/{run}/delete", "models/churn/versions/1/delete", "models/churn/delete"):
        answer = api(alice).post(path, json={})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/held")
        assert "churn v1 holds dev" in answer.json()["holds"]
    assert api(alice).delete(f"runs/{run}").status_code == 409
    assert api(alice).delete("experiments/churn").status_code == 409
    held = api(alice).get(f"held?kind=run&id={run}").json()
    assert held == {
        "kind": "run",
        "id": run,
        "held": True,
        "by": ["churn v1 was registered from it", "churn v1 holds dev"],
    }


def test_holds_are_put_listed_and_lifted(make_run, api, alice):
    run = make_run()
    as_alice = api(alice)

    hold = as_alice.post("holds", json={"kind": "run", "id": run.uuid.hex, "reason": "lawsuit"}).json()
    assert [each["id"] for each in as_alice.get("holds").json()["items"]] == [hold["id"]]
    assert as_alice.post(f"holds/{hold['id']}/lift", json={"reason": "settled"}).json()["lift_reason"] == "settled"
    assert as_alice.get("holds").json()["items"] == []
    assert [each["id"] for each in as_alice.get("holds?lifted=true").json()["items"]] == [hold["id"]]
    assert as_alice.get(f"holds/{hold['id']}").json()["placed_by"] == "alice"


def test_versions_and_models_are_listed_from_the_bin_on_demand(make_version, api, alice):
    make_version()
    as_alice = api(alice)
    as_alice.post("models/churn/versions/1/delete", json={})

    assert as_alice.get("models/churn/versions").json()["items"] == []
    assert [each["number"] for each in as_alice.get("models/churn/versions?deleted=true").json()["items"]] == [1]
    as_alice.post("models/churn/versions/1/purge", json={"reason": "old"})
    found = as_alice.get("models/churn/versions/1").json()
    assert (found["manifest"], found["purged"]["reason"]) == ([], "old")
    for path in ("manifest", "files?path=model.bin"):
        assert as_alice.get(f"models/churn/versions/1/{path}").status_code == 410
    as_alice.post("models/churn/delete", json={})
    assert [each["name"] for each in as_alice.get("models?deleted=true").json()["items"]] == ["churn"]
    assert as_alice.get("models").json()["items"] == []
    assert as_alice.post("models/churn/purge", json={}).json()["purged"]["by"] == "alice"


def test_usage_counts_each_thing_once_and_the_bin_apart(make_run, make_version, api, alice, project):
    first, second, binned, gone = (make_run() for _ in range(4))
    store_file(first, "a", b"12345")
    store_file(second, "b", b"12345")
    store_file(binned, "c", b"123")
    store_file(gone, "d", b"1")
    make_version(content=b"1234567")
    services.archive_run(run=second, actor=alice)
    for run in (binned, gone):
        services.delete_run(run=run, actor=alice)
    services.purge_run(run=gone, actor=alice)
    services.empty_purged()

    (found,) = api(alice).get("usage?project=default").json()

    assert (found["runs"], found["archived_runs"], found["bin_runs"]) == (3, 1, 1)
    assert (found["points"], found["series"]) == (8, 4)
    assert found["metric_bytes"] > 0
    assert (found["files"], found["file_bytes"]) == (4, 20)
    assert (found["objects"], found["object_bytes"]) == (4, 16)
    assert (found["bin_bytes"], found["reclaimable_objects"], found["reclaimable_bytes"]) == (3, 1, 1)
    assert (found["models"], found["versions"], found["experiments"]) == (1, 1, 1)


def test_usage_is_kept_for_a_minute_and_takes_few_queries(
    make_run, api, alice, later, make_project, django_assert_max_num_queries
):
    projects = [make_project(f"p{number}") for number in range(20)]
    make_run()
    with django_assert_max_num_queries(20):
        usage.usage_of([project.pk for project in projects])
    as_alice = api(alice)
    assert as_alice.get("usage?project=default").json()[0]["runs"] == 1

    make_run()
    assert as_alice.get("usage?project=default").json()[0]["runs"] == 1
    later(61)
    assert as_alice.get("usage?project=default").json()[0]["runs"] == 2


def test_usage_shows_members_their_projects_and_an_owner_all(make_run, make_project, make_account, principal, api, bob):
    make_run(of=make_project("fraud"))
    owner = principal(make_account("olga", is_server_admin=True))

    assert [each["project"] for each in api(bob).get("usage").json()] == ["default"]
    assert [each["project"] for each in api(owner).get("usage").json()] == ["default", "fraud"]
    assert api(bob).get("usage?project=fraud").status_code == 404


def test_usage_is_for_tokens_that_may_read(make_run, api, alice):
    make_run()
    narrow, reader = api(alice, scopes=("log",)), api(alice, scopes=("read",))

    assert narrow.get("usage").json() == []
    assert narrow.get("usage", data={"project": "default"}).status_code == 403
    assert [each["project"] for each in reader.get("usage").json()] == ["default"]


def test_a_sweep_is_tried_dry_started_and_followed(make_run, api, alice, run_jobs, settings):
    settings.SWEEP_GRACE_HOURS = 0
    run = make_run()
    store_file(run, "a", b"12345")
    services.delete_run(run=run, actor=alice)
    services.purge_run(run=run, actor=alice)
    run_jobs()
    as_alice = api(alice)

    assert as_alice.post("sweeps", json={"dry_run": True}).json()["waiting_bytes"] == 5
    started = as_alice.post("sweeps", json={})
    assert started.status_code == 202
    run_jobs()
    assert as_alice.get(f"sweeps/{started.json()['id']}").json()["marked"] == 1
    plan = as_alice.post("sweeps", json={"dry_run": True}).json()
    assert (plan["due"], plan["due_bytes"], plan["waiting"]) == (1, 5, 0)
    as_alice.post("sweeps", json={})
    run_jobs()
    assert as_alice.get("sweeps").json()["items"][0]["deleted"] == 1


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.MAINTAINER], ids=["contributor", "maintainer"])
def test_a_sweep_is_an_administrators(api, make_member, role):
    assert api(make_member("carl", role)).post("sweeps", json={}).status_code == 403


def test_an_empty_filter_is_no_selection(api, alice, make_run):
    """A script whose variable was never set must not delete everything."""
    make_run()

    assert api(alice).post("deletions", json={"kind": "run", "act": "delete", "filter": ""}).status_code == 422
