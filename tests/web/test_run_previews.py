"""Previews of a run's files: a bounded part of each, as text, table, tree, picture or closed frame; and nothing of it can act."""

import re
from urllib.parse import quote

import pytest

from tests.web.run_story import ATTACK, PIXEL, new_full_run, parquet, put_file
from tests.web.story import EVIL
from tests.web.test_pages import Inspector
from tracking.models import Artifact, Blob
from tracking.services import create_run
from web.previews import tables
from web.previews.folded import folded
from web.previews.reading import OverBudget, Source
from web.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(home, project, bob):
    return new_full_run(project, bob, finish=False)


@pytest.fixture
def look(browser, alice, run):
    """`look(path)`: the page with that file chosen."""
    visitor = browser(alice)
    return lambda path: visitor.get(f"/projects/default/runs/{run.uuid.hex}/artifacts?path={quote(path, safe='')}")


@pytest.fixture
def view(browser, alice, run):
    visitor = browser(alice)
    return lambda path, **headers: visitor.get(
        f"/projects/default/runs/{run.uuid.hex}/artifacts/view?path={quote(path, safe='')}", **headers
    )


class Framed(Inspector):
    """As the inspector, where frames and pictures are expected."""

    def __init__(self, html):
        self.frames, self.pictures = [], []
        super().__init__(html)
        self.faults = [fault for fault in self.faults if fault not in ("<iframe>", "<img>")]

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        self.frames += [dict(attrs)] if tag == "iframe" else []
        self.pictures += [dict(attrs)] if tag == "img" else []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("notes/read me.txt", ["first line", EVIL]),
        ("data/rows.csv", ["The first 100 rows", EVIL]),
        ("result.json", ["auc", EVIL, "NaN", "deep"]),
        ("model.bin", ["The file is no text"]),
        ("مرحبا/😀.txt", ["right to left"]),
    ],
)  # fmt: skip
def test_a_file_is_shown_as_what_it_is(look, path, shown):
    answer = look(path)
    page = Framed(answer.content.decode())
    said = "".join(page.words)

    assert answer.status_code == 200
    assert page.faults == []
    assert (page.frames, page.pictures) == ([], [])
    assert all(words in said for words in shown)


@pytest.mark.parametrize("path", ["report.html", "work.ipynb"])
def test_pages_and_notebooks_stand_in_a_frame_that_may_do_nothing(look, path):
    answer = look(path)
    [frame] = Framed(answer.content.decode()).frames

    assert frame["sandbox"] == ""
    assert frame["src"].startswith("/projects/default/runs/")
    assert answer.headers["Content-Security-Policy"] == f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    assert ATTACK not in answer.content.decode()


@pytest.mark.parametrize("path", ["plots/pixel.png", "plots/attack.svg"])
def test_a_picture_is_no_more_than_a_picture(look, path):
    page = Framed(look(path).content.decode())

    assert page.frames == []
    assert len(page.pictures) == 1
    assert ATTACK not in look(path).content.decode()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("report.html", "text/html; charset=utf-8"),
        ("work.ipynb", "text/html; charset=utf-8"),
        ("plots/attack.svg", "image/svg+xml"),
        ("plots/pixel.png", "image/png"),
    ],
)
def test_what_a_frame_loads_has_no_origin_no_script_and_no_address_to_reach(view, path, kind):
    answer = view(path)
    policy = answer.headers["Content-Security-Policy"]
    directives = {part.split(" ")[0]: part.split(" ")[1:] for part in policy.split("; ")}

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert directives["sandbox"] == []  # without allow-scripts, allow-same-origin or anything else
    assert directives["default-src"] == directives["form-action"] == ["'none'"]
    assert "script-src" not in directives
    assert directives["img-src"] == ["data:"]
    assert directives["frame-ancestors"] == ["'self'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_bytes_of_a_picture_come_as_they_are_and_are_not_sent_twice(view):
    answer = view("plots/pixel.png")

    assert answer.content == PIXEL
    assert view("plots/pixel.png", **{"if-none-match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["notes/read me.txt", "model.bin", "result.json"])
def test_no_other_file_has_a_view(view, path):
    assert view(path).status_code == 422


@pytest.mark.parametrize("path", ["nothing.html", "notes"])
def test_a_file_that_is_not_there_is_not_found(view, look, path):
    assert view(path).status_code == 404
    assert look(path).status_code == 404


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a//b", "a\\b", "a\0b"])
def test_a_path_that_is_none_is_refused(view, look, path):
    assert view(path).status_code == 422
    assert look(path).status_code == 422


@pytest.mark.parametrize("state", [Blob.State.QUARANTINED, Blob.State.MISSING])
def test_bytes_that_are_not_handed_out_are_not_shown(look, view, run, state):
    Blob.objects.filter(artifacts__run=run).update(state=state)

    assert f"Its bytes are {state}" in "".join(Framed(look("report.html").content.decode()).words)
    assert view("report.html").status_code == 409


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("broken.json", b'{"a": ', "Not read as JSON"),
        ("deep.json", b"[" * 5_000 + b"]" * 5_000, "Not read as JSON"),
        ("broken.ipynb", b"no json", "Shown in a closed frame"),
        ("broken.parquet", b"PAR1 nothing", "Not read as Parquet"),
        ("empty.csv", b"", "The file is empty"),
        ("quotes.csv", b'a,"b\n' * 50_000, "The first"),
        ("latin.txt", "é".encode("latin-1") * 100, "no text in UTF-8"),
        ("one-long-line.txt", b"x" * 500_000, "The first 64 kB"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_what_cannot_be_shown_is_said(look, run, path, content, said):
    put_file(run, path, content)
    answer = look(path)

    assert answer.status_code == 200
    assert said in "".join(Framed(answer.content.decode()).words)
    assert len(answer.content) < 200_000


def test_a_notebook_that_is_none_is_refused_inside_its_frame(view, run):
    put_file(run, "broken.ipynb", b"no json")
    put_file(run, "other.ipynb", b'{"worksheets": []}')

    assert view("broken.ipynb").status_code == 422
    assert view("other.ipynb").status_code == 422


def test_a_notebook_shows_source_outputs_and_pictures(view):
    html = view("work.ipynb").content.decode()

    assert "df.head()" in html
    assert "<td>cell</td>" in html
    assert "data:image/png;base64," in html
    assert "ValueError: &lt;img" in html  # a text is a text, in a frame too
    assert "<b>Heading</b>" in html


def test_a_large_file_is_read_in_part(look, run, monkeypatch):
    rows = b"number,text\n" + b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(20_000))
    put_file(run, "large.csv", rows)
    asked = []
    whole = Source.range
    monkeypatch.setattr(Source, "range", lambda self, start, end: asked.append(end - start) or whole(self, start, end))

    look("large.csv")

    assert sum(asked) <= tables.CSV_BYTES < len(rows)


def test_a_source_gives_no_more_than_its_budget(project, run):
    artifact = Artifact.objects.select_related("blob").get(run=run, path="model.bin")
    source = Source(project, artifact, 100)

    assert source.head(60) == bytes(range(60))
    with pytest.raises(OverBudget):
        source.range(0, 60)
    with pytest.raises(OverBudget):
        source.range(200, 300)


def test_the_first_rows_of_parquet_are_read_without_the_rest(look, run, monkeypatch):
    content = parquet(200_000, row_group_size=20_000, compression="none", use_dictionary=False)
    put_file(run, "large.parquet", content)
    asked = []
    whole = Source.range
    monkeypatch.setattr(Source, "range", lambda self, start, end: asked.append(end - start) or whole(self, start, end))
    said = "".join(Framed(look("large.parquet").content.decode()).words)

    assert "The first 100 rows of 200 000".replace(" 000", "\u202f000") in said
    assert EVIL in said
    assert 0 < sum(asked) < len(content) / 4


def test_parquet_that_would_need_too_much_is_refused(look, run, monkeypatch):
    monkeypatch.setattr("web.previews.previews.PARQUET_BYTES", 5_000)
    put_file(run, "wide.parquet", parquet(50_000, compression="none", use_dictionary=False))

    assert "more bytes than a preview reads" in "".join(Framed(look("wide.parquet").content.decode()).words)


def test_a_reader_of_parquet_that_hangs_is_ended(look, run, monkeypatch):
    monkeypatch.setattr(tables, "PARQUET_S", 0.01)
    put_file(run, "rows.parquet", parquet(10))

    assert "within the bounds of a preview" in "".join(Framed(look("rows.parquet").content.decode()).words)


def test_the_reader_of_parquet_sees_no_secret_of_the_server(monkeypatch, project, run):
    """Its environment has what a program needs to start, and no more."""
    seen = {}
    popen = tables.subprocess.Popen
    monkeypatch.setenv("LINEAL_DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(tables.subprocess, "Popen", lambda command, **more: seen.update(more) or popen(command, **more))
    put_file(run, "rows.parquet", parquet(3))
    artifact = Artifact.objects.select_related("blob").get(run=run, path="rows.parquet")

    table = tables.parquet_table(Source(project, artifact, 1_000_000))

    assert (table.total, len(table.rows)) == (3, 3)
    assert set(seen["env"]) <= {"PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH"}


def test_a_tree_of_json_has_a_bounded_number_of_entries():
    html = str(folded([list(range(500)) for _ in range(50)]))

    assert html.count("<li>") < 1_200
    assert "more" in html


def test_a_tree_of_files_is_folded_and_finds_its_way_to_the_chosen_one(look):
    html = look("notes/read me.txt").content.decode()

    assert re.search(r"<details open><summary><span class=\"name\">notes</span>", html)
    assert 'aria-current="true"' in html


def test_files_are_searched_by_their_path(browser, alice, run):
    html = browser(alice).get(f"/projects/default/runs/{run.uuid.hex}/artifacts?q=PLOTS").content.decode()

    assert "pixel.png" in html
    assert "rows.csv" not in html


def test_the_only_file_of_a_run_is_shown_unasked(browser, alice, home, project, bob):
    run, _ = create_run(project=project, experiment="e", actor=bob)
    put_file(run, "hello.txt", b"hello there")

    assert "hello there" in browser(alice).get(f"/projects/default/runs/{run.uuid.hex}/artifacts").content.decode()
