"""What tracking's and the ledger's routes name: runs, files on their way, datasets, events, as each route needs."""

from hashlib import sha256
from uuid import UUID, uuid4

import msgspec
from django.test import Client

from audit.models import AuditCheckpoint, AuditEvent
from audit.testing import sequence_now
from core.ids import uuid7
from tracking import selectors, services
from tracking.metrics.points import make_points
from tracking.models import Upload
from tracking.services.artifacts import check_announced
from tracking.services.runs import Origin
from tracking.uses import DatasetUse

CONTENT = b"bytes of the matrix"
HEX = sha256(CONTENT).hexdigest()
DIGEST = f"sha256:{HEX}"
NAMES = {"experiment": "churn", "key": "team", "param": "lr", "dataset": "train", "digest": DIGEST}
BATCH = {"writer": "0193" * 8, "sequence": 1, "metrics": [{"key": "loss", "steps": [0], "times": [0], "values": [1]}]}
BATCHES = {"batches": [{"run": "0193" * 8, **BATCH}]}  # of a run that is not there: told of it by itself
PACK = msgspec.msgpack.encode(
    {"files": [{"upload": str(UUID(int=0)), "data": CONTENT}]}
)  # of an upload that nobody announced
FILE = {"path": "model.bin", "size": len(CONTENT), "sha256": HEX}
ORIGIN = Origin(
    entry_point="train.py",
    code={"commit": "1a2b3c4d", "dirty": True, "diff": "--- a\n+++ b\n"},
    environment={"digest": DIGEST, "lock": "numpy==2.0.0\n"},
)


def names_alone(world, caller):
    """For things that the request itself makes."""
    return NAMES


def a_new_id(world, caller):
    return NAMES | {"run": uuid7().hex}


def a_run(world, caller):
    """The contributor's, with a param, a tag and a metric."""
    return NAMES | {"run": _run(world, world.people["contributor"]).uuid.hex}


def an_own_run(world, caller):
    """The caller's: what its creator may do to a run that nobody else's permission is asked for."""
    return NAMES | {"run": _run(world, caller).uuid.hex}


def anothers_run(world, caller):
    """Of somebody who is none of the callers that could be refused."""
    return NAMES | {"run": _run(world, world.people["server admin"]).uuid.hex}


def an_own_archived_run(world, caller):
    run = services.archive_run(run=_run(world, caller), actor=caller)
    return NAMES | {"run": run.uuid.hex}


def an_ended_run(world, caller):
    run = _run(world, world.people["contributor"])
    services.finish_run(run=run, status="finished", actor=world.people["contributor"])
    return NAMES | {"run": run.uuid.hex}


def a_deleted_experiment(world, caller):
    if selectors.find_experiment(project=world.project, name="old") is None:
        contributor = world.people["contributor"]
        old = services.create_experiment(project=world.project, name="old", actor=contributor)
        services.delete_experiment(experiment=old, actor=contributor)
    return NAMES | {"experiment": "old"}


def a_dataset(world, caller):
    use = DatasetUse(name="train", digest=DIGEST, strength="content", kind="file")
    services.register_version(project=world.project, use=use, actor=world.people["contributor"])
    return NAMES


def an_upload(world, caller):
    """Announced, of which nothing has come."""
    return NAMES | {"upload": str(_upload(world).uuid)}


def a_complete_upload(world, caller):
    upload = _upload(world)
    services.receive_part(upload=upload, offset=0, chunks=[CONTENT])
    return NAMES | {"upload": str(upload.uuid)}


def a_file(world, caller):
    run, upload = _announced(world)
    if upload is not None:  # else the project has these bytes from an earlier file, which is then recorded already
        services.receive_part(upload=upload, offset=0, chunks=[CONTENT])
        services.commit_upload(upload=Upload.objects.get(pk=upload.pk))
    return NAMES | {"run": run.uuid.hex}


def an_event(world, caller):
    """Of the project that members share, in the log under a signed head; `old` and `new` are sizes of the log."""
    _run(world, world.people["contributor"])
    sequence_now()
    event = AuditEvent.objects.filter(action="run.create").latest("id")
    size = str(AuditCheckpoint.objects.latest("size").size)
    return {"event": str(event.uuid), "old": size, "new": size, "level": "0", "tile": "000.p/1"}


def a_requested_event(world, caller):
    """Of the project that members share, made by a request whose address and device it holds."""
    token = world.make_token(world.people["contributor"])
    answer = Client().post(
        f"/api/v1/runs?project={world.project.name}",
        data={"experiment": "churn"},
        content_type="application/json",
        headers={"authorization": f"Bearer {token}", "user-agent": "probe/1"},
    )
    assert answer.status_code == 201
    return {"event": str(AuditEvent.objects.filter(action="run.create").latest("id").uuid)}


def a_view(world, caller):
    return {"view": _view(world, world.people["contributor"])}


def an_own_view(world, caller):
    return {"view": _view(world, caller)}


def anothers_view(world, caller):
    """Of somebody who is none of the callers that could be refused."""
    return {"view": _view(world, world.people["server admin"])}


def _view(world, author):
    wish = services.ViewWish(name=f"view {uuid7().hex}", filter="metrics.loss < 1")
    return str(services.create_view(project=world.project, wish=wish, actor=author).uuid)


def _run(world, creator):
    run, _ = services.create_run(
        project=world.project, experiment="churn", actor=creator, params={"lr": 1}, origin=ORIGIN
    )
    loss = make_points([0, 1], [0, 1], [1.0, 0.5])
    services.write_batch(run=run, writer=uuid4(), sequence=1, metrics=[("loss", loss)], tags={"team": "risk"})
    return run


def _upload(world):
    return _announced(world)[1]


def _announced(world):
    run = _run(world, world.people["contributor"])
    (wanted,) = services.announce_files(run=run, files=[check_announced(**FILE, field="files.0")])
    return run, wanted.upload
