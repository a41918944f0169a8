"""Runs with points and files, versions that live or lie about, and the bin."""

from hashlib import sha256
from itertools import count
from uuid import uuid4

import pytest

from core.storage import get_store
from registry import services as registry
from registry.services.promotions import Request
from retention import usage
from tracking import services
from tracking.metrics.points import make_points
from tracking.models import Upload
from tracking.services.artifacts import check_announced
from tracking.uses import DatasetUse

_numbers = count(1)


@pytest.fixture(autouse=True)
def _own_store(home):
    """Each test has a blob store of its own."""


@pytest.fixture(autouse=True)
def _counted_anew():
    usage.forget()
    yield
    usage.forget()


@pytest.fixture
def make_run(project, alice):
    """`make_run()`: a run of Alice's in the experiment `churn`, with a metric, a param and a tag; ended unless told not."""

    def make(experiment="churn", *, actor=None, of=None, loss=0.5, ended=True, tags=None, **options):
        actor = actor or alice
        run, _ = services.create_run(
            project=of or project, experiment=experiment, actor=actor, params={"lr": 1}, **options
        )
        points = make_points([0, 1], [0, 1], [1.0, loss])
        services.write_batch(
            run=run, writer=uuid4(), sequence=1, metrics=[("loss", points)], tags={"team": "risk", **(tags or {})}
        )
        if ended:
            services.finish_run(run=run, status="finished", actor=actor)
        return run

    return make


def store_file(run, path, content):
    """Announce `content` at `path` of `run`, and send it if it is asked for; the digest, and whether it was."""
    digest = sha256(content).hexdigest()
    announced = check_announced(path=path, size=len(content), sha256=digest, field="files")
    (answer,) = services.announce_files(run=run, files=[announced])
    if answer.upload is None:
        return digest, False
    services.receive_part(upload=answer.upload, offset=0, chunks=[content])
    services.commit_upload(upload=Upload.objects.select_related("run__project").get(pk=answer.upload.pk))
    return digest, True


def register_again(model, run, actor):
    """Another version of the file that `make_version` registers."""
    return registry.register_version(
        project=model.project, model=model.name, run_id=run.uuid, artifact="model.bin", actor=actor
    )


@pytest.fixture
def make_version(project, alice, make_run, run_jobs):
    """`make_version()`: a version of "churn" of a run of its own, with verified bytes of its own."""

    def make(*, model="churn", run=None, actor=None, of=None, content=None):
        actor, place = actor or alice, of or project
        run = run or make_run(of=of, actor=actor)
        store_file(run, "model.bin", content or f"weights {next(_numbers)}".encode())
        version, _ = registry.register_version(
            project=place, model=model, run_id=run.uuid, artifact="model.bin", actor=actor
        )
        run_jobs()
        version.refresh_from_db()
        return version

    return make


@pytest.fixture
def promote(alice):
    """`promote(version, "dev")`: ask for it; the promotion that came of it."""

    def ask(version, to="dev"):
        from registry.selectors import get_environment

        project = version.model.project
        registry.ensure_environments(project=project)
        where = get_environment(project=project, name=to)
        promotion, _ = registry.request_promotion(
            Request(model=version.model, version=version, environment=where, actor=alice, reason="tests")
        )
        return promotion

    return ask


@pytest.fixture
def derive(alice):
    """`derive(run, other, "features")`: `run` makes a dataset that `other` reads."""

    def connect(maker, reader, name="features"):
        digest = f"sha256:{sha256(name.encode()).hexdigest()}"
        use = DatasetUse(name=name, digest=digest, strength="content", kind="file")
        services.record_datasets(run=maker, uses=[use], direction=services.Direction.OUTPUT)
        services.record_datasets(run=reader, uses=[use], direction=services.Direction.INPUT)

    return connect


@pytest.fixture
def stored(project):
    """`stored()`: digests of the objects that the store holds for the project."""

    def listed(of=None):
        return {each.sha256 for each in get_store().list_objects((of or project).uuid)}

    return listed
