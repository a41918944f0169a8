"""What this room says of its nodes, and how it finds them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tracking.lineage_kinds import describe_commits, describe_datasets, describe_runs
from tracking.models import Run
from tracking.uses import DatasetUse

COMMIT = "1a2b3c4d" * 5


def test_commits_are_looked_up_in_an_index(project, make_run):
    """Each trace passes a commit or more, and would read every run of the project for it."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite says its plan in advance; PostgreSQL's depends on what is stored")
    Run.objects.filter(pk=make_run().pk).update(code_commit=COMMIT, code_repository="git@example.org:churn.git")

    with CaptureQueriesContext(connection) as queries:
        found = describe_commits([COMMIT], project)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + queries[0]["sql"].replace("%", "%%"))
        plan = "\n".join(row[3] for row in cursor.fetchall())

    assert found[COMMIT]["repository"] == "git@example.org:churn.git"
    assert "tracking_run_commit (project_id=? AND code_commit=?)" in plan, plan


def test_runs_and_data_are_described_without_what_weighs_much(project, make_run, write):
    """One query for each kind; schemas and profiles of data stay where they are."""
    run = make_run()
    write(run, inputs=[DatasetUse(name="people", kind="file", strength="content", digest="sha256:" + "a" * 64)])
    version = run.inputs.get().version

    with CaptureQueriesContext(connection) as queries:
        told = describe_runs([run.uuid.hex, "no uuid"], project)
        data = describe_datasets([version.uuid.hex], project)

    assert len(queries) == 2
    assert "profile" not in queries[1]["sql"]
    assert told[run.uuid.hex] == {
        "label": run.name,
        "url": f"/projects/default/runs/{run.uuid.hex}",
        "status": "running",
        "experiment": run.experiment.name,
        "created_by": run.created_by,
        "created_at": run.created_at,
        "lifecycle": "active",
    }
    assert data[version.uuid.hex] == {
        "label": "people",
        "url": "/projects/default/data/people",
        "digest": "sha256:" + "a" * 64,
        "strength": "content",
        "kind_of_data": "file",
        "rows": None,
        "uri": "",
    }
