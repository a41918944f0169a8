"""`lineal trace` and `impact`: a graph that people can read in a terminal."""

import json

import pytest
from lineal.cli.graphs import draw

from tests.cli.conftest import DIGEST, OTHER_DIGEST


def make_node(node_id, kind, label, **about):
    return {"id": node_id, "kind": kind, "key": label, "label": label, "live": False, "digest": None, **about}


def make_graph(nodes, edges, *, starts, **about):
    edge_list = [{"src": src, "dst": dst, "kind": "used"} for src, dst in edges]
    whole = {"truncated": False, "weakest_strength": None, "hidden": 0}
    return {"starts": starts, "nodes": nodes, "edges": edge_list, **whole, **about}


@pytest.fixture
def graph():
    """data → run → version → deployment, with code beside the data."""
    return make_graph(
        [
            make_node(1, "dataset_version", "train", digest=DIGEST, strength="content"),
            make_node(2, "run", "nightly"),
            make_node(3, "model_version", "fraud v3", digest=OTHER_DIGEST),
            make_node(4, "deployment", "eu/serving", live=True),
            make_node(5, "code_commit", "1a2b3c4"),
        ],
        [(1, 2), (5, 2), (2, 3), (3, 4)],
        starts=[4],
        weakest_strength="content",
    )


def test_a_trace_leads_from_the_deployment_back_to_data_and_code(graph):
    assert list(draw(graph, upstream=True)) == [
        "deployment eu/serving ● live",
        "└─ model fraud v3 sha256:77aa77aa77aa…",
        "   └─ run nightly",
        "      ├─ code 1a2b3c4",
        "      └─ dataset train sha256:9f2c9f2c9f2c… [content]",
        "weakest link: content: every byte hashed",
    ]


def test_impact_leads_the_other_way(graph):
    lines = list(draw(graph | {"starts": [1]}, upstream=False))

    assert lines[0].startswith("dataset train")
    assert lines[3] == "      └─ deployment eu/serving ● live"


def test_where_paths_meet_again_the_line_is_shown_once():
    """Diamonds are common: without this a graph of 40 levels would print 2^40 lines."""
    levels = 40
    nodes = [make_node(level, "run", f"r{level:02}") for level in range(levels * 2 + 1)]
    edges = []
    for level in range(levels):
        left, right = 2 * level + 1, 2 * level + 2
        for above in [0] if level == 0 else [2 * level - 1, 2 * level]:
            edges += [(above, left), (above, right)]

    lines = list(draw(make_graph(nodes, edges, starts=[0]), upstream=False))

    assert len(lines) <= len(edges) + 1
    assert sum("shown above" not in line for line in lines) == len(nodes) + 2  # the two leaves come twice


def test_a_chain_of_thousands_is_drawn_without_recursion():
    nodes = [make_node(at, "run", f"r{at}") for at in range(5_000)]
    edges = [(at, at + 1) for at in range(4_999)]

    assert sum(1 for _ in draw(make_graph(nodes, edges, starts=[0]), upstream=False)) == 5_000


def test_nodes_whose_way_was_filtered_out_are_listed_all_the_same(graph):
    """`--kind deployment` gives deployments without the runs and models between."""
    deployments = [node for node in graph["nodes"] if node["kind"] == "deployment"]
    filtered = make_graph(deployments, [], starts=[1])

    assert list(draw(filtered, upstream=False)) == ["· deployment eu/serving ● live"]


def test_what_is_not_shown_is_said(graph):
    lines = list(draw(graph | {"hidden": 3, "truncated": True, "weakest_strength": "path"}, upstream=True))

    assert "weakest link: path: only where it lay" in lines
    assert "3 more in projects that you may not read" in lines
    assert any("cut off" in line for line in lines)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("model:fraud@production", "model:fraud@production"),
        ("fraud/3", "model:fraud/3"),
        (f"fraud@{DIGEST}", DIGEST),
        (DIGEST, DIGEST),
        ("git:1a2b3c4", "git:1a2b3c4"),
    ],
)
def test_a_version_may_be_named_as_for_promote(signed_in, lineal, graph, given, asked):
    signed_in.answer("GET", "/lineage/trace", graph)

    assert lineal("trace", given).exit_code == 0
    assert signed_in.asked("GET", "/lineage/trace")[0].query == {"of": asked, "project": "default"}


def test_filters_are_sent_and_the_whole_digest_is_in_the_json(signed_in, lineal, graph):
    signed_in.answer("GET", "/lineage/impact", graph)

    result = lineal("impact", DIGEST, "--kind", "deployment", "--kind", "run", "--live", "--max-nodes", "9", "--json")

    query = signed_in.asked("GET", "/lineage/impact")[0].query
    assert {key: query[key] for key in ("kinds", "live", "max_nodes")} == {
        "kinds": "deployment,run",
        "live": "true",
        "max_nodes": "9",
    }
    assert json.loads(result.stdout)["nodes"][0]["digest"] == DIGEST
