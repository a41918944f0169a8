"""`runs delete` and its like, `holds`, `deletions`, `gc` and `usage`: what is asked for, shown, and left with."""

import json

import pytest

RUN = "0192a0b000007000800000000000000a"
ID = "0192a0b0-0000-7000-8000-00000000000b"
HELD = {"id": RUN, "label": f"{RUN} first", "outcome": "held", "by": ["churn v3 holds production"], "state": "active"}


def deletion(**changes):
    return {
        "id": ID, "kind": "run", "act": "delete", "dry_run": False, "state": "done", "selection": {}, "reason": "",
        "total": 1, "done": 1, "unchanged": 0, "held": 0, "failed": 0, "points": None, "bytes": None, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("act", ["archive", "delete", "restore"])
def test_runs_are_put_away_in_one_request(signed_in, lineal, act):
    signed_in.answer("POST", "/deletions", (201, deletion(act=act)))

    result = lineal("runs", act, RUN, "--reason", "smoke test")

    assert result.exit_code == 0
    (asked,) = signed_in.asked("POST", "/deletions")
    assert asked.body == {"kind": "run", "act": act, "reason": "smoke test", "ids": [RUN]}
    assert "1 of 1" in result.stdout


def test_a_filter_is_sent_as_it_is_with_what_narrows_it(signed_in, lineal):
    signed_in.answer("POST", "/deletions", (201, deletion()))

    lineal("runs", "delete", "--where", "metrics.loss > 3", "--experiment", "triage", "--lifecycle", "archived")

    assert signed_in.asked("POST", "/deletions")[0].body == {
        "kind": "run", "act": "delete", "reason": "",
        "filter": "metrics.loss > 3", "experiments": ["triage"], "lifecycle": "archived",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [(), (RUN, "--where", "status = 'failed'"), ("--where", ""), ("--where", "  ", "--experiment", "triage")],
    ids=["nothing", "both", "an empty filter", "a blank filter"],
)
def test_a_selection_that_means_nothing_or_everything_is_refused_before_it_is_sent(signed_in, lineal, arguments):
    result = lineal("runs", "delete", *arguments)

    assert result.exit_code == 2
    assert not signed_in.asked("POST", "/deletions")


def test_a_dry_run_shows_what_goes_with_its_size_and_what_holds_the_rest(signed_in, lineal):
    going = {"id": "a", "label": "a smoke", "outcome": "done", "by": [], "state": "active", "points": 9, "bytes": 2048}
    held = {**HELD, "points": 5, "bytes": 10}
    plan = deletion(id=None, state="planned", total=2, held=1, points=9, bytes=2048, items=[going, held])
    signed_in.answer("POST", "/deletions", (200, plan))

    result = lineal("runs", "delete", "--where", "tags.smoke = 'yes'", "--dry-run")

    assert result.exit_code == 0
    header, first, second = result.stdout.splitlines()
    assert header.split() == ["WHAT", "STATE", "WOULD", "BE", "POINTS", "SIZE", "BECAUSE"]
    assert "2.0 KiB" in first
    assert "churn v3 holds production" in second
    assert "would be deleted: 1 of 2 (9 points, 2.0 KiB), 1 held; nothing was changed" in result.stderr
    assert signed_in.asked("POST", "/deletions")[0].body["dry_run"] is True
    assert json.loads(lineal("runs", "delete", RUN, "--dry-run", "--json").stdout)["items"][1] == held


def test_what_was_held_is_told_and_leaves_with_24(signed_in, lineal):
    signed_in.answer("POST", "/deletions", (201, deletion(done=0, held=1)))
    signed_in.answer("GET", f"/deletions/{ID}/items", {"items": [HELD], "next_cursor": None})

    result = lineal("runs", "delete", RUN)

    assert result.exit_code == 24
    assert "churn v3 holds production" in result.stderr
    assert json.loads(lineal("runs", "delete", RUN, "--json").stdout)["not_done"] == [HELD]


def test_a_large_selection_is_waited_for_unless_told_otherwise(signed_in, lineal):
    signed_in.answer("POST", "/deletions", (202, deletion(state="running", total=500, done=0)))
    signed_in.answer(
        "GET",
        f"/deletions/{ID}",
        deletion(state="running", total=500, done=200),
        deletion(total=500, done=500),
    )

    assert "deleted 500 of 500" in lineal("runs", "delete", "--experiment", "old").stdout
    assert ID in lineal("runs", "delete", "--experiment", "old", "--no-wait").stdout


def test_a_purge_is_not_begun_by_a_script_that_did_not_say_yes(signed_in, lineal):
    plan = deletion(id=None, act="purge", state="planned", points=0, bytes=0, items=[])
    signed_in.answer("POST", "/deletions", (200, plan), (201, deletion(act="purge")))

    result = lineal("runs", "purge", RUN)

    assert result.exit_code == 2
    assert "say --yes" in result.stderr
    assert [request.body.get("dry_run") for request in signed_in.asked("POST", "/deletions")] == [True]
    assert "purged 1 of 1" in lineal("runs", "purge", RUN, "--yes").stdout


def test_what_was_confirmed_is_purged_and_not_what_the_filter_finds_then(signed_in, lineal, monkeypatch):
    asked = []
    monkeypatch.setattr("lineal.cli.putting_away._confirm", asked.append)
    items = [{"id": RUN, "label": RUN, "outcome": "done", "by": []}]
    plan = deletion(id=None, act="purge", state="planned", points=0, bytes=0, items=items)
    signed_in.answer("POST", "/deletions", (200, plan), (201, deletion(act="purge")))

    assert "purged 1 of 1" in lineal("runs", "purge", "--where", "metrics.loss > 3").stdout

    first, second = signed_in.asked("POST", "/deletions")
    assert (first.body["dry_run"], first.body["filter"]) == (True, "metrics.loss > 3")
    assert second.body == {"kind": "run", "act": "purge", "reason": "", "ids": [RUN]}
    assert len(asked) == 1


@pytest.mark.parametrize(("held", "code"), [(0, 0), (1, 24)], ids=["none", "held"])
def test_where_nothing_would_be_purged_nothing_is_asked_for(signed_in, lineal, held, code):
    plan = deletion(
        id=None, act="purge", state="planned", total=held, done=0, held=held, points=0, bytes=0, items=[HELD] * held
    )
    signed_in.answer("POST", "/deletions", (200, plan))

    result = lineal("runs", "purge", "--where", "metrics.loss > 3")

    assert (result.exit_code, len(signed_in.asked("POST", "/deletions"))) == (code, 1), result.output
    assert f"purged 0 of {held}" in result.stdout
    assert ("churn v3 holds production" in result.stderr) == bool(held)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (("models", "versions", "delete", "churn/3"), "model_version"),
        (("models", "delete", "churn"), "model"),
        (("experiments", "delete", "triage"), "experiment"),
    ],
    ids=["versions", "models", "experiments"],
)
def test_versions_models_and_experiments_are_put_away_likewise(signed_in, lineal, command, kind):
    signed_in.answer("POST", "/deletions", (201, deletion(kind=kind)))

    assert lineal(*command).exit_code == 0
    (asked,) = signed_in.asked("POST", "/deletions")
    assert (asked.body["kind"], asked.body["ids"]) == (kind, [command[-1]])


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", "5", "--json", "churn"),
        ("churn", "--limit", "5", "--json"),
        ("list", "--json", "churn", "--limit", "5"),
    ],
    ids=["before", "after", "list"],
)
def test_options_stand_before_a_model_or_behind_it(signed_in, lineal, words):
    signed_in.answer("GET", "/models/churn/versions", {"items": [{"number": 7}], "next_cursor": None})

    done = lineal("models", "versions", *words)

    assert (done.exit_code, json.loads(done.stdout)[0]["number"]) == (0, 7), done.output
    assert signed_in.asked("GET", "/models/churn/versions")[0].query["limit"] == "5"
    assert "Usage: lineal models versions" in lineal("models", "versions", "--help").stdout


def test_versions_of_a_model_are_listed_as_before(signed_in, lineal):
    signed_in.answer("GET", "/models/churn/versions", {"items": [], "next_cursor": None})

    assert "no versions of churn" in lineal("models", "versions", "churn").stderr
    lineal("models", "versions", "list", "churn", "--deleted")
    assert [request.query.get("deleted") for request in signed_in.asked("GET", "/models/churn/versions")] == [
        None,
        "true",
    ]


def test_holds_are_put_listed_explained_and_lifted(signed_in, lineal):
    hold = {"id": ID, "kind": "model_version", "label": "churn v3", "reason": "lawsuit", "placed_by": "alice"}
    signed_in.answer("POST", "/holds", (201, hold))
    signed_in.answer("GET", "/holds", {"items": [hold], "next_cursor": None})
    signed_in.answer("POST", f"/holds/{ID}/lift", hold)
    signed_in.answer("GET", "/held", {"kind": "run", "id": RUN, "held": True, "by": ["churn v3 holds production"]})

    assert ID in lineal("holds", "add", "version", "churn/3", "--reason", "lawsuit").stdout
    assert signed_in.asked("POST", "/holds")[0].body == {"kind": "model_version", "id": "churn/3", "reason": "lawsuit"}
    assert "lawsuit" in lineal("holds", "list").stdout
    assert lineal("holds", "why", "run", RUN).stdout == "churn v3 holds production\n"
    assert lineal("holds", "remove", ID, "--reason", "settled").exit_code == 0
    assert lineal("holds", "remove", ID).exit_code == 2


def test_a_sweep_is_followed_through_its_phases(signed_in, lineal):
    counts = {"id": ID, "objects_seen": 9, "adopted": 1, "missing": 0, "marked": 2, "deleted": 3, "deleted_bytes": 2048}
    signed_in.answer("POST", "/sweeps", (202, {**counts, "phase": "objects", "finished_at": None}))
    signed_in.answer(
        "GET",
        f"/sweeps/{ID}",
        {**counts, "phase": "marks", "finished_at": None},
        {**counts, "phase": "done", "finished_at": "2026-11-21T03:14:27.000000Z"},
    )

    assert lineal("gc").stdout == "9 objects seen, 3 marked, 3 deleted (2.0 KiB)\n"


def test_usage_asks_for_all_projects_unless_one_is_named(signed_in, lineal):
    row = {"project": "default", "runs": 3, "points": 9, "metric_bytes": 10, "bin_runs": 2, "bin_versions": 1}
    signed_in.answer("GET", "/usage", [row])

    result = lineal("usage")

    assert result.stdout.splitlines()[1].split()[:3] == ["default", "3", "9"]
    assert json.loads(lineal("usage", "--project", "fraud", "--json").stdout) == [row]
    assert [request.query.get("project") for request in signed_in.asked("GET", "/usage")] == [None, "fraud"]


def test_a_trace_says_that_something_was_purged_and_why():
    from lineal.cli.graphs import label

    node = {
        "kind": "run",
        "label": "first",
        "purged": {"at": "2026-11-21T03:14:27Z", "by": "alice", "reason": "wrong data"},
    }

    assert label(node) == "run first (purged on 2026-11-21 by alice because wrong data)"
