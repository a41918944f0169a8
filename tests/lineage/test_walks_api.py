"""`/lineage/trace` and `/lineage/impact` over HTTP."""

import pytest

from lineage.services import connect

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(make_node, own_kinds):
    """train → run, with both kinds spoken for."""
    own_kinds.register(
        kind="dataset_version",
        describe=lambda keys, _: {
            key: {"label": f"{key}!", "digest": "sha256:ab", "strength": "content"} for key in keys
        },
    )
    own_kinds.register_resolver(prefix="dataset", kind="dataset_version", resolve=lambda _, rest: [rest])
    own_kinds.register_resolver(prefix="sha256", kind="dataset_version", resolve=lambda *_: ["train"])
    own_kinds.register_resolver(prefix="sha256", kind="model_version", resolve=lambda *_: ["m1"])
    train, run = make_node("dataset_version", "train"), make_node("run", "r1")
    connect(src=train, dst=run, kind="used")
    return train, run


def test_impact_of_a_dataset_lists_nodes_and_edges(api, alice, line):
    train, run = line

    answer = api(alice).get("lineage/impact", data={"of": "dataset:train", "project": "default"})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["direction"], body["of"], body["starts"]) == ("downstream", "dataset:train", [train.pk])
    assert body["edges"] == [{"src": train.pk, "dst": run.pk, "kind": "used"}]
    assert [node["label"] for node in body["nodes"]] == ["train!", "r1"]
    assert (body["truncated"], body["hidden"], body["weakest_strength"]) == (False, 0, "content")


def test_digest_names_nodes_of_several_kinds(api, alice, line, make_node):
    """The same bytes may be a dataset and a model; both are starts."""
    model = make_node("model_version", "m1")

    body = api(alice).get("lineage/trace", data={"of": "sha256:ab"}).json()

    assert body["starts"] == [line[0].pk, model.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"of": "nonsense"}, "of"),
        ({"of": "kitchen:sink"}, "of"),
        ({}, "of"),
        ({"of": "dataset:train", "kinds": "run,sausage"}, "kinds"),
        ({"of": "dataset:train", "max_nodes": "0"}, "max_nodes"),
        ({"of": "dataset:train", "live": "perhaps"}, "live"),
    ],
)
def test_questions_that_make_no_sense_are_told_so(api, alice, line, query, field):
    answer = api(alice).get("lineage/trace", data=query)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_nothing_of_that_name_is_not_found(api, alice, line):
    assert api(alice).get("lineage/trace", data={"of": "dataset:other"}).status_code == 404


def test_mallory_learns_nothing(api, mallory, line):
    """A hidden project and a missing one answer alike."""
    hidden = api(mallory).get("lineage/trace", data={"of": "dataset:train", "project": "default"})
    missing = api(mallory).get("lineage/trace", data={"of": "dataset:train", "project": "nowhere"})

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["detail"].replace("default", "nowhere") == missing.json()["detail"]
    assert api(None).get("lineage/trace", data={"of": "dataset:train"}).status_code == 401
