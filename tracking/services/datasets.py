"""Dataset versions come to be when a run reads or makes them, or when someone registers one without a run."""

import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson
from django.db import transaction

from audit.services import record
from core import events
from core.access import Principal
from core.errors import Invalid
from lineage.errors import CycleRefused
from lineage.services import connect, ensure_node
from tracking.evidence import dataset_target
from tracking.limits import NAME_LENGTH, PROFILE_BYTES, SCHEMA_COLUMNS
from tracking.models import Dataset, DatasetVersion, Run, RunInput, RunOutput
from tracking.services import seals
from tracking.uses import DatasetUse, storable
from tracking.values import Rejected, Written, has_control

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


class Direction(StrEnum):
    """Which end of a run data stand at."""

    INPUT = "input"  # the run read them
    OUTPUT = "output"  # the run made them


def write_datasets(*, run: Run, uses: Sequence[DatasetUse], direction: Direction) -> Written:
    """Record what the run read or made, with its lineage. The caller holds the run's lock.
    A version that the project did not know is announced as `dataset_version.registered`.
    """
    rejected: list[Rejected] = []
    changed = False
    for use in uses:
        problem = problem_of(use)
        if problem is None:
            try:
                changed |= _mention(run, use, direction)
            except CycleRefused:
                problem = (
                    "The run made this very version, or something it came of, so it cannot have read it."
                    if direction is Direction.INPUT
                    else "The run came of this very version, so it cannot have made it."
                )
        if problem is not None:
            rejected.append(Rejected(direction.value, use.name, problem, given=use.digest))
    return Written(rejected, changed)


@transaction.atomic
def record_datasets(*, run: Run, uses: Sequence[DatasetUse], direction: Direction) -> None:
    """All of them or none. Raises Invalid naming each that cannot be stored; RunDeleted."""
    run = seals.lock_for_writing(run)
    written = write_datasets(run=run, uses=uses, direction=direction)
    if written.rejected:
        errors = [{"field": each.key or "name", "detail": each.detail} for each in written.rejected]
        raise Invalid("These dataset versions cannot be recorded.", errors=errors)
    if written.changed:
        seals.note_late_write(run)


@transaction.atomic
def register_version(*, project: Any, use: DatasetUse, actor: Principal) -> tuple[DatasetVersion, bool]:
    """A version that no run has used yet, on the record; the version, and whether it is new. Announces
    `dataset_version.registered`. Raises Invalid.
    """
    problem = problem_of(use)
    if problem is not None:
        raise Invalid(problem, field="digest")
    version, created = _ensure_version(project_id=project.id, use=use, created_by=actor.name)
    if created:
        ensure_node(project=project, kind="dataset_version", key=version.uuid.hex)
        record(
            action="dataset.register",
            target=dataset_target(version),
            actor=actor,
            project=project,
            after={"digest": version.digest, "kind": version.kind, "strength": version.strength, "uri": version.uri},
        )
        _announce(version, run=None)
    return version, created


def problem_of(use: DatasetUse) -> str | None:
    """Why this mention of a dataset cannot be stored; None if it can."""
    if not use.name or len(use.name) > NAME_LENGTH or has_control(use.name):
        return f"A dataset has a name of 1 to {NAME_LENGTH} characters without control characters."
    if use.strength == "content" and not (use.digest and _SHA256.fullmatch(use.digest)):
        return "Strength content needs the digest of the bytes, as sha256: and 64 lower-case hex digits."
    if use.digest is not None and (len(use.digest) > 100 or has_control(use.digest)):
        return "A digest has at most 100 characters."
    for field in ("context", "uri", "source_version"):
        if "\0" in (getattr(use, field) or ""):
            return f"The {field} holds NUL characters."
    if len(use.schema or ()) > SCHEMA_COLUMNS:
        return f"A schema has at most {SCHEMA_COLUMNS} columns."
    return _problem_of_json(use)


def _problem_of_json(use: DatasetUse) -> str | None:
    for field in ("schema", "profile"):
        try:
            size = len(orjson.dumps(storable(getattr(use, field))))
        except ValueError as exc:
            return f"The {field} {exc}."
        if field == "profile" and size > PROFILE_BYTES:
            return f"A profile holds at most {PROFILE_BYTES} bytes."
    return None


def identity_of(use: DatasetUse, run: Run | None = None) -> str:
    """What makes two mentions the same version: the bytes where they were hashed, else all that was said of where they are.

    Where nothing says which state of it was meant, two runs may have read different data from one address, so that each
    mention is `run`'s own.
    """
    facts: list[str | None] = ["content", use.digest]
    if use.strength != "content":
        facts = [use.strength, use.kind, use.digest, use.uri, use.source_version]
        if run is not None and not (use.digest or use.source_version):
            facts.append(run.uuid.hex)
    return sha256(orjson.dumps(facts)).hexdigest()


@transaction.atomic
def _mention(run: Run, use: DatasetUse, direction: Direction) -> bool:
    """Whether it is news; a refused one leaves nothing behind. Raises CycleRefused."""
    version, is_new = _ensure_version(project_id=run.project_id, use=use, created_by=run.created_by, run=run)
    data = ensure_node(project=run.project, kind="dataset_version", key=version.uuid.hex)
    node = ensure_node(project=run.project, kind="run", key=run.uuid.hex)
    if direction is Direction.INPUT:
        connect(src=data, dst=node, kind="used", run_key=run.uuid.hex)
        _, created = RunInput.objects.get_or_create(run=run, version=version, context=use.context)
    else:
        connect(src=node, dst=data, kind="generated", run_key=run.uuid.hex)
        _, created = RunOutput.objects.get_or_create(run=run, version=version, context=use.context)
    if is_new:
        _announce(version, run=run)
    return created


def _announce(version: DatasetVersion, *, run: Run | None) -> None:
    """A version that the project did not know; `run` is the one that brought it, where one did."""
    events.announce(
        "dataset_version.registered",
        project_id=version.dataset.project_id,
        dataset=version.dataset.name,
        version=version.uuid.hex,
        digest=version.digest,
        run=run.uuid.hex if run is not None else None,
    )


def _ensure_version(
    *, project_id: int, use: DatasetUse, created_by: str, run: Run | None = None
) -> tuple[DatasetVersion, bool]:
    dataset, _ = Dataset.objects.get_or_create(project_id=project_id, name=use.name)
    return DatasetVersion.objects.select_related("dataset").get_or_create(
        dataset=dataset,
        identity=identity_of(use, run),
        defaults={
            "digest": use.digest,
            "kind": use.kind,
            "strength": use.strength,
            "schema": storable(use.schema),
            "rows": use.rows,
            "bytes": use.bytes,
            "uri": use.uri or "",
            "source_version": use.source_version or "",
            "profile": storable(use.profile),
            "created_by": created_by,
        },
    )
