"""Data: datasets and versions, what is in them, who used them, and all that came of each, what serves now first."""

import csv
import json
import re
from io import StringIO
from uuid import uuid4

import lineal
import numpy as np
import pytest

from core.access import Role
from core.storage import get_store
from lineage.services import connect, ensure_node
from registry import selectors, services
from tests.registry.factories import new_artifact, new_version
from tests.web.story import DIGEST, EVIL, new_run
from tests.web.test_pages import Inspector
from tracking.models import DatasetVersion
from tracking.services.datasets import Direction, record_datasets
from tracking.uses import DatasetUse

pytestmark = pytest.mark.django_db

DATA = "/projects/default/data"
TABLE = {"age": np.arange(400) % 60 + 20.0, "city": np.array(["Oslo", "Bergen", EVIL, "Oslo"] * 100, object)}


def impact_of(number):
    version = DatasetVersion.objects.get(dataset__name="train", digest=f"sha256:{number:064x}")
    return f"/projects/default/impact/{version.uuid}"


def whats(page):
    return re.findall(r'<th scope="row" class="any">.*?<bdi>(.*?)</bdi>', page.split("<tbody>")[1])


def test_the_list_counts_versions_and_runs_and_is_filtered_and_sorted(browser, bob, past):
    visitor = browser(bob)
    page = visitor.get(DATA).content.decode()
    rows = {row.split("<bdi>")[1].split("<")[0]: row for row in page.split("<tbody>")[1].split("</tr>")[:-1]}

    assert list(rows) == ["holdout", "train"]
    assert 'data-label="Versions" class="num">3<' in rows["train"]
    assert 'data-label="Runs" class="num">3<' in rows["holdout"]
    assert whats(visitor.get(f"{DATA}?q=TRA").content.decode()) == ["train"]
    assert whats(visitor.get(f"{DATA}?sort=-name").content.decode()) == ["train", "holdout"]
    assert whats(visitor.get(f"{DATA}?sort=-versions").content.decode()) == ["train", "holdout"]
    assert "No dataset is like that" in visitor.get(f"{DATA}?strength=path").content.decode()
    assert visitor.get(f"{DATA}?strength=iron").status_code == 422


@pytest.mark.parametrize(
    ("most", "said"),
    [(2, "2+"), (3, "2"), (1_000, "2")],
    ids=["more uses than are looked at", "as many", "few"],
)
def test_a_list_counts_each_run_once_and_not_without_end(browser, bob, project, monkeypatch, most, said):
    """One run read it for two purposes, another once; beyond `most` uses the number is the least it can be."""
    monkeypatch.setattr("web.views.data.MOST_USES", most)
    for number, contexts in enumerate((["train", "eval"], ["train"])):
        run = new_run(project, bob, name=str(number), finish=False)
        uses = [DatasetUse("rows", DIGEST, "file", "content", context=context) for context in contexts]
        record_datasets(run=run, direction=Direction.INPUT, uses=uses)

    page = browser(bob).get(DATA).content.decode()
    cell = page.split('data-label="Runs" class="num">')[1].split("</td>")[0]
    assert re.sub("<[^>]+>", "", cell) == said


def use_table(project, by, *, profile=None, rows=400):
    """A run that read a table, and kept its profile as the client would."""
    run = new_run(project, by, finish=False)
    use = DatasetUse(
        name="train", digest="sha256:" + "cd" * 32, kind="frame", strength="content", context="train", rows=rows,
        schema=[{"name": "age", "type": "f64"}, {"name": "city", "type": "utf8"}],
        profile={"rows": rows, "columns": {"age": {"nulls": 4, "min": 20.0, "max": 79.0, "mean": 49.5}}},
    )  # fmt: skip
    record_datasets(run=run, uses=[use], direction=Direction.INPUT)
    if profile is not None:
        content = profile.to_bytes()
        artifact = new_artifact(run, "lineal/profiles/train.lineal-profile", content)
        store = get_store()
        key = store.new_staging_key()
        store.write_part(key, 0, [content], max_bytes=len(content))
        store.publish(key, project.uuid, artifact.blob.sha256)
    return run


def test_a_table_s_columns_stand_with_what_is_missing_and_their_range(browser, bob, project):
    use_table(project, bob)
    page = browser(bob).get(f"{DATA}/train").content.decode()
    row = page.split("<bdi>age</bdi>")[1].split("</tr>")[0]

    assert re.findall(r'class="num">(.*?)<', row) == ["1.0%", "20", "49.5", "79"]
    assert 'class="mini"' not in page


def test_distributions_are_drawn_from_the_profile_that_a_run_kept(browser, bob, project):
    use_table(project, bob, profile=lineal.profile(TABLE))
    page = browser(bob).get(f"{DATA}/train").content.decode()
    inspected = Inspector(page)

    assert page.count('class="mini"') == 2
    assert "Oslo: 50.0%" in page
    assert EVIL in "".join(inspected.words)
    assert inspected.faults == []


def test_a_profile_of_other_rows_is_not_shown_for_these(browser, bob, project):
    """The file is named after the dataset, not the version: what does not fit the version says nothing of it."""
    use_table(project, bob, profile=lineal.profile(TABLE), rows=7)

    assert 'class="mini"' not in browser(bob).get(f"{DATA}/train").content.decode()


def test_a_spoilt_profile_spoils_no_page(browser, bob, project):
    class Spoilt:
        def to_bytes(self):
            return b"lineal-profile/1\n" + b"\0" * 40

    use_table(project, bob, profile=Spoilt())
    answer = browser(bob).get(f"{DATA}/train")

    assert answer.status_code == 200
    assert 'class="mini"' not in answer.content.decode()


def test_who_used_a_version_is_listed_and_can_be_searched(browser, bob, past):
    visitor = browser(bob)
    page = visitor.get(f"{DATA}/holdout").content.decode()
    search = re.search(r'class="more" href="([^"]*runs\?filter=[^"]+)"', page)[1].replace("&amp;", "&")

    assert "3 runs" in page
    assert visitor.get(search).status_code == 200


def test_impact_lists_what_serves_now_first(browser, bob, past):
    visitor = browser(bob)
    live = whats(visitor.get(impact_of(3)).content.decode())
    past_page = visitor.get(impact_of(1)).content.decode()

    assert live[:2] == ["churn v3 at us-1", "churn v3 at eu-1"]
    assert live[2] == "churn v3"
    assert "2 deployments serve now" in visitor.get(impact_of(3)).content.decode()
    assert "Nothing that serves now was made of these data." in past_page
    assert past_page.count(">ended<") == 2


@pytest.mark.parametrize(
    ("kind", "count"), [("live", 2), ("deployment", 2), ("model_version", 1), ("run", 1), ("dataset_version", 0)]
)
def test_impact_is_filtered_by_kind(browser, bob, past, kind, count):
    page = browser(bob).get(f"{impact_of(3)}?kind={kind}").content.decode()

    assert (len(whats(page)) if "<tbody>" in page else 0) == count


def test_impact_is_read_page_by_page_and_nothing_twice(browser, bob, project, past, monkeypatch):
    monkeypatch.setattr("web.views.data.SHOWN_IMPACT", 3)
    version = DatasetVersion.objects.get(dataset__name="holdout")
    visitor, address, seen = browser(bob), f"/projects/default/impact/{version.uuid}", []
    while address:
        page = visitor.get(address).content.decode()
        seen += whats(page)
        found = re.search(r'<a class="button" href="(\?[^"]*cursor[^"]+)"', page)
        address = f"/projects/default/impact/{version.uuid}{found[1].replace('&amp;', '&')}" if found else ""

    assert len(seen) == 12  # six deployments, three versions, three runs
    assert seen[:2] == ["churn v3 at us-1", "churn v3 at eu-1"]


def test_data_made_of_it_lead_on(browser, bob, project, past):
    """What was trained on a dataset that was made of this one counts too."""
    source = new_run(project, bob, finish=False)
    raw = DatasetUse(name="raw", digest="sha256:" + "ef" * 32, kind="file", strength="content")
    record_datasets(run=source, uses=[raw], direction=Direction.INPUT)
    train = DatasetVersion.objects.get(dataset__name="train", digest=f"sha256:{3:064x}")
    node = ensure_node(project=project, kind="run", key=source.uuid.hex)
    connect(src=node, dst=ensure_node(project=project, kind="dataset_version", key=train.uuid.hex), kind="generated")
    version = DatasetVersion.objects.get(dataset__name="raw")

    assert "churn v3 at eu-1" in whats(browser(bob).get(f"/projects/default/impact/{version.uuid}").content.decode())


def test_the_export_has_everything_and_what_looks_like_a_formula_stays_text(browser, bob, project, past):
    production = selectors.get_environment(project=project, name="production")
    target = '=HYPERLINK("http://evil.example","x")'
    services.report_deployment(version=past.versions[2], environment=production, target=target, actor=bob)
    visitor = browser(bob)
    table = visitor.get(f"{impact_of(3)}/export?format=csv")
    rows = list(csv.DictReader(StringIO(table.content.decode())))
    whole = json.loads(visitor.get(f"{impact_of(3)}/export?format=json").content)

    assert table.headers["Content-Disposition"].startswith('attachment; filename="impact-')
    assert len(rows) == len(whole["items"]) == 5
    assert [row["live"] for row in rows] == ["True"] * 3 + ["False"] * 2
    assert f"'{target}" in {row["target"] for row in rows}
    assert target in {item["target"] for item in whole["items"]}
    assert whole["truncated"] is False
    assert all(row["page"].startswith("http://testserver/projects/default/") for row in rows)


def test_a_cut_is_told_on_the_page_and_in_the_file_s_name(browser, bob, past, monkeypatch):
    monkeypatch.setattr("web.impacts.MOST_WALKED", 3)
    visitor = browser(bob)

    assert "Cut short." in visitor.get(impact_of(3)).content.decode()
    assert "-cut-short.csv" in visitor.get(f"{impact_of(3)}/export").headers["Content-Disposition"]


@pytest.mark.parametrize("query", ["?kind=love", "?cursor=bm9wZQ", "?cursor=Wy01XQ", "/export?format=exe"])
def test_a_question_that_is_none_is_refused(browser, bob, past, query):
    assert browser(bob).get(f"{impact_of(3)}{query}").status_code == 422


def test_an_impact_of_another_project_is_a_page_of_nothing(browser, make_project, make_account, principal, past):
    neighbour = make_account("nina")
    make_project("next-door", admin=neighbour)
    visitor = browser(principal(neighbour))

    for path in (impact_of(3), f"{impact_of(3)}/export", f"/projects/default/impact/{uuid4()}"):
        assert visitor.get(path).status_code == 404
        assert visitor.get(path.replace("/default/", "/next-door/")).status_code == 404


def test_the_pages_cost_a_bounded_number_of_queries(
    browser, make_member, bob, project, past, django_assert_max_num_queries
):
    for _ in range(15):
        new_version(project, bob, model="churn", inputs=[("train", f"sha256:{3:064x}", "content")])
    visitor = browser(make_member("vera", Role.VIEWER))
    visitor.get(DATA)

    with django_assert_max_num_queries(12):
        visitor.get(DATA)
    with django_assert_max_num_queries(24):
        visitor.get(impact_of(3))
    with django_assert_max_num_queries(45):
        visitor.get(f"{DATA}/train?version=sha256:{3:064x}")
