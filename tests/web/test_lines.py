"""A walk made ready for a page: order of the steps, and a drawing that stays readable."""

from itertools import pairwise

from lineage.selectors import Graph, GraphEdge, GraphNode
from web.lines import LABEL_CHARS, MAX_DRAWN, MAX_TALL, line_of


def make_node(number, kind="run", label=None, **about):
    return GraphNode(
        id=number, project="p", kind=kind, key=str(number), live=False, about={"label": label or f"n{number}", **about}
    )


def make_graph(nodes, edges, starts=(1,), **more):
    defaults = {"truncated": False, "hidden": 0, "weakest_strength": "content"}
    return Graph(
        starts=starts, nodes=nodes, edges=[GraphEdge(src, dst, "used") for src, dst in edges], **(defaults | more)
    )


def chain():
    """data 3 → run 2 → version 1, code 4 → run 2."""
    nodes = [
        make_node(1, "model_version", "churn v1"),
        make_node(2, "run", "fit"),
        make_node(3, "dataset_version", "train", strength="content"),
        make_node(4, "code_commit", "1a2b3c"),
    ]
    return make_graph(nodes, [(3, 2), (2, 1), (4, 2)])


def test_steps_lead_from_the_start_back_to_its_causes():
    line = line_of(chain())

    assert [[node.label for node in step.nodes] for step in line.steps] == [["churn v1"], ["fit"], ["1a2b3c", "train"]]
    assert [step.is_start for step in line.steps] == [True, False, False]


def test_a_cause_used_twice_stands_beside_its_first_result():
    """A dataset read by parent and child run is listed once, before the earlier of the two."""
    nodes = [make_node(1), make_node(2), make_node(3, "dataset_version")]

    line = line_of(make_graph(nodes, [(3, 2), (3, 1), (2, 1)]))

    assert [[node.label for node in step.nodes] for step in line.steps] == [["n1"], ["n2"], ["n3"]]


def test_results_are_drawn_right_of_their_causes():
    drawing = line_of(chain()).drawing
    x = {box.node.label: box.x for box in drawing.boxes}

    assert x["train"] == x["1a2b3c"] < x["fit"] < x["churn v1"]
    assert len(drawing.paths) == 3
    assert all(0 <= box.x <= drawing.width - drawing.box_width for box in drawing.boxes)
    assert all(0 <= box.y <= drawing.height - drawing.box_height for box in drawing.boxes)


def test_boxes_of_a_column_do_not_overlap():
    nodes = [make_node(1)] + [make_node(number, "dataset_version") for number in range(2, 12)]
    drawing = line_of(make_graph(nodes, [(number, 1) for number in range(2, 12)])).drawing
    tops = sorted(box.y for box in drawing.boxes if box.node.kind == "data")

    assert all(below - above >= drawing.box_height for above, below in pairwise(tops))


def test_a_large_graph_is_listed_and_not_drawn():
    nodes = [make_node(number) for number in range(1, MAX_DRAWN + 3)]
    line = line_of(make_graph(nodes, [(number, 1) for number in range(2, MAX_DRAWN + 3)]))

    assert line.drawing is None
    assert sum(len(step.nodes) for step in line.steps) == MAX_DRAWN + 2


def test_a_hub_is_listed_and_not_drawn():
    """A dataset that many runs read would be a column without end."""
    nodes = [make_node(number) for number in range(1, MAX_TALL + 3)]

    assert line_of(make_graph(nodes, [(1, number) for number in range(2, MAX_TALL + 3)])).drawing is None
    assert line_of(make_graph(nodes[:-1], [(1, number) for number in range(2, MAX_TALL + 2)])).drawing is not None


def test_a_long_label_is_cut_in_the_drawing_only():
    line = line_of(make_graph([make_node(1, label="x" * 100), make_node(2)], [(2, 1)]))

    assert {len(box.label) for box in line.drawing.boxes} == {2, LABEL_CHARS}
    assert line.steps[0].nodes[0].label == "x" * 100


def test_a_lone_node_says_so():
    assert line_of(make_graph([make_node(1)], [])).is_alone


def test_what_is_hidden_or_cut_is_carried_along():
    line = line_of(make_graph([make_node(1)], [], truncated=True, hidden=3, weakest_strength=None))

    assert (line.truncated, line.hidden, line.weakest) == (True, 3, None)
