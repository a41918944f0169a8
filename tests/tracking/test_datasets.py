"""Dataset versions: the same bytes are the same version, and every use is in the lineage."""

import pytest

from core import events
from core.errors import Invalid
from lineage import selectors as lineage
from lineage.models import Edge, Node
from tracking import selectors, services
from tracking.models import Dataset, DatasetVersion, Run, RunInput, RunOutput
from tracking.uses import DatasetUse

INPUT, OUTPUT = services.Direction.INPUT, services.Direction.OUTPUT
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def content(digest=A, name="train", **more):
    return DatasetUse(name=name, digest=digest, strength="content", kind="file", **more)


def test_the_same_bytes_are_the_same_version(make_run):
    first, second = make_run(), make_run()

    services.record_datasets(run=first, uses=[content(rows=10)], direction=INPUT)
    services.record_datasets(run=second, uses=[content(), content(B)], direction=INPUT)

    assert Dataset.objects.count() == 1
    assert DatasetVersion.objects.count() == 2
    assert [use.digest for use in selectors.inputs_of([second.pk])] == [A, B]


def test_a_declared_digest_does_not_pass_for_a_computed_one(make_run):
    run = make_run()

    services.record_datasets(
        run=run, uses=[content(), DatasetUse(name="train", digest=A, strength="declared")], direction=INPUT
    )

    assert set(DatasetVersion.objects.values_list("digest", "strength")) == {(A, "content"), (A, "declared")}


def test_a_use_again_is_one_use_and_another_purpose_another(make_run):
    run = make_run()

    services.record_datasets(
        run=run, uses=[content(context="train"), content(context="train"), content(context="eval")], direction=INPUT
    )

    assert list(RunInput.objects.order_by("id").values_list("context", flat=True)) == ["train", "eval"]
    assert Edge.objects.filter(kind="used").count() == 1


def test_a_use_is_upstream_of_the_run(make_run, project):
    run = make_run()
    services.record_datasets(run=run, uses=[content()], direction=INPUT)

    (start,) = lineage.resolve(project, f"run:{run.uuid.hex}")
    graph = lineage.trace(starts=[start])

    assert {node.kind for node in graph.nodes} >= {"run", "dataset_version"}
    assert graph.weakest_strength == "content"


@pytest.mark.parametrize(
    "use",
    [
        content(digest=None),
        content(digest="sha256:" + "A" * 64),
        content(digest="md5:" + "a" * 32),
        content(name=""),
        content(name="x" * 251),
        content(name="a\nb"),
        DatasetUse(name="train", digest="x" * 101),
        content(schema=[{"name": "c", "type": "int"}] * 10_001),
        content(profile={"blob": "x" * 2_000_001}),
    ],
)
def test_a_use_that_does_not_hold_together_is_refused_whole(make_run, use):
    run = make_run()

    with pytest.raises(Invalid):
        services.record_datasets(run=run, uses=[content(B), use], direction=INPUT)

    assert not RunInput.objects.exists()
    assert not DatasetVersion.objects.exists()


def test_a_new_use_of_an_ended_run_unseals_it(make_run, alice):
    run = services.finish_run(run=make_run(), status="finished", actor=alice)

    services.record_datasets(run=run, uses=[content()], direction=INPUT)

    assert not Run.objects.get(pk=run.pk).sealed


def test_registering_without_a_run_is_on_the_ledger_once(project, alice, recorded_actions):
    version, created = services.register_version(project=project, use=content(), actor=alice)
    again, created_again = services.register_version(project=project, use=content(), actor=alice)

    assert (created, created_again) == (True, False)
    assert version.pk == again.pk
    assert recorded_actions().count("dataset.register") == 1
    assert Node.objects.filter(kind="dataset_version", key=version.uuid.hex).exists()


def test_datasets_over_rest(api, bob):
    client = api(bob)
    made = client.post("datasets/train/versions", json={"digest": A, "strength": "content", "kind": "file", "rows": 3})
    again = client.post("datasets/train/versions", json={"digest": A, "strength": "content", "kind": "file"})

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert [each["name"] for each in client.get("datasets").json()["items"]] == ["train"]
    assert client.get("datasets/train").json()["name"] == "train"
    assert [each["digest"] for each in client.get("datasets/train/versions").json()["items"]] == [A]
    assert client.get(f"datasets/train/versions/{A}").json()["rows"] == 3
    assert client.get(f"datasets/train/versions/{B}").status_code == 404
    assert client.get("datasets/test").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"digest": A, "strength": "certain"}, "strength"),
        ({"digest": A, "kolour": 1}, "kolour"),
        ({"digest": 1}, "digest"),
        ({"rows": -1}, "rows"),
        ({"rows": 2**63}, "rows"),
        ({"name": "other"}, "name"),
        ([], "object"),
    ],
)
def test_a_version_that_is_none_is_refused_over_rest(api, bob, body, words):
    response = api(bob).post("datasets/train/versions", json=body)

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not DatasetVersion.objects.exists()


def test_inputs_over_rest(api, bob, make_run):
    run = make_run()
    client = api(bob)

    body = [{"name": "train", "digest": A, "strength": "content", "kind": "file", "context": "train"}]
    assert client.post(f"runs/{run.uuid.hex}/inputs", json=body).status_code == 200
    assert client.post(f"runs/{run.uuid.hex}/inputs", json=[]).status_code == 422
    (told,) = client.get(f"runs/{run.uuid.hex}").json()["inputs"]
    assert (told["name"], told["digest"], told["context"]) == ("train", A, "train")


def test_what_one_run_made_and_another_read_joins_their_lines(make_run, project):
    """Raw data reach what was trained on features that were made of them."""
    preparing, training = make_run(), make_run()
    services.record_datasets(run=preparing, uses=[content(A, name="raw")], direction=INPUT)
    services.record_datasets(run=preparing, uses=[content(B, name="features")], direction=OUTPUT)
    services.record_datasets(run=training, uses=[content(B, name="features")], direction=INPUT)

    graph = lineage.impact(starts=lineage.resolve(project, "dataset:raw"))

    assert {node.key for node in graph.of_kind("run")} == {preparing.uuid.hex, training.uuid.hex}
    assert [use.digest for use in selectors.outputs_of([preparing.pk])] == [B]


def test_a_run_cannot_have_made_what_it_came_of(make_run, recorded_actions):
    run = make_run()
    services.record_datasets(run=run, uses=[content(A)], direction=INPUT)

    with pytest.raises(Invalid) as refused:
        services.record_datasets(run=run, uses=[content(B, name="fine"), content(A)], direction=OUTPUT)

    assert "cannot have made it" in str(refused.value.extra)
    assert not RunOutput.objects.exists()
    assert not Dataset.objects.filter(name="fine").exists()


def test_in_a_batch_only_the_impossible_output_is_refused(make_run, write):
    run = make_run()

    outcome = write(run, loss=[1.0], inputs=[content(A)], outputs=[content(A), content(B)])

    assert [(each.kind, each.key) for each in outcome.rejected] == [("output", "train")]
    assert [use.digest for use in selectors.outputs_of([run.pk])] == [B]


def test_an_address_without_a_version_is_another_version_for_each_run(make_run):
    """Nobody knows whether they read the same state, so nothing may say that they did."""
    first, second = make_run(), make_run()
    told = DatasetUse(name="table", kind="uri", strength="path", uri="s3://lake/table")
    versioned = DatasetUse(name="table", kind="uri", strength="snapshot", uri="s3://lake/table", source_version="7")

    for run in (first, second):
        for _ in range(2):
            services.record_datasets(run=run, uses=[told, versioned], direction=INPUT)

    assert DatasetVersion.objects.filter(strength="path").count() == 2
    assert DatasetVersion.objects.filter(strength="snapshot").count() == 1
    assert RunInput.objects.count() == 4


@pytest.mark.parametrize("direction", [INPUT, OUTPUT])
def test_what_was_said_before_leaves_the_seal_alone(make_run, alice, direction):
    run = make_run()
    services.record_datasets(run=run, uses=[content()], direction=direction)
    run = services.finish_run(run=run, status="finished", actor=alice)

    services.record_datasets(run=run, uses=[content()], direction=direction)

    assert Run.objects.get(pk=run.pk).sealed


def test_outputs_over_rest(api, bob, make_run):
    run = make_run()
    client = api(bob)

    body = [{"name": "features", "digest": B, "strength": "content", "kind": "file"}]
    assert client.post(f"runs/{run.uuid.hex}/outputs", json=body).status_code == 200
    assert client.post(f"runs/{run.uuid.hex}/outputs", json=[]).status_code == 422
    (told,) = client.get(f"runs/{run.uuid.hex}").json()["outputs"]
    assert (told["name"], told["digest"]) == ("features", B)
    assert client.get(f"runs/{run.uuid.hex}/outputs").json() == [told]


def test_a_version_that_nobody_knew_is_announced_once(make_run, project, alice, monkeypatch):
    """Retraining may wait for new data; data that a run merely uses again is no news."""
    told = []
    monkeypatch.setattr(events, "announce", lambda event, **facts: told.append((event, facts)))
    run = make_run()

    services.record_datasets(run=run, uses=[content(), content(context="eval")], direction=INPUT)
    services.record_datasets(run=make_run(), uses=[content()], direction=INPUT)
    services.register_version(project=project, use=content(B), actor=alice)
    services.register_version(project=project, use=content(B), actor=alice)

    news = [facts for event, facts in told if event == "dataset_version.registered"]
    assert [(facts["dataset"], facts["digest"], facts["run"]) for facts in news] == [
        ("train", A, run.uuid.hex),
        ("train", B, None),
    ]
    assert {facts["project_id"] for facts in news} == {project.id}
    assert {facts["version"] for facts in news} == {each.uuid.hex for each in DatasetVersion.objects.all()}
