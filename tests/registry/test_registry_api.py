"""Models, versions, aliases, environments, policies and deployments over HTTP."""

import hashlib

import pytest

from core.access import Role
from registry.models import AliasChange, Deployment, Environment, Model, ModelVersion, PolicyRevision
from tracking.models import Artifact

pytestmark = pytest.mark.django_db

TOML = b'[[gate]]\nid = "auc"\nkind = "metric"\nexpr = "auc >= champion.auc - 0.002"\n'
YAML = b"gate:\n  - id: auc\n    kind: metric\n    expr: auc >= champion.auc - 0.002\n"


@pytest.fixture
def run(make_run, make_artifact, bob):
    """A run of Bob's with a folder of two files."""
    run = make_run(bob)
    make_artifact(run, "model/weights.bin", b"w")
    make_artifact(run, "model/config.json", b"{}")
    return run


def register(caller, source, *, model="fraud", **changes):
    return caller.post(f"models/{model}/versions", json={"run": source.uuid.hex, "artifact": "model"} | changes)


def test_version_is_registered_and_read_back(api, bob, run):
    """The model is made on the way; the answer has all that the contract names."""
    answer = register(api(bob), run, description="first", tags={"team": "risk"}, card={"intended_use": "scoring"})

    body = answer.json()
    assert answer.status_code == 201
    assert (body["model"], body["number"], body["run"]) == ("fraud", 1, run.uuid.hex)
    assert body["seal"] == {"number": 1, "digest": "sha256:" + "5" * 64}
    assert [file["path"] for file in body["manifest"]] == ["config.json", "weights.bin"]
    assert (body["tags"], body["card"]) == ({"team": "risk"}, {"intended_use": "scoring"})
    assert body["url"] == "/projects/default/models/fraud/versions/1"
    for ref in ("1", body["digest"]):
        assert api(bob).get(f"models/fraud/versions/{ref}").json() == body


def test_registering_the_same_again_is_ok_and_no_more(api, bob, run):
    first, again = register(api(bob), run), register(api(bob), run)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


def test_manifest_is_plain_text(api, bob, run):
    register(api(bob), run)

    answer = api(bob).get("models/fraud/versions/1/manifest")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().splitlines()[0].endswith("  config.json")


@pytest.fixture
def stored(home, run, api, bob):
    """Version 1, its files in the store."""
    from core.storage import get_store

    for content in (b"w", b"{}"):
        key = get_store().new_staging_key()
        get_store().write_part(key, 0, [content], max_bytes=100)
        get_store().publish(key, run.project.uuid, hashlib.sha256(content).hexdigest())
    register(api(bob), run)


def test_files_are_handed_out_as_the_manifest_has_them(api, bob, run, stored, make_artifact):
    """The run may have other bytes at that path by now; the version never does."""
    Artifact.objects.filter(run=run, path="model/weights.bin").delete()
    make_artifact(run, "model/weights.bin", b"other bytes")
    where = "models/fraud/versions/1/files"

    answer = api(bob).get(where, data={"path": "weights.bin"})

    assert b"".join(answer.streaming_content) == b"w"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    part = api(bob).get(where, data={"path": "config.json"}, headers={"Range": "bytes=1-"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"}")


@pytest.mark.parametrize(
    ("path", "status"),
    [("nothing", 404), ("../weights.bin", 422), ("/etc/passwd", 422), ("", 422), ("model/weights.bin", 404)],
)
def test_only_files_of_the_manifest_are_handed_out(api, bob, stored, path, status):
    assert api(bob).get("models/fraud/versions/1/files", data={"path": path}).status_code == status


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"run": "zz"}, 422, "id"),
        ({"run": "0" * 32}, 404, None),
        ({"artifact": "nothing"}, 404, None),
        ({"artifact": "../model"}, 422, "artifact"),
        ({"tags": {"": "x"}}, 422, "tags"),
        ({"tags": {"k": 5}}, 201, None),
        ({"tags": {"k": ["x"]}}, 422, "tags.k"),
        ({"tags": {f"k{n}": "" for n in range(201)}}, 422, "tags"),
        ({"card": [1]}, 422, "card"),
        ({"card": {"a": "nul \0 inside"}}, 422, "card"),
        ({"card": {"a": "x" * 300_000}}, 422, "card"),
        ({"card": {"a": "\\u0000 spelled out"}}, 201, None),
        ({"surprise": 1}, 422, "surprise"),
    ],
)
def test_registrations_that_cannot_be_change_nothing(api, bob, run, changes, status, field):
    answer = register(api(bob), run, **changes)

    assert answer.status_code == status
    assert field is None or field in [error["field"] for error in answer.json()["errors"]]
    assert ModelVersion.objects.exists() == (status == 201)


def test_run_of_another_project_is_as_missing(
    api, make_project, make_run, make_artifact, alice_account, alice, principal
):
    """Knowing a run's id is not having it."""
    other = make_project("other", admin=alice_account)
    caller = api(principal(alice_account))
    foreign = make_run(alice, of=other)
    make_artifact(foreign, "model/x", b"x")

    assert register(caller, foreign).status_code == 404
    assert not Model.objects.filter(project__name="default").exists()


def test_what_is_said_of_a_version_can_change(api, bob, run):
    register(api(bob), run, description="first")

    answer = api(bob).patch("models/fraud/versions/1", json={"tags": {"a": "b"}, "card": None})

    assert (answer.json()["tags"], answer.json()["card"], answer.json()["description"]) == ({"a": "b"}, None, "first")


def test_versions_are_listed_newest_first_with_their_names(api, bob, make_version, promote):
    first, _, third = make_version(), make_version(), make_version()
    promote(first)
    api(bob).put("models/fraud/aliases/challenger", json={"version": third.digest, "reason": "try"})

    page = api(bob).get("models/fraud/versions", data={"limit": 2}).json()
    rest = api(bob).get("models/fraud/versions", data={"limit": 2, "cursor": page["next_cursor"]}).json()

    assert [(each["number"], each["aliases"], each["environments"]) for each in page["items"] + rest["items"]] == [
        (3, ["challenger"], []),
        (2, [], []),
        (1, [], ["production"]),
    ]
    assert rest["next_cursor"] is None


def test_models_are_made_described_and_listed(api, bob):
    for name in ("b", "a", "c"):
        assert api(bob).post("models", json={"name": name}).status_code == 201
    assert api(bob).post("models", json={"name": "a"}).status_code == 409
    assert api(bob).patch("models/a", json={"description": "scores"}).json()["description"] == "scores"

    page = api(bob).get("models", data={"limit": 2}).json()

    assert [model["name"] for model in page["items"]] == ["a", "b"]
    assert page["items"][0]["latest_version"] is None
    assert [m["name"] for m in api(bob).get("models", data={"cursor": page["next_cursor"]}).json()["items"]] == ["c"]


def test_alias_is_set_moved_deleted_and_remembered(api, bob, make_version):
    make_version(), make_version()

    assert api(bob).put("models/fraud/aliases/best", json={"version": 1}).json()["version"] == 1
    api(bob).put("models/fraud/aliases/best", json={"version": 2, "reason": "better"})
    assert [a["alias"] for a in api(bob).get("models/fraud/aliases").json()["items"]] == ["best"]
    assert api(bob).delete("models/fraud/aliases/best?reason=done").status_code == 204

    history = api(bob).get("models/fraud/aliases/best/history").json()["items"]
    assert [(h["previous"], h["version"], h["reason"]) for h in history] == [
        (2, None, "done"),
        (1, 2, "better"),
        (None, 1, ""),
    ]


def test_alias_of_an_environment_points_to_promotion(api, bob, make_version):
    make_version()

    answer = api(bob).put("models/fraud/aliases/production", json={"version": 1})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/alias-is-environment")
    assert "promote" in answer.json()["detail"]
    assert not AliasChange.objects.exists()


def test_environments_are_there_when_first_listed(api, make_member, project):
    """Even if no worker has run since the project was made, and the caller may only read."""
    vera = make_member("vera", Role.VIEWER)
    Environment.objects.all().delete()

    items = api(vera).get("environments").json()["items"]

    assert [(e["name"], e["protected"], e["policy"]) for e in items] == [
        ("dev", False, None),
        ("staging", False, None),
        ("production", True, None),
    ]


def test_new_project_gets_environments_by_itself(make_project, run_jobs):
    other = make_project("other")
    run_jobs()

    assert Environment.objects.filter(project=other).count() == 3


def test_environment_is_made_by_a_maintainer(api, bob, alice, make_version):
    make_version()
    body = {"name": "canary", "position": 25, "protected": True}

    assert api(bob).post("environments", json=body).status_code == 403
    assert api(alice).post("environments", json=body).status_code == 201
    assert api(alice).post("environments", json=body).status_code == 409
    page = api(bob).get("models/fraud/environments", data={"limit": 3}).json()
    rest = api(bob).get("models/fraud/environments", data={"cursor": page["next_cursor"]}).json()
    assert [slot["environment"] for slot in page["items"] + rest["items"]] == ["dev", "staging", "production", "canary"]


@pytest.mark.parametrize(("content_type", "body"), [("application/toml", TOML), ("application/yaml", YAML)])
def test_policy_is_put_in_several_languages(api, alice, content_type, body):
    answer = api(alice).request("PUT", "policies/gates?reason=agreed", data=body, content_type=content_type)

    assert answer.status_code == 201
    document = answer.json()["document"]
    assert document == {
        "gate": [{"id": "auc", "kind": "metric", "expr": "auc >= champion.auc - 0.002", "champion_absent": "pass"}]
    }
    again = api(alice).put("policies/gates", json=document)
    assert (again.status_code, again.json()["revision"], again.json()["sha256"]) == (200, 1, answer.json()["sha256"])


def test_new_wording_is_a_new_revision_and_the_old_stays(api, alice, bob):
    for limit in ("0.8", "0.9"):
        body = TOML.replace(b"champion.auc - 0.002", limit.encode())
        api(alice).request("PUT", "policies/gates", data=body, content_type="application/toml")

    revisions = api(bob).get("policies/gates/revisions").json()["items"]

    assert [revision["revision"] for revision in revisions] == [2, 1]
    assert api(bob).get("policies/gates").json() == revisions[0]
    assert [policy["name"] for policy in api(bob).get("policies").json()["items"]] == ["gates"]


def test_policy_with_mistakes_is_refused_with_all_of_them(api, alice):
    answer = api(alice).post(
        "policies", json={"name": "gates", "document": {"gate": [{"id": "a", "kind": "metric", "expr": "1 +"}, {}]}}
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/policy-invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["gate.0.expr", "gate.1.id", "gate.1.kind"]
    assert not PolicyRevision.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/toml", b"= broken", 400),
        ("application/yaml", b"a: [", 400),
        ("application/json", b"{", 400),
        ("text/plain", TOML, 415),
        ("application/toml", b"#" * 300_000, 413),
    ],
)
def test_bodies_that_are_no_policy_get_their_status(api, alice, content_type, body, status):
    assert api(alice).request("PUT", "policies/gates", data=body, content_type=content_type).status_code == status


def test_policy_is_bound_to_an_environment_and_freed(api, alice, bob):
    api(alice).request("PUT", "policies/gates", data=TOML, content_type="application/toml")
    where = "environments/production/policy"

    assert api(bob).put(where, json={"policy": "gates", "reason": "x"}).status_code == 403
    assert api(alice).put(where, json={"policy": "gates", "reason": "rules"}).json()["policy"] == "gates"
    assert api(alice).put(where, json={"policy": "ghost", "reason": "x"}).status_code == 404
    assert api(alice).put(where, json={"policy": None, "reason": "x"}).json()["policy"] is None
    assert api(alice).put(where, json={"policy": None}).status_code == 422


def test_deployments_are_reported_listed_and_ended(api, bob, make_version, promote):
    version = make_version()
    promote(version)
    body = {"model": "fraud", "version": version.digest, "environment": "production", "target": "eu/fraud"}

    answer = api(bob).post("deployments", json=body)
    again = api(bob).post("deployments", json=body)

    assert (answer.status_code, again.status_code) == (201, 200)
    assert answer.json() == again.json()
    assert (answer.json()["matches_slot"], answer.json()["live"]) == (True, True)
    where = f"deployments/{answer.json()['id']}"
    assert api(bob).post(f"{where}/end", json={"reason": "scaled down"}).json()["live"] is False
    assert api(bob).get("deployments", data={"live": "true"}).json()["items"] == []
    assert [d["id"] for d in api(bob).get("deployments", data={"model": "fraud"}).json()["items"]] == [
        answer.json()["id"]
    ]


def test_what_runs_stops_matching_when_another_is_promoted(api, bob, make_version, promote):
    first, second = make_version(), make_version()
    promote(first)
    api(bob).post(
        "deployments", json={"model": "fraud", "version": 1, "environment": "production", "target": "eu/fraud"}
    )
    promote(second)

    (deployment,) = api(bob).get("deployments").json()["items"]

    assert deployment["matches_slot"] is False


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"model": "ghost"}, 404),
        ({"version": 9}, 404),
        ({"environment": "moon"}, 404),
        ({"target": ""}, 422),
        ({"target": "a\0b"}, 422),
        ({"traffic_share": 1.5}, 422),
        ({"traffic_share": "NaN"}, 422),
        ({"observed_at": "yesterday"}, 422),
        ({"observed_at": "2999-01-01T00:00:00Z"}, 422),
    ],
)
def test_reports_that_cannot_be_are_refused(api, bob, make_version, changes, status):
    make_version()
    body = {"model": "fraud", "version": 1, "environment": "production", "target": "eu"} | changes

    assert api(bob).post("deployments", json=body).status_code == status
    assert not Deployment.objects.exists()


def test_names_that_databases_choke_on_are_missing_and_no_crash(api, bob, make_version):
    make_version()
    for path in (
        "models/a%00b",
        "models/fraud/versions/a%00b",
        "models/fraud/aliases/a%00b/history",
        "models/fraud/environments/a%00b/history",
        "environments/a%00b",
        "policies/a%00b",
        "promotions?model=a%00b",
        "deployments?target=a%00b",
        "lineage/trace?of=model:a%00b",
    ):
        assert api(bob).get(path).status_code in (404, 422), path


MALLORYS = [
    ("GET", "models", None),
    ("POST", "models", {"name": "hers"}),
    ("GET", "models/fraud", None),
    ("PATCH", "models/fraud", {"description": "x"}),
    ("GET", "models/fraud/versions", None),
    ("POST", "models/fraud/versions", {"run": "0" * 32, "artifact": "m"}),
    ("GET", "models/fraud/versions/1", None),
    ("PATCH", "models/fraud/versions/1", {"description": "x"}),
    ("GET", "models/fraud/versions/1/manifest", None),
    ("GET", "models/fraud/versions/1/files?path=model.bin", None),
    ("POST", "models/fraud/versions/1/retire", {"reason": "x"}),
    ("POST", "models/fraud/versions/1/quarantine", {"reason": "x"}),
    ("GET", "models/fraud/aliases", None),
    ("PUT", "models/fraud/aliases/hers", {"version": 1}),
    ("DELETE", "models/fraud/aliases/hers", None),
    ("GET", "models/fraud/aliases/hers/history", None),
    ("GET", "models/fraud/environments", None),
    ("GET", "models/fraud/environments/dev/history", None),
    ("GET", "environments", None),
    ("POST", "environments", {"name": "hers", "position": 1}),
    ("GET", "environments/dev", None),
    ("PUT", "environments/dev/policy", {"policy": None, "reason": "x"}),
    ("GET", "policies", None),
    ("POST", "policies", {"name": "hers", "document": {}}),
    ("GET", "policies/gates", None),
    ("PUT", "policies/gates", {"gate": []}),
    ("GET", "policies/gates/revisions", None),
    ("GET", "deployments", None),
    ("POST", "deployments", {"model": "fraud", "version": 1, "environment": "dev", "target": "x"}),
    ("GET", "lineage/trace?of=model:fraud", None),
]


@pytest.mark.parametrize(("verb", "path", "body"), MALLORYS, ids=[f"{verb} {path}" for verb, path, _ in MALLORYS])
def test_mallory_finds_nothing(api, mallory, alice, make_version, recorded_actions, verb, path, body):
    """Every route answers as if the project were not there, and leaves things as they were."""
    make_version()
    before = Model.objects.values_list("name", "description"), ModelVersion.objects.values_list("lifecycle")
    before = [list(rows) for rows in before]

    assert api(mallory).request(verb, path, json=body).status_code == 404
    assert api(None).request(verb, path, json=body).status_code == 401

    after = Model.objects.values_list("name", "description"), ModelVersion.objects.values_list("lifecycle")
    assert [list(rows) for rows in after] == before
