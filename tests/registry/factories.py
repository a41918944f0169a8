"""Runs and versions made straight in the tables, for tests that only need them to be there."""

import hashlib
from itertools import count

from core.clock import now
from core.ids import uuid7
from lineage.services import connect, ensure_node
from registry import services
from tracking.models import (
    Artifact,
    Blob,
    Dataset,
    DatasetVersion,
    EnvironmentLock,
    Experiment,
    Run,
    RunInput,
    Seal,
    Series,
)

_numbers = count(1)


def new_run(project, by, *, metrics=None, inputs=(), commit="", lock="", sealed=True, dirty=False):
    """A finished and sealed run of `by`, with metrics, inputs as (name, digest, strength), a commit and the text of a
    lock file.
    """
    experiment, _ = Experiment.objects.get_or_create(project=project, name="churn", defaults={"created_by": by.name})
    run = Run.objects.create(
        uuid=uuid7(),
        project=project,
        experiment=experiment,
        name="run",
        status="finished" if sealed else "running",
        created_by_id=by.id,
        created_by=by.name,
        code_commit=commit,
        code_dirty=dirty,
        environment=_lock(project, lock) if lock else None,
        sealed=sealed,
    )
    for key, value in (metrics or {}).items():
        new_series(run, key, value)
    node = ensure_node(project=project, kind="run", key=run.uuid.hex)
    for name, digest, strength in inputs:
        _use_dataset(run, node, name, digest, strength)
    for kind, key in (("code_commit", commit), ("environment", run.environment and run.environment.digest)):
        if key:
            connect(src=ensure_node(project=project, kind=kind, key=key), dst=node, kind="used")
    if sealed:
        seal_run(run)
    return run


def new_series(run, key, value):
    """One metric; of a list the last value is the last."""
    values = value if isinstance(value, list) else [value]
    numbers = [v for v in values if v is not None]
    Series.objects.create(
        run=run,
        experiment=run.experiment,
        key=key,
        count=len(values),
        last=values[-1],
        last_step=len(values),
        last_time=0,
        min=min(numbers, default=None),
        max=max(numbers, default=None),
    )


def seal_run(run):
    number = Seal.objects.filter(run=run).count() + 1
    run.sealed, run.status = True, "finished"
    run.save()
    return Seal.objects.create(run=run, number=number, digest="sha256:" + "5" * 64, event_id=uuid7())


def new_artifact(run, path, content=b"weights", *, state=Blob.State.VERIFIED):
    """Bytes of a run under a path, in the state that is asked for. Nothing is stored: this room reads states alone."""
    blob, _ = Blob.objects.get_or_create(
        project=run.project,
        sha256=hashlib.sha256(content).hexdigest(),
        defaults={"size": len(content), "state": state, "checked_at": now()},
    )
    return Artifact.objects.create(run=run, path=path, blob=blob)


def new_version(project, by, *, model="fraud", verified=True, content=None, run=None, **options):
    """A version of "fraud", verified unless told otherwise; each has bytes of its own."""
    run = run or new_run(project, by, **options)
    state = Blob.State.VERIFIED if verified else Blob.State.UNVERIFIED
    new_artifact(run, "model.bin", content or f"weights {next(_numbers)}".encode(), state=state)
    version, _ = services.register_version(
        project=project, model=model, run_id=run.uuid, artifact="model.bin", actor=by
    )
    return services.review_version(version_id=version.pk) if verified else version


def _lock(project, text):
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return EnvironmentLock.objects.get_or_create(project=project, digest=digest, defaults={"lock": text})[0]


def _use_dataset(run, node, name, digest, strength):
    dataset, _ = Dataset.objects.get_or_create(project=run.project, name=name)
    version, _ = DatasetVersion.objects.get_or_create(
        dataset=dataset,
        identity=hashlib.sha256(f"{digest}{strength}".encode()).hexdigest(),
        defaults={"digest": digest, "kind": "file", "strength": strength, "created_by": "x"},
    )
    RunInput.objects.create(run=run, version=version, context=name)
    data = ensure_node(project=run.project, kind="dataset_version", key=version.uuid.hex)
    connect(src=data, dst=node, kind="used")
