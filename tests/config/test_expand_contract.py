"""Migrations since the last release leave its code working, and the rule that says so finds what would not."""

from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from core import schema
from core.models import SchemaFloor
from core.schema import AddIndexLive, needs_release
from tests.config.expand_contract import LARGE, LAST_RELEASE, problems

ROOT = Path(__file__).parents[2]


def new_migrations():
    """Since the last release, in the order of their application, and the schema before them."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    old = list(LAST_RELEASE["migrations"].items())
    seen = {node for each in old for node in loader.graph.forwards_plan(each)}
    rooms = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    plan = []
    for leaf in sorted(loader.graph.leaf_nodes()):
        if leaf[0] in rooms:
            plan += [node for node in loader.graph.forwards_plan(leaf) if node not in seen and node not in plan]
    return [loader.graph.nodes[node] for node in plan], loader.project_state(old)


def test_every_room_of_the_last_release_is_named():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for room, name in LAST_RELEASE["migrations"].items():
        assert (room, name) in loader.graph.nodes, f"{room}.{name} was renamed or removed: databases have it"


def test_migrations_since_the_last_release_leave_its_code_working():
    migrations_since, state = new_migrations()
    new, found = set(), []
    for migration in migrations_since:
        found += problems(migration, state, new=new, unused=LAST_RELEASE["unused"])

    assert migrations_since, "or tests/last_release.toml is of today"
    assert found == []


def test_large_tables_are_named_as_they_are():
    assert {(room, name) for room, name in LARGE if not apps.is_installed(room) or not _has(room, name)} == set()


def _has(room, name):
    return name in {model.__name__.lower() for model in apps.get_app_config(room).get_models()}


def migration(*operations, atomic=True):
    made = migrations.Migration("0099_tried", "core")
    made.operations, made.atomic = list(operations), atomic
    return made


def before():
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=100, null=True)),
        ("count", models.IntegerField(db_default=0)),
    ]
    state.add_model(ModelState("core", "Thing", fields))
    state.add_model(
        ModelState("core", "Job", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])
    )
    return state


INDEX = models.Index(fields=["name"], name="by_name")
TIGHT = models.CheckConstraint(condition=models.Q(count__gt=0), name="positive")
REFUSED = {
    "a column that older code leaves empty": (
        [migrations.AddField("Thing", "colour", models.CharField(max_length=9, default="red"))], "needs null=True or a db_default"),
    "a column taken away": ([migrations.RemoveField("Thing", "name")], "did not mark as unused"),
    "a table taken away": ([migrations.DeleteModel("Thing")], "did not mark as unused"),
    "a column renamed": ([migrations.RenameField("Thing", "name", "title")], "takes the old name away"),
    "a table renamed": ([migrations.RenameModel("Thing", "Item")], "takes the old name away"),
    "a column made required": ([migrations.AlterField("Thing", "name", models.CharField(max_length=100))], "becomes NOT NULL"),
    "a column made shorter": (
        [migrations.AlterField("Thing", "name", models.CharField(max_length=50, null=True))], "becomes shorter"),
    "a column of another type": ([migrations.AlterField("Thing", "name", models.TextField(null=True))], "changes its type"),
    "a column made unique": (
        [migrations.AlterField("Thing", "name", models.CharField(max_length=100, null=True, unique=True))], "becomes unique"),
    "a default of the database taken away": (
        [migrations.AlterField("Thing", "count", models.IntegerField())], "loses its db_default"),
    "a constraint on old columns": ([migrations.AddConstraint("Thing", TIGHT)], "may refuse what older code writes"),
    "an index that stops a large table": ([migrations.AddIndex("Job", INDEX)], "AddIndexLive"),
    "an index beside the writers, in a transaction": ([AddIndexLive("Job", INDEX)], "atomic = False"),
    "SQL that nobody can read": ([migrations.RunSQL("SELECT 1")], "is not on the list"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED, ids=[name.replace(" ", "-") for name in REFUSED])
def test_what_would_break_the_last_release_is_found(name):
    operations, words = REFUSED[name]

    found = problems(migration(*operations), before())

    assert words in " ".join(found)


ALLOWED = {
    "a new table": [migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))])],
    "a nullable column": [migrations.AddField("Thing", "colour", models.TextField(null=True))],
    "a column that the database fills": [migrations.AddField("Thing", "size", models.IntegerField(db_default=0))],
    "a wider column": [migrations.AlterField("Thing", "name", models.CharField(max_length=200, null=True))],
    "an index on a small table": [migrations.AddIndex("Thing", INDEX)],
    "a constraint on a new column": [
        migrations.AddField("Thing", "size", models.IntegerField(db_default=1)),
        migrations.AddConstraint("Thing", models.CheckConstraint(condition=models.Q(size__gt=0), name="sized")),
    ],
}


@pytest.mark.parametrize("name", ALLOWED, ids=[name.replace(" ", "-") for name in ALLOWED])
def test_what_older_code_does_not_notice_is_allowed(name):
    assert problems(migration(*ALLOWED[name]), before()) == []


def test_what_was_marked_as_unused_may_go_with_the_release_that_says_so():
    unused = ["core.Thing.name"]
    gone = migrations.RemoveField("Thing", "name")

    assert problems(migration(gone, needs_release("0.3.0")), before(), unused=unused) == []
    assert "needs_release" in " ".join(problems(migration(gone), before(), unused=unused))


def test_an_index_beside_the_writers_stands_alone():
    assert problems(migration(AddIndexLive("Job", INDEX), atomic=False), before()) == []


def test_an_index_is_built_beside_the_writers(transactional_db):
    """On PostgreSQL that works outside a transaction only, which is why the migration must have none."""
    index = models.Index(fields=["created_at"], name="job_tried")
    state = ProjectState.from_apps(apps)
    after = state.clone()
    operation = AddIndexLive("Job", index)
    operation.state_forwards("core", after)
    try:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("core", editor, state, after)
        assert "job_tried" in _indexes()
    finally:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("core", editor, after, state)
    assert "job_tried" not in _indexes()


def _indexes():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, "core_job")


@pytest.mark.parametrize(
    ("floor", "fits"), [("0.0.9", True), (schema.release(), True), (f"{schema.release()}rc1", True), ("99.1", False)]
)
def test_code_older_than_the_floor_refuses_in_words(db, monkeypatch, floor, fits):
    monkeypatch.setattr(schema._Known, "complete", False)
    SchemaFloor.objects.create(release=floor)

    misfit = schema.find_misfit()

    assert (misfit is None) is fits
    if misfit:
        assert not misfit.may_pass
        assert "this is Lineal" in misfit.detail


def test_the_floor_is_raised_and_never_lowered(transactional_db):
    state = ProjectState.from_apps(apps)
    for release, stands in (("0.3.0", "0.3.0"), ("0.10", "0.10"), ("0.4.0", "0.10")):
        with connection.schema_editor() as editor:
            needs_release(release).database_forwards("core", editor, state, state)
        assert schema.find_floor() == stands
