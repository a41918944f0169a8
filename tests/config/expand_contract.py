"""What a migration may do while the release before it still serves. docs/processes.md has the rule in words."""

import tomllib
from pathlib import Path

from django.db import migrations, models
from django.db.models.fields import NOT_PROVIDED

from core.schema import AddIndexLive

LAST_RELEASE = tomllib.loads((Path(__file__).parents[1] / "last_release.toml").read_text())
LARGE = {  # tables that grow with use: building an index on one must not stop its writers
    ("core", "job"),
    ("audit", "auditevent"),
    ("audit", "auditleaf"),
    *(("tracking", name) for name in ("run", "series", "chunk", "batch", "param", "tag", "artifact", "blob")),
    *(("lineage", name) for name in ("node", "edge")),
    *(("monitoring", name) for name in ("profilepart", "window", "columnresult")),
    *(("notify", name) for name in ("delivery", "attempt")),
}
FREE = (
    migrations.RunPython,  # whoever reviews it asks what older code writes meanwhile
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.RemoveConstraint,
    migrations.SeparateDatabaseAndState,  # looked into below
)
LOOSER = {"tracking_run_lifecycle", "registry_version_kept_once"}
"""Constraints that allow more than those whose place they take, as somebody has looked at."""
TAKES_AWAY = (migrations.DeleteModel, migrations.RemoveField)
RENAMES = (migrations.RenameModel, migrations.RenameField, migrations.AlterModelTable)


def problems(migration, state, *, new=None, unused=()):
    """Sentences on what the last release's code would trip over. `state` is the schema before it, and is moved on.

    `new` collects what came since the last release, as `(room, model)` and `(room, model, field)`.
    """
    new = set() if new is None else new
    found = []
    for operation in migration.operations:
        for each in _inner(operation):
            found += [
                f"{migration.app_label}.{migration.name}: {text}" for text in _look(each, migration, state, new, unused)
            ]
        operation.state_forwards(migration.app_label, state)
    if any(isinstance(each, TAKES_AWAY) for each in migration.operations) and not _raises_floor(migration):
        found.append(
            f"{migration.app_label}.{migration.name}: takes something away, and does not end with needs_release(…)"
        )
    return found


def _inner(operation):
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return operation.database_operations
    return [operation]


def _look(operation, migration, state, new, unused):
    room = migration.app_label
    model = (getattr(operation, "model_name", None) or getattr(operation, "name", "") or "").lower()
    if isinstance(operation, migrations.CreateModel):
        new.add((room, operation.name.lower()))
        return []
    if isinstance(operation, FREE) or (room, model) in new:
        return []
    look = {
        migrations.AddField: _add_field,
        migrations.AlterField: _alter_field,
        migrations.AddIndex: _add_index,
        AddIndexLive: _add_index_live,
        migrations.AddConstraint: _add_constraint,
    }.get(type(operation))
    if look is not None:
        return look(operation, migration, state, new)
    if isinstance(operation, TAKES_AWAY) and _spelling(operation, room) in {each.lower() for each in unused}:
        return []
    if isinstance(operation, TAKES_AWAY):
        return [f"takes away {_spelling(operation, room)}, which the last release did not mark as unused"]
    if isinstance(operation, RENAMES):
        return [
            f"{type(operation).__name__} takes the old name away: add the new one, copy, and take the old away later"
        ]
    return [f"{type(operation).__name__} is not on the list of what may be done in one release"]


def _spelling(operation, room):
    if isinstance(operation, migrations.RemoveField):
        return f"{room}.{operation.model_name}.{operation.name}".lower()
    return f"{room}.{operation.name}".lower()


def _add_field(operation, migration, state, new):
    new.add((migration.app_label, operation.model_name.lower(), operation.name))
    field = operation.field
    if field.null or field.many_to_many or field.db_default is not NOT_PROVIDED or getattr(field, "generated", False):
        return []
    return [
        f"the column {operation.model_name}.{operation.name} needs null=True or a db_default: older code does not fill it"
    ]


def _alter_field(operation, migration, state, new):
    model = state.models[migration.app_label, operation.model_name.lower()]
    before, after = model.fields[operation.name], operation.field
    where = f"{operation.model_name}.{operation.name}"
    if before.get_internal_type() != after.get_internal_type():
        return [f"{where} changes its type"]
    found = []
    if before.null and not after.null:
        found.append(f"{where} becomes NOT NULL")
    lengths = (before.max_length or float("inf"), after.max_length or float("inf"))
    if lengths[1] < lengths[0]:
        found.append(f"{where} becomes shorter")
    if after.unique and not before.unique:
        found.append(f"{where} becomes unique")
    if before.db_default is not NOT_PROVIDED and after.db_default is NOT_PROVIDED:
        found.append(f"{where} loses its db_default")
    if (before.db_column or "") != (after.db_column or ""):
        found.append(f"{where} changes its column")
    return found


def _add_index(operation, migration, state, new):
    if (migration.app_label, operation.model_name.lower()) in LARGE:
        return [f"the index {operation.index.name} stops the writers of a large table: use core.schema.AddIndexLive"]
    return []


def _add_index_live(operation, migration, state, new):
    return (
        [] if not migration.atomic and len(migration.operations) == 1 else ["AddIndexLive needs atomic = False, alone"]
    )


def _add_constraint(operation, migration, state, new):
    """Harmless where it speaks of nothing but columns that older code does not write."""
    room, model = migration.app_label, operation.model_name.lower()
    named = set(_fields_of(operation.constraint))
    replaces = any(isinstance(each, migrations.RemoveConstraint) for each in migration.operations)
    if operation.constraint.name in LOOSER and replaces:
        return []
    if named and all((room, model, name) in new for name in named):
        return []
    return [f"the constraint {operation.constraint.name} may refuse what older code writes"]


def _fields_of(constraint):
    yield from getattr(constraint, "fields", ())
    for expression in getattr(constraint, "expressions", ()):
        yield from (each.name for each in expression.flatten() if isinstance(each, models.F))
    condition = getattr(constraint, "condition", None)
    if condition is not None:
        yield from _fields_of_q(condition)


def _fields_of_q(q):
    for child in q.children:
        if isinstance(child, models.Q):
            yield from _fields_of_q(child)
        else:
            yield child[0].partition("__")[0]


def _raises_floor(migration):
    last = migration.operations[-1]
    return isinstance(last, migrations.RunPython) and last.code.__qualname__.startswith("needs_release.")
