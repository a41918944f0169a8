"""On PostgreSQL, with real threads: no bytes that are referred to go, and no hold comes too late."""

import threading
from hashlib import sha256
from uuid import uuid4

import pytest
from django.db import connection

from core.errors import Conflict
from core.storage import get_store
from registry import services as registry
from retention import services as retention
from retention.errors import Held
from tests.retention.conftest import register_again, store_file
from tracking import services
from tracking.metrics.points import make_points
from tracking.models import Artifact, Blob, Run
from tracking.services import sweeps

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets in one writer at a time"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]

ROUNDS = 6


def at_once(*acts):
    """Do all in threads of their own, begun together; what each returned or raised, in order."""
    outcomes = [None] * len(acts)
    together = threading.Barrier(len(acts))

    def run(index, act):
        try:
            together.wait(timeout=10)
            outcomes[index] = act()
        except Exception as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def sweep(project, actor):
    started, _ = sweeps.start_sweep(project=project, actor=actor)
    sweeps.advance_sweep(sweep_id=started.pk)


def purge(run, actor):
    services.delete_run(run=run, actor=actor)
    services.purge_run(run=run, actor=actor)
    services.empty_purged()


def test_bytes_announced_while_they_are_swept_are_there_afterwards(make_run, alice, project, settings):
    """The announcement is told 'have it', or sends the bytes; either way they are there, and the row says so."""
    settings.SWEEP_GRACE_HOURS = 0
    for number in range(ROUNDS):
        contents = [b"%d %d" % (number, each) for each in range(5)]
        old, takers = make_run(), [make_run() for _ in range(3)]
        for each, content in enumerate(contents):
            store_file(old, f"f{each}", content)
        purge(old, alice)
        sweep(project, alice)  # marks

        def take(run, contents=contents):
            for each, content in enumerate(contents):
                store_file(run, f"f{each}", content)

        outcomes = at_once(
            lambda: sweep(project, alice), *[lambda run=run: take(run) for run in takers], lambda: sweep(project, alice)
        )

        assert [each for each in outcomes if each is not None] == []
        for content in contents:
            digest = sha256(content).hexdigest()
            assert b"".join(get_store().open(project.uuid, digest)) == content
            blob = Blob.objects.get(project=project, sha256=digest)
            assert blob.is_usable
            assert Artifact.objects.filter(blob=blob).count() == 3


def test_an_orphan_that_is_adopted_while_it_is_uploaded_again_stays(make_run, alice, project, settings):
    """An object of a crash lies there without a row; its sweep and its second upload meet."""
    settings.SWEEP_GRACE_HOURS = 0
    for number in range(ROUNDS):
        content = b"orphan %d" % number
        digest = sha256(content).hexdigest()
        store = get_store()
        key = store.new_staging_key()
        store.write_part(key, 0, [content], max_bytes=len(content))
        store.publish(key, project.uuid, digest)
        run = make_run()

        outcomes = at_once(
            lambda: sweep(project, alice),
            lambda run=run, content=content: store_file(run, "a", content),
            lambda: sweep(project, alice),
        )

        assert [each for each in outcomes if isinstance(each, Exception)] == []
        sweep(project, alice)
        assert b"".join(store.open(project.uuid, digest)) == content
        assert Blob.objects.get(sha256=digest).is_usable


@pytest.mark.parametrize("act", ["alias", "promotion", "hold"])
def test_a_hold_made_while_a_version_is_deleted_comes_before_or_is_refused(act, make_version, promote, alice, project):
    """Never both: a version that is live lies in no bin."""
    for _ in range(ROUNDS):
        version = make_version()
        name = f"{version.model.name}/{version.number}"
        make = {
            "alias": lambda v=version: registry.set_alias(model=v.model, name="best", version=v, actor=alice),
            "promotion": lambda v=version: promote(v).decision,
            "hold": lambda n=name: retention.add_hold(
                project=project, kind="model_version", name=n, reason="x", actor=alice
            ),
        }[act]

        made, deleted = at_once(make, lambda v=version: registry.delete_version(version=v, actor=alice))

        version.refresh_from_db()
        held = act == "hold" or (made == "promoted" if act == "promotion" else not isinstance(made, Exception))
        if act == "hold":
            assert not isinstance(made, Exception)
            assert isinstance(deleted, Held) is (version.deleted_at is None)
        else:
            assert isinstance(made, Conflict) or made == "frozen" or held
            assert held is (version.deleted_at is None)
            assert held is isinstance(deleted, Held)


def test_a_run_is_not_deleted_under_the_version_that_is_registered_from_it(make_run, make_version, alice):
    model = make_version().model
    for number in range(ROUNDS):
        run = make_run()
        store_file(run, "model.bin", b"%d" % number)

        registered, deleted = at_once(
            lambda run=run: register_again(model, run, alice),
            lambda run=run: services.delete_run(run=run, actor=alice),
        )

        run.refresh_from_db()
        assert isinstance(registered, Exception) is run.is_deleted
        assert isinstance(deleted, Held) is not run.is_deleted


def test_a_purge_while_a_client_still_logs_leaves_nothing_behind(make_run, alice):
    run = make_run(ended=False)
    services.delete_run(run=run, actor=alice)
    services.restore_run(run=run, actor=alice)
    refused = []

    def log():
        writer = uuid4()
        for sequence in range(1, 60):
            try:
                points = make_points([sequence], [sequence], [1.0])
                services.write_batch(run=run, writer=writer, sequence=sequence, metrics=[("m", points)])
            except Exception as error:
                refused.append(error)
                return

    outcomes = at_once(log, log, lambda: services.compact_run(run_id=run.pk), lambda: purge(run, alice))

    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert {type(each).__name__ for each in refused} <= {"RunDeleted", "RunPurged"}
    services.empty_purged()
    from tests.retention.test_runs import LOGGED

    assert not any(table.objects.filter(run=run).exists() for table in LOGGED)


def test_two_workers_on_one_deletion_do_each_thing_once(make_run, alice, project, monkeypatch, recorded_actions):
    from retention.plans import make_plan
    from retention.services import deletions

    monkeypatch.setattr(deletions, "AT_ONCE", 0)
    monkeypatch.setattr(deletions, "STEP", 3)
    ids = [make_run().uuid.hex for _ in range(10)]
    plan = make_plan(project=project, kind="run", act="delete", principal=alice, ids=ids)
    deletion = retention.request_deletion(project=project, plan=plan, reason="", actor=alice)

    at_once(*[lambda: retention.advance_deletion(deletion_id=deletion.pk)] * 3)

    deletion.refresh_from_db()
    assert (deletion.state, deletion.done) == ("done", 10)
    assert Run.objects.filter(lifecycle="deleted").count() == 10
    assert recorded_actions().count("run.delete") == 10
    assert recorded_actions().count("deletion.finish") == 1
