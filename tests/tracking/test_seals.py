"""A seal covers all that a run holds: any change shows, how points are stored does not."""

from datetime import timedelta

import pytest

from core import clock
from core.models import Job
from tracking import services
from tracking.metrics import codec
from tracking.metrics.points import make_points
from tracking.models import Artifact, Batch, Blob, Chunk, Param, Run, Seal, Tag
from tracking.services.seals import content_digest
from tracking.uses import DatasetUse

DIGEST = "sha256:" + "d" * 64


@pytest.fixture
def full(make_run, write, project):
    """A running run with something of every kind."""
    run = make_run(params={"lr": 0.1}, tags={"team": "risk"})
    write(
        run, loss=[3.0, 2.0, 1.0], acc=[0.5, 0.6], inputs=[DatasetUse(name="train", digest=DIGEST, strength="content")]
    )
    write(run, steps=[3, 4], loss=[0.5, 0.25])
    blob = Blob.objects.create(project=project, sha256="a" * 64, size=5)
    Artifact.objects.create(run=run, path="model.bin", blob=blob)
    return run


def seals_of(run):
    return list(Seal.objects.filter(run=run).order_by("number").values_list("digest", flat=True))


def later(monkeypatch, seconds=60):
    """The clock, so much later."""
    moment = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_moving_batches_into_chunks_leaves_the_digest(full):
    before = content_digest(full)

    assert services.compact_run(run_id=full.pk) == 2

    assert not Batch.objects.exists()
    assert content_digest(full) == before


def test_the_same_points_in_other_batches_have_the_same_series(make_run, write):
    """Of two runs only the first section differs; so of one run, stored twice in different cuts, nothing does."""
    run = make_run()
    write(run, loss=[1.0, 2.0, 3.0, 4.0])
    whole = content_digest(run)

    Batch.objects.filter(run=run).delete()
    for step, value in enumerate([1.0, 2.0, 3.0, 4.0]):
        points = make_points([step], [step * 1_000_000], [value])
        Batch.objects.create(run=run, points=1, payload=codec.pack([("loss", points)]))

    assert content_digest(run) == whole


def change_param(run):
    Param.objects.filter(run=run).update(value="0.2")


def change_tag(run):
    Tag.objects.filter(run=run).update(value="fraud")


def change_point(run):
    services.compact_run(run_id=run.pk)
    chunk = Chunk.objects.filter(run=run, key="loss").get()
    points = codec.decode(chunk.payload)
    values = points.values.copy()
    values[2] = -values[2]
    Chunk.objects.filter(pk=chunk.pk).update(payload=codec.encode(make_points(points.steps, points.times, values)))


def drop_batch(run):
    Batch.objects.filter(run=run).latest("id").delete()


def change_artifact(run):
    other = Blob.objects.create(project_id=run.project_id, sha256="b" * 64, size=5)
    Artifact.objects.filter(run=run).update(blob=other)


def drop_input(run):
    run.inputs.all().delete()


@pytest.mark.parametrize(
    "tamper",
    [change_param, change_tag, change_point, drop_batch, change_artifact, drop_input],
    ids=lambda f: f.__name__,
)
def test_tampering_with_anything_shows(full, tamper):
    """Past the services, straight in the database: a single bit of a single point is enough."""
    before = content_digest(full)

    tamper(full)

    assert content_digest(full) != before


def test_the_seal_stands_in_the_ledger(full, alice):
    from audit.models import AuditEvent

    services.finish_run(run=full, status="finished", actor=alice)

    seal = Seal.objects.get(run=full)
    event = AuditEvent.objects.get(uuid=seal.event_id)
    assert (event.action, event.target_id) == ("run.seal", full.uuid.hex)
    assert seal.digest in event.body


def test_late_writes_unseal_and_are_sealed_together_once_they_settle(full, alice, write, run_jobs, monkeypatch):
    """A spool that is synced days later arrives in many batches; one more seal covers them all."""
    services.finish_run(run=full, status="finished", actor=alice)
    run_jobs()
    write(full, steps=[9], loss=[0.1])
    services.set_tag(run=full, key="late", value="yes")
    write(full, steps=[10], loss=[0.05])

    assert not Run.objects.get(pk=full.pk).sealed
    run_jobs()
    assert len(seals_of(full)) == 1
    later(monkeypatch)
    run_jobs()

    first, second = seals_of(full)
    assert first != second
    assert Run.objects.get(pk=full.pk).sealed
    assert second == content_digest(Run.objects.get(pk=full.pk))


def test_a_late_batch_sent_twice_unseals_once(full, alice, run_jobs, monkeypatch):
    from uuid import uuid4

    services.finish_run(run=full, status="finished", actor=alice)
    batch = {"run": full, "writer": uuid4(), "sequence": 1, "tags": {"a": "b"}}
    services.write_batch(**batch)
    later(monkeypatch)
    run_jobs()

    assert services.write_batch(**batch).repeated
    assert Run.objects.get(pk=full.pk).sealed
    assert len(seals_of(full)) == 2


def test_a_run_that_runs_again_is_not_sealed_by_the_waiting_job(full, alice, write, run_jobs, monkeypatch):
    services.finish_run(run=full, status="finished", actor=alice)
    write(full, steps=[9], loss=[0.1])
    services.resume_run(run=full, actor=alice)
    later(monkeypatch)

    run_jobs()

    assert len(seals_of(full)) == 1
    assert not Job.objects.filter(name="tracking.reseal_run", done_at=None).exists()


def test_a_batch_that_says_nothing_new_leaves_the_seal_alone(full, write, alice):
    """A client that was restarted says its params again; that is no reason for another seal."""
    run = services.finish_run(run=full, status="finished", actor=alice)

    said_before = [DatasetUse(name="train", digest=DIGEST, strength="content")]
    write(run, params={"lr": 0.1}, tags={"team": "risk"}, inputs=said_before)
    services.set_tag(run=run, key="team", value="risk")

    assert Run.objects.get(pk=run.pk).sealed
    assert len(seals_of(run)) == 1
