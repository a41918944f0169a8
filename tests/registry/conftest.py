"""Runs, versions and policies to promote, made straight in the tables where this room only reads them."""

import hashlib
from itertools import count

import pytest

from audit.testing import let_flush_pass_guards
from core.clock import now
from core.ids import uuid7
from lineage.services import connect, ensure_node
from registry import selectors, services
from registry.services.promotions import Request
from tracking.models import Artifact, Blob, Dataset, DatasetVersion, Experiment, Run, RunInput, Seal, Series

let_flush_pass_guards()


@pytest.fixture
def make_run(project):
    """A finished and sealed run of `by`, with metrics, inputs as (name, digest, strength), a commit and an environment."""

    def make(by, *, metrics=None, inputs=(), commit="", lock="", sealed=True, of=None):
        home = of or project
        experiment, _ = Experiment.objects.get_or_create(project=home, name="churn", defaults={"created_by": by.name})
        run = Run.objects.create(
            uuid=uuid7(),
            project=home,
            experiment=experiment,
            name="run",
            status="finished" if sealed else "running",
            created_by_id=by.id,
            created_by=by.name,
            code_commit=commit,
            sealed=sealed,
        )
        for key, value in (metrics or {}).items():
            make_series(run, key, value)
        node = ensure_node(project=home, kind="run", key=run.uuid.hex)
        for name, digest, strength in inputs:
            _use_dataset(run, node, name, digest, strength)
        for kind, key in (("code_commit", commit), ("environment", lock)):
            if key:
                connect(src=ensure_node(project=home, kind=kind, key=key), dst=node, kind="used")
        if sealed:
            seal_run(run)
        return run

    return make


def make_series(run, key, value):
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


def _use_dataset(run, node, name, digest, strength):
    dataset, _ = Dataset.objects.get_or_create(project=run.project, name=name)
    version, _ = DatasetVersion.objects.get_or_create(
        dataset=dataset,
        identity=hashlib.sha256(f"{digest}{strength}".encode()).hexdigest(),
        defaults={"digest": digest, "kind": "file", "strength": strength, "created_by": "x"},
    )
    RunInput.objects.create(run=run, version=version, context=name)
    data = ensure_node(project=run.project, kind="dataset_version", key=str(version.uuid))
    connect(src=data, dst=node, kind="used")


@pytest.fixture
def make_artifact():
    """Bytes of a run under a path, in the state that is asked for. Nothing is stored: this room reads states alone."""

    def make(run, path, content=b"weights", *, state=Blob.State.VERIFIED):
        blob, _ = Blob.objects.get_or_create(
            project=run.project,
            sha256=hashlib.sha256(content).hexdigest(),
            defaults={"size": len(content), "state": state, "checked_at": now()},
        )
        return Artifact.objects.create(run=run, path=path, blob=blob)

    return make


@pytest.fixture
def make_version(make_run, make_artifact, project, bob):
    """`make_version(metrics={"auc": 0.9})`: a verified version of "fraud", made by Bob; each call has bytes of its own."""
    numbers = count(1)

    def make(*, by=None, model="fraud", verified=True, content=None, of=None, run=None, **options):
        author = by or bob
        run = run or make_run(author, of=of, **options)
        state = Blob.State.VERIFIED if verified else Blob.State.UNVERIFIED
        make_artifact(run, "model.bin", content or f"weights {next(numbers)}".encode(), state=state)
        holder = services.ensure_model(project=of or project, name=model, actor=author)
        version, _ = services.register_version(model=holder, run=run, artifact="model.bin", actor=author)
        if verified:
            version = services.review_version(version_id=version.pk)
        return version

    return make


@pytest.fixture
def environment(project):
    """`environment("production")`, of the project."""

    def find(name, of=None):
        services.ensure_environments(project=of or project)
        return selectors.get_environment(project=of or project, name=name)

    return find


@pytest.fixture
def set_policy(project, environment, alice):
    """Bind an environment by a policy in TOML, production by default."""

    def put(toml, at="production"):
        from registry.policies import parse_toml

        document = parse_toml(toml.encode())
        revision, _ = services.put_policy(project=project, name=f"{at}-gates", document=document, actor=alice)
        services.set_environment_policy(
            environment=environment(at), policy=revision.policy, reason="rules", actor=alice
        )
        return revision

    return put


@pytest.fixture
def promote(environment, bob):
    """Ask as Bob, into production unless told otherwise; the promotion that came of it."""

    def ask(version, *, to="production", actor=None, reason="better on holdout", **options):
        request = Request(
            model=version.model,
            version=version,
            environment=environment(to),
            actor=actor or bob,
            reason=reason,
            **options,
        )
        promotion, _ = services.request_promotion(request)
        return promotion

    return ask


@pytest.fixture
def holder(environment):
    """What holds an environment: the version's number, or None."""

    def find(model, at="production"):
        slot = selectors.find_slot(model=model, environment=environment(at))
        return slot.version.number if slot is not None and slot.version is not None else None

    return find


@pytest.fixture
def carol(make_member):
    """May approve."""
    from core.access import Role

    return make_member("carol", Role.APPROVER)


@pytest.fixture
def dave(make_member):
    """May approve, too."""
    from core.access import Role

    return make_member("dave", Role.APPROVER)
