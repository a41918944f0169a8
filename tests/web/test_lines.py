"""A walk made ready for a page: order of the steps, and a drawing that stays readable."""

from itertools import pairwise

from lineage.selectors import Graph, GraphEdge, GraphNode
from web.graphs import CAUSES, LABEL_CHARS, MAX_FAR, MAX_TALL, RESULTS
from web.lines import line_of


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


def x_by_label(drawing):
    return {box.label: box.x for box in drawing.boxes}


def test_results_are_drawn_right_of_their_causes():
    drawing = line_of(chain()).drawing
    x = x_by_label(drawing)

    assert x["train"] == x["1a2b3c"] < x["fit"] < x["churn v1"]
    assert len(drawing.paths) == 3
    assert all(0 <= box.x <= drawing.width - drawing.box_width for box in drawing.boxes)
    assert all(0 <= box.y <= drawing.height - drawing.box_height for box in drawing.boxes)


def test_boxes_of_a_column_do_not_overlap():
    nodes = [make_node(1)] + [make_node(number, "dataset_version") for number in range(2, 12)]
    drawing = line_of(make_graph(nodes, [(number, 1) for number in range(2, 12)])).drawing
    tops = sorted(box.y for box in drawing.boxes if box.kind == "data")

    assert len(tops) == 10
    assert all(below - above >= drawing.box_height for above, below in pairwise(tops))


def test_a_fan_is_folded_into_one_box_that_says_how_many_it_stands_for():
    """A dataset that a thousand runs read: the drawing stays a drawing, and the list has them all."""
    nodes = [make_node(1, "dataset_version")] + [make_node(number) for number in range(2, 1_002)]
    line = line_of(make_graph(nodes, [(1, number) for number in range(2, 1_002)]), list_id=RESULTS)
    [fold] = [box for box in line.drawing.boxes if box.folds]

    assert len(line.drawing.boxes) <= MAX_TALL + 2
    assert fold.label == f"{fold.folds} more runs"
    assert fold.folds + len(line.drawing.boxes) - 1 == 1_001
    assert (fold.url, line.list_id, line.drawing.folded) == ("#results", "results", fold.folds)
    assert sum(len(step.nodes) + step.more for step in line.steps) == 1_001


def test_what_serves_is_drawn_where_not_everything_has_room():
    nodes = [make_node(1, "model_version")] + [make_node(number, "deployment") for number in range(2, 60)]
    nodes[40] = GraphNode(id=41, project="p", kind="deployment", key="41", live=True, about={"label": "zzz live"})
    drawing = line_of(make_graph(nodes, [(1, number) for number in range(2, 60)])).drawing

    assert [box.label for box in drawing.boxes if box.live and not box.folds] == ["zzz live"]


def test_a_long_chain_is_folded_far_from_the_start():
    """Five hundred runs, each going on from the one before, and the start in the middle."""
    nodes = [make_node(number) for number in range(1, 501)]
    line = line_of(make_graph(nodes, [(number, number + 1) for number in range(1, 500)], starts=(250,)))
    folds = [box for box in line.drawing.boxes if box.folds]

    assert len(line.drawing.boxes) == 2 * MAX_FAR + 1 + 2
    assert [(box.folds, box.url) for box in folds] == [(243, f"#{CAUSES}"), (244, f"#{RESULTS}")]


def test_every_path_joins_two_boxes_once():
    nodes = [make_node(1, "dataset_version"), make_node(2, "model_version")]
    nodes += [make_node(number) for number in range(3, 103)]
    edges = [(1, number) for number in range(3, 103)] + [(number, 2) for number in range(3, 103)]
    drawing = line_of(make_graph(nodes, edges)).drawing
    pairs = [(path.src, path.dst) for path in drawing.paths]

    assert len(pairs) == len(set(pairs))
    assert {number for pair in pairs for number in pair} == {box.number for box in drawing.boxes}


def test_the_weakest_identity_is_marked_and_a_strong_line_marks_nothing():
    nodes = [
        make_node(1),
        make_node(2, "dataset_version", strength="path"),
        make_node(3, "dataset_version", strength="content"),
    ]
    weak = line_of(make_graph(nodes, [(2, 1), (3, 1)], weakest_strength="path")).drawing
    strong = line_of(make_graph([nodes[0], nodes[2]], [(3, 1)])).drawing

    assert [box.label for box in weak.boxes if box.is_weakest] == ["n2"]
    assert not any(box.is_weakest for box in strong.boxes)


def test_a_long_label_is_cut_in_the_drawing_only():
    line = line_of(make_graph([make_node(1, label="x" * 100), make_node(2)], [(2, 1)]))

    assert {len(box.label) for box in line.drawing.boxes} == {2, LABEL_CHARS}
    assert any("x" * 100 in box.title for box in line.drawing.boxes)
    assert line.steps[0].nodes[0].label == "x" * 100


def test_a_lone_node_says_so():
    assert line_of(make_graph([make_node(1)], [])).is_alone


def test_what_is_hidden_or_cut_is_carried_along():
    line = line_of(make_graph([make_node(1)], [], truncated=True, hidden=3, weakest_strength=None))

    assert (line.truncated, line.hidden, line.weakest) == (True, 3, None)
