"""Other tools' figures stand beside ours: asked for over the protocol, compared, written, and never silently missing."""

import ast
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import beside, runner
from bench.beside import TOOLS, Beside, Side, Sizes, Tool, Wish
from bench.comparison import comparison, relation, spread
from bench.measures import COMPARED, MEASURES
from bench.peers import HERE, Peer, protocol
from bench.plot import Curve, Curves
from bench.table import Row

FAKE = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from protocol import STEPS, figure, kept, serve, side_by_side, value_at, KEYS

def ingest(order):
    sizes = order["sizes"]
    steps = sizes["batches"] * STEPS
    took, logged = side_by_side(lambda writer: writer, lambda writer: list(range(steps - writer)), sizes["writers"])
    came = 0
    for writer, held in enumerate(logged):
        came += kept(writer, steps, lambda key: [(step, value_at(writer, step, KEYS.index(key))) for step in held])
    print("a tool's own words")
    yield figure("ingest", [came / took, came / took], came, sizes["writers"] * steps * len(KEYS), came)

def history(order):
    raise SystemExit("the fake forgets what it was told")

def search(order):
    yield figure("search-first", [float(number) for number in range(1, 101)], order["sizes"]["runs"])

serve({{"ingest": ingest, "history": history, "search": search}}, ["pytest", "no-such-package"])
"""


@dataclass(frozen=True)
class _FakePeer(Peer):
    """This Python, as if it were an environment of its own."""

    @property
    def version(self) -> str:
        return "1.0"

    def python(self) -> Path:
        return Path(sys.executable)


@dataclass(frozen=True)
class _FakeTool(Tool):
    at: Path = Path()

    @property
    def peer(self) -> Peer:
        return _FakePeer(self.name)

    @property
    def script(self) -> Path:
        return self.at


@pytest.fixture
def fake(tmp_path):
    script = tmp_path / "on_fake.py"
    script.write_text(FAKE)
    return _FakeTool("fake", ("ingest", "history", "search"), {"flushes": "has no server"}, at=script)


def _taken(fake, tmp_path, names, **sizes):
    folder = tmp_path / "bench"
    folder.mkdir()
    return beside.measure(names, Wish([fake], sizes=Sizes(**sizes)), folder)


def test_a_peer_is_ordered_and_answers_in_json(fake, tmp_path):
    """Its lost points are counted: of two writers the second has lost one step of ten metrics."""
    found = _taken(fake, tmp_path, ["ingest"], writers=2, batches=1)

    (side,) = found.sides
    assert (side.measure, side.tool, side.database) == ("ingest", "fake 1.0", "")
    assert (side.sent, side.found) == (2_000, 1_990)
    assert side.versions["no-such-package"] == "none"
    assert side.versions["pytest"] == pytest.__version__
    assert min(side.values) > 0
    assert found.missing == []


def test_an_act_that_fails_or_is_lacking_is_named_and_the_others_go_on(fake, tmp_path):
    found = _taken(fake, tmp_path, ["flushes", "history", "search-first"], runs=7)

    assert found.missing == [
        "fake 1.0 has no server.",
        "history, fake 1.0: fake 1.0 did not run: the fake forgets what it was told.",
    ]
    assert [(side.measure, side.size, len(side.values)) for side in found.sides] == [("search-first", 7, 100)]


def test_a_writer_that_fails_fails_the_ingest():
    def work(number):
        if number == 1:
            raise OSError("disk full")

    with pytest.raises(RuntimeError, match="a writer failed: OSError: disk full"):
        protocol.side_by_side(lambda number: number, work, 2)


def test_a_writer_that_dies_without_a_word_is_not_waited_for():
    with pytest.raises(RuntimeError, match="a writer ended with 3"):
        protocol.side_by_side(lambda number: number and os._exit(3), lambda number: None, 2)


def test_only_points_that_came_back_as_they_were_are_kept():
    def points_of(key):
        number = protocol.KEYS.index(key)
        return [(0, protocol.value_at(3, 0, number)), (1, 0.5), (1, protocol.value_at(3, 1, number))][: 2 + number % 2]

    assert protocol.kept(3, 2, points_of) == 15


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.acts], ids=lambda tool: tool.name)
def test_every_act_of_a_tool_is_in_its_script_or_accounted_for(tool):
    tree = ast.parse(tool.script.read_text())
    (serving,) = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and ast.unparse(call.func) == "serve"]
    acts = {key.value for key in serving.args[0].keys}

    assert acts | {"footprint"} == set(tool.acts)
    assert {measure.act for measure in MEASURES.values()} == set(tool.acts) | set(tool.absent)
    assert tool.peer.lock.exists()


def test_rows_are_compared_under_measures_that_exist():
    assert {name for names in COMPARED.values() for name in names.values()} <= set(MEASURES)


def _rows():
    return [
        Row(
            "8 writers × 1,000 points, SQLite",
            "points/s",
            1_000_000,
            2_000_000,
            "bare inserts",
            spread="0.9M to 1.1M",
            n=3,
        ),
        Row("8 writers × 1,000 points, PostgreSQL 18.4", "points/s", 500_000, 2_000_000, "bare inserts"),
    ]


def test_a_side_is_compared_with_ours_on_the_same_database():
    found = Beside(
        [
            Side(
                "ingest",
                "mlflow 3",
                "sqlite",
                [9_000, 10_000, 11_000],
                sent=30,
                found=30,
                versions={"uvloop": "0.2"},
                load=7,
            ),
            Side("ingest", "mlflow 3", "postgresql", [10_000], sent=30, found=21),
            Side("flushes", "mlflow 3", "sqlite", [90.0]),
        ],
        ["aim 3 cannot be installed: no wheel."],
    )

    sheet = comparison("ingest", COMPARED["ingest"], _rows(), found, ["ingest", "flushes"], load=0.5)

    assert [row[1:7] for row in sheet.rows] == [
        ["**Lineal**, SQLite", "1,000,000 points/s", "0.9M to 1.1M", "3", "0.5", ""],
        ["*the limit*, SQLite", "2,000,000 points/s", "", "", "", "2× as slow"],
        ["**Lineal**, PostgreSQL", "500,000 points/s", "", "", "0.5", ""],
        ["*the limit*, PostgreSQL", "2,000,000 points/s", "", "", "", "4× as slow"],
        ["mlflow 3, SQLite", "10,000 points/s", "9,000 to 11,000", "3", "7.0", "100× as fast"],
        ["mlflow 3, PostgreSQL", "10,000 points/s", "", "1", "0.0", "50× as fast"],
        ["mlflow 3, SQLite", "90 requests/s", "", "1", "0.0", ""],
    ]
    assert sheet.rows[4][7] == "all 30 points came back"
    assert sheet.rows[5][7] == "**9 of 30 points lost**"
    assert "mlflow 3 with uvloop 0.2." in sheet.note
    assert "aim 3 cannot be installed: no wheel." in sheet.note
    assert "Lineal has no row for '200 live runs, ten metrics of one step a request' in this run." in sheet.note


@pytest.mark.parametrize(
    ("measure", "ours", "theirs", "size", "text"),
    [
        ("ingest", 100, 10, 0, "10× as fast"),
        ("ingest", 10, 100, 0, "10× as slow"),
        ("get-by-alias", 2.0, 6.0, 0, "3× as fast"),
        ("idle", 200, 1_000, 0, "5× as small"),
        ("history", 100.0, 100.0, 100_000, "10× as fast"),
        ("chart", 100.0, 200.0, 100_000, "2× as fast"),
    ],
    ids=["more is better", "ours is worse", "less is better", "memory", "by what a point costs", "as it is"],
)
def test_ours_is_so_many_times_as_good(measure, ours, theirs, size, text):
    assert relation(MEASURES[measure], ours, theirs, size) == text


def test_a_figure_of_nothing_is_no_ratio():
    with pytest.raises(ValueError, match="cannot be compared"):
        relation(MEASURES["ingest"], 100, 0)


def test_a_spread_is_percentiles_of_many_and_the_range_of_few():
    assert spread([float(each) for each in range(1, 102)]) == "p95 96, p99 100"
    assert spread([3.0, 1.0]) == "1 to 3"
    assert spread([3.0]) == ""


# -- the runner ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def docs(tmp_path, monkeypatch):
    folder = tmp_path / "docs"
    (folder / "images").mkdir(parents=True)
    monkeypatch.setattr(runner, "DOCS", folder)
    return folder


def _measure(folder):
    """What ours costs."""
    curves = Curves("grown", "Grown", "runs", "ms", [Curve("ours", [(1_000, 2.0), (10_000, 3.0)])])
    return [Row("first page without a filter, SQLite", "ms", 2.0, 1.0, "a floor", more_is_better=False), curves]


def test_a_run_writes_its_section_and_its_figures_and_no_others(fake, docs, monkeypatch, capsys):
    monkeypatch.setattr(runner, "TOOLS", [fake])
    (docs / "benchmarks.json").write_text('{"lineage": {"rows": []}}')
    (docs / "benchmarks.md").write_text("# Benchmarks\n\n## lineage\n\nkept\n")
    arguments = ["search", "--peers", "fake", "--runs", "1000", "--write"]

    assert runner.main(arguments, {"search": _measure}) == 0

    page = re.sub(r"100 \| \d+\.\d \|", "100 | load |", (docs / "benchmarks.md").read_text())
    assert "## lineage\n\nkept\n" in page
    assert (
        "| first page without a filter | fake 1.0 | 50.5 ms | p95 95, p99 99 | 100 | load | 25.2× as fast | at 1,000 runs only |"
        in page
    )
    assert "![Grown: ms by runs](images/bench-grown.svg)" in page
    held = json.loads((docs / "benchmarks.json").read_text())
    assert held["lineage"] == {"rows": []}
    assert held["search"]["rows"][0]["times_the_limit"] == 2.0
    assert held["search"]["others"][0]["unit"] == "ms"
    assert len(held["search"]["others"][0]["values"]) == 100
    assert "fake 1.0" in capsys.readouterr().out


def test_without_peers_ours_is_measured_alone(docs, capsys):
    assert runner.main(["search", "--peers", "none"], {"search": _measure}) == 0

    assert not (docs / "benchmarks.md").exists()
    printed = capsys.readouterr().out
    assert "a floor" in printed
    assert "mlflow" not in printed


def test_a_scenario_that_fails_is_told_and_the_next_one_goes_on(docs, capsys):
    def broken(folder):
        raise RuntimeError("points are missing")

    assert runner.main(["lost", "search", "--peers", "none", "--write"], {"lost": broken, "search": _measure}) == 1

    assert "FAILED lost: RuntimeError: points are missing" in capsys.readouterr().err
    assert [line for line in (docs / "benchmarks.md").read_text().splitlines() if line.startswith("## ")] == [
        "## search"
    ]


def test_options_set_what_a_module_has_by_their_name(docs, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "megabytes", 1_000, raising=False)

    runner.main(["search", "--peers", "none", "--megabytes", "5"], {"search": _measure})

    assert sys.modules[__name__].megabytes == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no scenario is named nothing"),
        (["search", "--peers", "neptune"], "no peer is named neptune"),
        (["search", "--runs", "0"], "has to be 1 or more"),
    ],
    ids=["scenario", "peer", "count"],
)
def test_what_there_is_not_is_said(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        runner.main(arguments, {"search": _measure})
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_module_that_compares_under_an_unknown_measure_is_told(docs, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PEERS", {"first page without a filter": "speed"}, raising=False)

    with pytest.raises(ValueError, match=r"search: PEERS names speed; there are ingest, "):
        runner.main(["search"], {"search": _measure})


# -- curves --------------------------------------------------------------------------------------------------------------


def test_curves_are_a_picture_and_a_table(tmp_path):
    curves = Curves(
        "points",
        "Cost <of> a point",
        "points",
        "µs",
        [Curve("a", [(1e3, 1.0), (1e5, 10.0)]), Curve("b & c", [(1e4, 2.0)])],
    )

    drawn = ET.parse(curves.draw(tmp_path)).getroot()

    (line, dot) = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    assert line.get("points") == "80.0,352.0 530.0,24.0"
    assert dot.get("points") == "305.0,253.3"
    assert curves.to_sheet().rows == [["a", "1", "", "10"], ["b & c", "", "2", ""]]
    assert curves.to_sheet().columns == ("µs, by points", "1k", "10k", "100k")


def test_nothing_has_no_place_on_a_logarithmic_axis(tmp_path):
    with pytest.raises(ValueError, match="above 0 alone"):
        Curves("points", "", "", "", [Curve("a", [(0, 1.0)])]).draw(tmp_path)
