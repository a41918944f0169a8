"""What filters find, held against a naive reading of the same filters over the same runs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from tests.tracking.searching import IDS, START, Row, filters, literal, passes, random_rows, save, written
from tracking.errors import ExperimentNotFound
from tracking.models import Experiment, Run
from tracking.search import InvalidFilter, count_runs, parse, search_runs

IN_ONE_STORE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture
def make_runs(project):
    """`make_runs(a={"metrics": {"loss": [0.1]}}, b={})`: runs of these names, oldest first."""

    def make(**named):
        rows = []
        for number, (name, parts) in enumerate(named.items()):
            attributes = {"id": IDS[number], "name": name, "created_at": START} | parts.pop("attributes", {})
            rows.append(Row(attributes, **parts))
        return save(project, rows)

    return make


@pytest.fixture
def found(project):
    """`found("metrics.loss < 1")`: names of the runs that pass, sorted."""

    def search(text, **options):
        return sorted(run.name for run in search_runs(project=project, filter=text, **options).items)

    return search


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_finds_what_a_naive_reading_finds(project, seed):
    """The same store, thousands of random filters: both databases agree with plain Python, and so with each other."""
    rows = save(project, random_rows(seed))

    @IN_ONE_STORE
    @given(filters)
    def agree(expr):
        page = search_runs(project=project, filter=written(expr), limit=100)

        expected = [row.pk for row in reversed(rows) if passes(expr, row)]
        assert [run.pk for run in page.items] == expected
        assert count_runs(project=project, filter=written(expr)) == len(expected)

    agree()


def test_a_missing_key_passes_no_comparison_and_not_inverts(make_runs, found):
    make_runs(has={"params": {"opt": "sgd"}, "metrics": {"loss": [2.0]}}, bare={})

    assert found("params.opt != 'adam'") == ["has"]
    assert found("NOT params.opt = 'adam'") == ["bare", "has"]
    assert found("metrics.loss > 1") == ["has"]
    assert found("NOT metrics.loss > 1") == ["bare"]
    assert found("NOT (NOT metrics.loss > 1)") == ["has"]
    assert found("metrics.loss IS NULL") == ["bare"]
    assert found("params.opt NOT IN ('adam') AND params.opt IS NOT NULL") == ["has"]


def test_nan_passes_no_comparison_but_is_found_as_nan(make_runs, found):
    make_runs(diverged={"metrics": {"loss": [1.0, float("nan")]}}, fine={"metrics": {"loss": [1.0]}}, bare={})

    assert found("metrics.loss = 1 OR metrics.loss != 1") == ["fine"]
    assert found("metrics.loss IS NAN") == ["diverged"]
    assert found("metrics.loss IS NOT NAN") == ["fine"]
    assert found("metrics.loss IS NOT NULL") == ["diverged", "fine"]
    assert found("max(metrics.loss) = 1") == ["diverged", "fine"]


def test_aggregates_read_the_summary(make_runs, found):
    make_runs(dip={"metrics": {"loss": [3.0, 0.5, 2.0]}}, flat={"metrics": {"loss": [2.0]}})

    assert found("min(metrics.loss) < 1") == ["dip"]
    assert found("MAX(metrics.loss) >= 3") == ["dip"]
    assert found("last(metrics.loss) = 2") == ["dip", "flat"]
    assert found("count(metrics.loss) > 2.5") == ["dip"]
    assert found("count(metrics.loss) = 2.5") == []
    assert found("count(metrics.loss) < inf") == ["dip", "flat"]


def test_params_compare_as_numbers_with_numbers_and_as_text_with_text(make_runs, found):
    make_runs(short={"params": {"lr": 0.1}}, long={"params": {"lr": "0.10"}}, word={"params": {"lr": "auto"}})

    assert found("params.lr = 0.1") == ["long", "short"]
    assert found("params.lr = '0.1'") == ["short"]
    assert found("params.lr != 0.1") == []
    assert found("params.lr != '0.1'") == ["long", "word"]
    assert found("params.lr < 1e9") == ["long", "short"]
    assert found("params.lr > 'a'") == ["word"]


def test_a_boolean_param_is_found_by_its_word(make_runs, found):
    make_runs(on={"params": {"amp": True}}, off={"params": {"amp": False}})

    assert found("params.amp = true") == ["on"]
    assert found("params.amp = 'false'") == ["off"]


def test_long_values_are_compared_beyond_what_is_indexed(make_runs, found):
    same = "x" * 200
    make_runs(one={"params": {"p": same + "1"}}, two={"params": {"p": same + "2"}}, short={"params": {"p": same}})

    assert found(f"params.p = '{same}1'") == ["one"]
    assert found(f"params.p = '{same}'") == ["short"]
    assert found(f"params.p != '{same}1'") == ["short", "two"]
    assert found(f"params.p IN ('{same}', '{same}2')") == ["short", "two"]
    assert found("params.p LIKE '%2'") == ["two"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("LIKE 'res%'", ["lower"]),
        ("ILIKE 'res%'", ["lower", "upper"]),
        ("LIKE 'Res_et'", ["upper"]),
        ("LIKE 'res_et'", ["lower"]),
        ("ILIKE '%ÄÖ%'", ["umlaut"]),
        ("LIKE '%ÄÖ%'", []),
        ("LIKE '100\\%'", ["percent"]),
        ("LIKE '100%'", ["percent", "plain"]),
        ("LIKE '[a]*?'", ["glob"]),
        ("ILIKE '[A]*?'", ["glob"]),
        ("ILIKE '(.*)+$'", ["regex"]),
        ("ILIKE '***:(?i)\\\\d'", []),
        ("NOT LIKE '%e%'", ["glob", "percent", "plain", "regex", "umlaut"]),
    ],
)
def test_patterns_mean_the_same_on_every_database(make_runs, found, pattern, names):
    values = {"lower": "resnet", "upper": "ResNet", "umlaut": "xäöy", "percent": "100%", "plain": "1000"}
    values |= {"glob": "[a]*?", "regex": "(.*)+$"}
    make_runs(**{name: {"tags": {"t": value}} for name, value in values.items()}, bare={})

    assert found(f"tags.t {pattern}") == names


def test_each_dataset_comparison_looks_for_its_own(make_runs, found):
    make_runs(
        one={"datasets": [("users", "sha256:a", "train"), ("orders", None, "eval")]},
        two={"datasets": [("users", "sha256:b", "")]},
        none={},
    )

    assert found("datasets.name = 'users' AND datasets.context = 'eval'") == ["one"]
    assert found("dataset.digest = 'sha256:b'") == ["two"]
    assert found("datasets.name != 'users'") == ["one"]
    assert found("NOT datasets.name = 'users'") == ["none"]
    assert found("datasets.context IS NULL") == ["none", "two"]


def test_attributes_take_the_names_that_other_trackers_use(make_runs, found):
    make_runs(
        old={"attributes": {"status": "failed", "host": "node-1", "created_by": "bob"}},
        new={"attributes": {"created_at": START.replace(month=6), "parent": IDS[0], "code.commit": "c0ffee"}},
    )

    assert found("attributes.status = 'FAILED'") == ["old"]
    assert found("run_name = 'new' AND attr.start_time > 1767225600000") == ["new"]
    assert found("created_at < '2026-02-01' AND user = 'bob'") == ["old"]
    assert found("attribute.parent_run_id IS NULL") == ["old"]
    assert found(f"parent = '{IDS[0]}'") == ["new"]
    assert found(f"run_id = '{IDS[1].hex.upper()}'") == ["new"]
    assert found("attributes.code.commit = 'c0ffee' AND host IS NULL") == ["new"]
    assert found("host != 'node-2'") == ["old"]
    assert found("experiment_name ILIKE 'CHURN'") == ["new", "old"]


def test_deleted_and_archived_runs_stay_out_unless_asked_for(make_runs, found):
    make_runs(here={}, gone={"attributes": {"lifecycle": "deleted"}}, old={"attributes": {"lifecycle": "archived"}})

    assert found("") == ["here"]
    assert found("", lifecycle="deleted") == ["gone"]
    assert found("", lifecycle="all") == ["gone", "here", "old"]
    assert found("lifecycle = 'archived'", lifecycle="all") == ["old"]
    with pytest.raises(Invalid, match="lifecycle is one of"):
        found("", lifecycle="forgotten")


def test_experiments_are_named_and_deleted_ones_hide_their_runs(make_runs, found):
    make_runs(
        a={"attributes": {"experiment": "a"}, "metrics": {"loss": [1.0]}},
        b={"attributes": {"experiment": "b"}, "metrics": {"loss": [1.0]}},
        c={"attributes": {"experiment": "c"}, "metrics": {"loss": [1.0]}},
    )
    Experiment.objects.filter(name="c").update(deleted_at=START)

    for text in ("", "metrics.loss = 1", "NOT metrics.loss = 2"):
        for order_by in ((), ["metrics.loss"], ["metrics.absent"]):
            assert found(text, order_by=order_by) == ["a", "b"]
            assert found(text, order_by=order_by, experiments=["b", "c"]) == ["b"]
            assert found(text, order_by=order_by, experiments=["c"]) == []
            assert found(text, order_by=order_by, experiments=[]) == []
    for name in ("nothing", "a\0", "a' OR 1=1"):
        with pytest.raises(ExperimentNotFound):
            found("", experiments=["a", name])


def test_a_project_of_more_experiments_than_can_be_named_is_searched_all_the_same(make_runs, found, monkeypatch):
    monkeypatch.setattr("tracking.search.selection.SEARCH_EXPERIMENTS", 1)
    make_runs(
        a={"attributes": {"experiment": "a"}, "metrics": {"loss": [1.0]}},
        b={"attributes": {"experiment": "b"}, "metrics": {"loss": [2.0]}},
        c={"attributes": {"experiment": "c"}, "metrics": {"loss": [3.0]}},
    )
    Experiment.objects.filter(name="c").update(deleted_at=START)

    assert found("metrics.loss > 1", order_by=["metrics.loss"]) == ["b"]
    assert found("NOT metrics.loss > 1") == ["a"]


def test_runs_of_another_project_are_never_found(make_runs, make_project, found):
    """Mallory's project may use the same keys and values."""
    make_runs(ours={"metrics": {"loss": [1.0]}, "params": {"p": 1}})
    theirs = make_project("theirs")
    save(theirs, [Row({"id": IDS[0], "name": "theirs"}, metrics={"loss": [1.0]}, params={"p": 1})])

    for text in ("", "metrics.loss = 1", "params.p = 1 OR name = 'theirs'", "NOT params.p = 2"):
        for order_by in ((), ["metrics.loss"], ["params.p", "name"]):
            assert found(text, order_by=order_by) == ["ours"]
    assert count_runs(project=theirs, filter="metrics.loss = 1") == 1


INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE tracking_run; --",
    '" OR ""="',
    "\\' OR 1=1 --",
    "\\",
    "%' OR '%'='",
    "%s %(a)s {0} {}",
    "＇ OR １＝１",
    "\u02bc OR 1=1",
    "$$; DELETE FROM tracking_run; $$",
    "/* */ UNION SELECT 1",
    "x`; --",
]


@pytest.mark.parametrize("payload", INJECTIONS)
def test_an_injection_is_only_ever_a_value(make_runs, found, payload):
    make_runs(
        target={"tags": {"t": payload}, "params": {"p": payload}}, other={"tags": {"t": "x"}, "params": {"p": "x"}}
    )
    said = literal(payload)

    assert found(f"tags.t = {said}") == ["target"]
    assert found(f"params.p IN ({said})") == ["target"]
    assert found(f"tags.t BETWEEN {said} AND {said}") == ["target"]
    assert found(f"name = {said} OR datasets.name = {said} OR experiment = {said}") == []
    assert "other" not in found(f"tags.t LIKE {said}") + found(f"tags.t ILIKE {said}")
    key = payload.replace("\\", "\\\\").replace('"', '\\"')
    assert found(f'metrics."{key}" > 0 OR params."{key}" = 1') == []
    assert found("", order_by=[f'tags."{key}" DESC']) == ["other", "target"]
    assert Run.objects.count() == 2


@pytest.mark.parametrize("payload", INJECTIONS)
def test_an_injection_out_of_quotes_is_no_filter(make_runs, found, payload):
    make_runs(one={}, two={})

    with pytest.raises(InvalidFilter):
        found(f"name = 'one' {payload}")
    with pytest.raises(InvalidFilter):
        found("", order_by=[f"name {payload}"])
    assert Run.objects.count() == 2


WORDS = [
    "metrics.",
    "params.a",
    "tags.`x",
    "name",
    "(",
    ")",
    "=",
    "<",
    "'",
    '"',
    "`",
    "\\",
    "1",
    "-",
    "e9",
    "in",
    "and",
]
WORDS += [
    "or",
    "not",
    "like",
    "is",
    "null",
    "nan",
    "between",
    ",",
    " ",
    "min(",
    "status",
    "id",
    "created_at",
    "\0",
    "é",
]


def test_whatever_is_written_is_searched_or_refused(project):
    """Nothing a user may type becomes an error of ours, or of the database."""
    save(project, random_rows(7, count=3))
    outcomes = set()

    @settings(IN_ONE_STORE, max_examples=300)
    @given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=14).map("".join) | filters.map(written))
    def harmless(text):
        try:
            search_runs(project=project, filter=text)
            outcomes.add("searched")
        except InvalidFilter:
            outcomes.add("refused")

    harmless()
    assert outcomes == {"searched", "refused"}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_text_can_be_quoted(text):
    assert parse(f"tags.t = {literal(text)}").value == text


@given(filters)
def test_what_is_written_is_read_as_it_was_meant(expr):
    assert parse(written(expr)) == expr
