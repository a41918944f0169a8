"""Mark and sweep: what nothing refers to goes after its grace, and nothing else ever does."""

import os
from hashlib import sha256

import pytest

from audit.models import AuditEvent
from core import clock
from core.models import Job
from core.storage import get_store
from registry import services as registry
from tests.retention.conftest import store_file
from tracking import services
from tracking.models import Artifact, Blob, Sweep
from tracking.services import sweeps

HOUR = 3_600
BYTES = b"weights"
HEX = sha256(BYTES).hexdigest()


@pytest.fixture
def sweep(project, alice):
    """`sweep()`: a whole sweep of the project, as a worker makes it."""

    def make(of=None, actor=None):
        started, _ = sweeps.start_sweep(project=of or project, actor=actor or alice)
        sweeps.advance_sweep(sweep_id=started.pk)
        started.refresh_from_db()
        return started

    return make


@pytest.fixture
def purge(alice, run_jobs):
    def away(run):
        services.delete_run(run=run, actor=alice)
        services.purge_run(run=run, actor=alice)
        services.empty_purged()

    return away


def publish(project, content, *, age_s=0):
    """An object without a row, as a crash between the two leaves it, so many seconds old."""
    store, digest = get_store(), sha256(content).hexdigest()
    key = store.new_staging_key()
    store.write_part(key, 0, [content], max_bytes=len(content))
    store.publish(key, project.uuid, digest)
    path = store.root / project.uuid.hex / digest[:2] / digest
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return digest


def test_bytes_of_a_purged_run_go_after_the_grace_and_two_sweeps_on_the_record(
    make_run, purge, sweep, stored, later, recorded_actions
):
    run = make_run()
    store_file(run, "model.bin", BYTES)
    later(25 * HOUR)
    purge(run)

    assert sweep().marked == 1
    assert (sweep().deleted, stored()) == (0, {HEX})
    later(25 * HOUR)
    last = sweep()

    assert (last.deleted, last.deleted_bytes, stored()) == (1, len(BYTES), set())
    assert not Blob.objects.exists()
    event = AuditEvent.objects.get(action="blob.purge")
    assert HEX in event.body
    assert recorded_actions().count("blob.purge") == 1


def test_bytes_that_another_run_or_a_version_refers_to_stay(make_run, make_version, purge, sweep, stored, later, alice):
    first, second = make_run(), make_run()
    store_file(first, "a", BYTES)
    store_file(second, "b", BYTES)
    version = make_version(content=b"version")
    Artifact.objects.filter(run=version.run).delete()  # logged over: the manifest alone refers to the bytes
    purge(first)
    for _ in range(3):
        later(25 * HOUR)
        assert sweep().deleted == 0
    assert stored() == {HEX, sha256(b"version").hexdigest()}

    registry.delete_version(version=version, actor=alice)
    registry.purge_version(version=version, actor=alice)
    purge(second)
    for _ in range(3):
        later(25 * HOUR)
        sweep()
    assert stored() == set()


def test_the_bin_keeps_bytes(make_run, sweep, stored, later, alice):
    run = make_run()
    store_file(run, "a", BYTES)
    services.delete_run(run=run, actor=alice)
    for _ in range(3):
        later(25 * HOUR)
        sweep()

    assert stored() == {HEX}
    services.restore_run(run=run, actor=alice)
    assert b"".join(get_store().open(run.project.uuid, HEX)) == BYTES


def test_what_is_announced_again_between_mark_and_sweep_is_had_and_stays(make_run, purge, sweep, stored, later):
    run = make_run()
    store_file(run, "a", BYTES)
    purge(run)
    later(25 * HOUR)
    sweep()
    assert Blob.objects.get().marked_at is not None

    assert store_file(make_run(), "b", BYTES) == (HEX, False)
    assert Blob.objects.get().marked_at is None
    later(25 * HOUR)
    sweep()

    assert stored() == {HEX}


def test_what_was_given_up_is_never_had_and_comes_again_by_upload(
    make_run, purge, sweep, stored, later, monkeypatch, run_jobs
):
    """A worker killed between giving up and deleting: the row is there, and promises nothing."""
    run = make_run()
    store_file(run, "a", BYTES)
    purge(run)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "_delete", lambda _: None)
        sweep()
    assert (Blob.objects.get().state, stored()) == ("missing", {HEX})

    assert store_file(make_run(), "b", BYTES) == (HEX, True)
    run_jobs()
    later(25 * HOUR)
    sweep()

    blob = Blob.objects.get()
    assert (blob.state, blob.condemned_at, stored()) == ("verified", None, {HEX})


def test_a_worker_killed_between_bytes_and_row_leaves_a_row_that_the_next_sweep_takes(
    make_run, purge, sweep, stored, later, monkeypatch
):
    run = make_run()
    store_file(run, "a", BYTES)
    purge(run)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)

    class Killed(BaseException):
        pass

    def die(self, *_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Blob, "delete", die)
        with pytest.raises(Killed):
            sweep()
    assert (Blob.objects.get().state, stored()) == ("missing", set())

    sweeps.advance_sweep(sweep_id=Sweep.objects.get(finished_at=None).pk)
    assert not Blob.objects.exists()
    assert AuditEvent.objects.filter(action="blob.purge").count() == 1


def test_a_store_that_fails_leaves_nothing_half_done(make_run, purge, sweep, stored, later, monkeypatch):
    run = make_run()
    store_file(run, "a", BYTES)
    purge(run)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(type(get_store()), "delete", lambda *_: (_ for _ in ()).throw(OSError("503 Slow Down")))
        with pytest.raises(OSError, match="Slow Down"):
            sweep()
    assert Blob.objects.get().state == "missing"

    sweeps.advance_sweep(sweep_id=Sweep.objects.get(finished_at=None).pk)
    assert (stored(), Blob.objects.count()) == (set(), 0)


def test_an_object_without_a_row_gets_one_and_goes_after_the_grace(project, sweep, stored, later):
    old, fresh = publish(project, b"old", age_s=30 * HOUR), publish(project, b"fresh")

    first = sweep()
    assert (first.objects_seen, first.adopted, stored()) == (2, 1, {old, fresh})
    assert (Blob.objects.get().sha256, Blob.objects.get().is_usable) == (old, False)
    later(25 * HOUR)
    assert sweep().deleted == 1

    assert stored() == {fresh}


def test_an_object_that_was_adopted_is_taken_over_by_an_upload(project, make_run, sweep, stored, later, run_jobs):
    publish(project, BYTES, age_s=30 * HOUR)
    sweep()

    assert store_file(make_run(), "a", BYTES) == (HEX, True)
    run_jobs()
    later(25 * HOUR)
    sweep()

    assert (Blob.objects.get().state, stored()) == ("verified", {HEX})


def test_a_row_without_its_object_is_found_missing_on_the_record(make_run, sweep, later, project):
    run = make_run()
    store_file(run, "a", BYTES)
    get_store().delete(project.uuid, HEX)
    later(25 * HOUR)

    assert sweep().missing == 1

    assert Blob.objects.get().state == "missing"
    assert AuditEvent.objects.filter(action="blob.quarantine").count() == 1
    assert sweep().missing == 0


def test_a_listing_that_lags_makes_nothing_missing(make_run, sweep, later, monkeypatch):
    run = make_run()
    store_file(run, "a", BYTES)
    later(25 * HOUR)
    monkeypatch.setattr(type(get_store()), "list_objects", lambda *_: iter(()))

    assert sweep().missing == 0
    assert Blob.objects.get().is_usable


def test_a_reference_made_without_the_lock_is_seen_before_bytes_go(
    make_run, purge, sweep, stored, later, monkeypatch, run_jobs
):
    """A process of an earlier release, during a rolling upgrade, takes no lock when it says 'have it'."""
    run, other = make_run(), make_run()
    store_file(run, "a", BYTES)
    purge(run)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "_delete", lambda _: None)
        sweep()
    Artifact.objects.create(run=other, path="b", blob=Blob.objects.get())

    sweep()
    run_jobs()

    assert (Blob.objects.get().state, stored()) == ("verified", {HEX})


def test_a_sweep_goes_on_where_it_stopped_page_by_page(make_run, sweep, later, monkeypatch, alice, project):
    monkeypatch.setattr(sweeps, "OBJECTS_AT_ONCE", 3)
    monkeypatch.setattr(sweeps, "ROWS_AT_ONCE", 3)
    run = make_run()
    for number in range(10):
        store_file(run, f"f{number}", b"%d" % number)
        publish(project, b"orphan %d" % number, age_s=30 * HOUR)
    started, _ = sweeps.start_sweep(project=project, actor=alice)
    for _ in range(3):
        sweeps._step(started.pk)
    started.refresh_from_db()
    assert started.cursor
    assert 0 < started.objects_seen < 20

    sweeps.advance_sweep(sweep_id=started.pk)

    started.refresh_from_db()
    assert (started.objects_seen, started.adopted, started.missing) == (20, 10, 0)
    later(25 * HOUR)
    assert sweep().deleted == 10
    assert Blob.objects.count() == 10


def test_bytes_go_some_at_a_time_and_a_job_makes_room_in_between(
    make_run, purge, sweep, stored, later, monkeypatch, project, alice
):
    monkeypatch.setattr(sweeps, "GIVEN_UP_AT_ONCE", 2)
    monkeypatch.setattr(sweeps, "DELETED_AT_ONCE", 2)
    monkeypatch.setattr(sweeps, "BUDGET_S", -1)  # each step is the last one of its job
    run = make_run()
    for number in range(5):
        store_file(run, f"f{number}", b"%d" % number)
    purge(run)
    later(25 * HOUR)
    marked, _ = sweeps.start_sweep(project=project, actor=alice)
    while sweeps._step(marked.pk):
        pass
    later(25 * HOUR)
    last, _ = sweeps.start_sweep(project=project, actor=alice)

    left = []
    while last.finished_at is None:
        Job.objects.all().delete()
        sweeps.advance_sweep(sweep_id=last.pk)
        last.refresh_from_db()
        left.append(len(stored()))
        assert Job.objects.filter(dedupe=f"sweep:{last.pk}").exists() == (last.finished_at is None)

    assert {5, 3, 1, 0} == set(left)
    assert (last.deleted, last.deleted_bytes) == (5, 5)


def test_one_sweep_at_a_time_and_the_next_one_after_it(project, alice, recorded_actions):
    first, is_new = sweeps.start_sweep(project=project, actor=alice)
    same, is_second = sweeps.start_sweep(project=project, actor=alice)
    assert (first.pk, is_new, is_second) == (same.pk, True, False)

    sweeps.advance_sweep(sweep_id=first.pk)
    sweeps.advance_sweep(sweep_id=first.pk)

    assert sweeps.start_sweep(project=project, actor=alice)[1]
    assert recorded_actions().count("sweep.start") == 2


def test_a_sweep_that_its_worker_gave_up_is_taken_up_by_the_next_start(project, alice, run_jobs):
    """Else the row of the one that failed would stand in the way of every later sweep."""
    given_up, _ = sweeps.start_sweep(project=project, actor=alice)
    Job.objects.filter(name="tracking.advance_sweep").update(failed_at=clock.now())

    again = [sweeps.start_sweep(project=project, actor=alice) for _ in range(2)]
    waiting = Job.objects.filter(name="tracking.advance_sweep", failed_at=None).count()
    run_jobs()

    assert ([(sweep.pk, is_new) for sweep, is_new in again], waiting) == ([(given_up.pk, False)] * 2, 1)
    given_up.refresh_from_db()
    assert given_up.phase == "done"
    assert sweeps.start_sweep(project=project, actor=alice)[1]


def test_a_sweep_that_a_worker_has_in_hand_is_left_to_it(project, alice):
    sweeps.start_sweep(project=project, actor=alice)
    Job.objects.filter(name="tracking.advance_sweep").update(attempts=1, leased_until=clock.now())

    sweeps.start_sweep(project=project, actor=alice)

    assert Job.objects.filter(name="tracking.advance_sweep").count() == 1


def test_the_daily_sweep_covers_every_project_and_no_object_of_another(
    make_run, make_project, purge, stored, later, run_jobs
):
    other = make_project("fraud")
    run, stranger = make_run(), make_run(of=other)
    store_file(run, "a", BYTES)
    store_file(stranger, "a", BYTES)
    purge(run)
    for _ in range(2):
        later(25 * HOUR)
        sweeps.sweep_all()
        run_jobs()

    assert (stored(), stored(of=other)) == (set(), {HEX})


def test_a_long_entry_is_split_so_that_the_ledger_takes_it(make_run, purge, sweep, later, monkeypatch):
    monkeypatch.setattr(sweeps, "GIVEN_UP_AT_ONCE", 2)
    run = make_run()
    for number in range(5):
        store_file(run, f"f{number}", b"%d" % number)
    purge(run)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)

    assert sweep().deleted == 5
    assert AuditEvent.objects.filter(action="blob.purge").count() == 3


def test_every_kind_of_reference_counts(db):
    """A new foreign key to stored bytes, in whatever room, keeps them without anybody having to think of it."""
    from tracking import references

    found = {(source.__name__, column) for source, column in references._references()}

    assert found == {("Artifact", "blob"), ("ManifestFile", "blob")}


def test_a_pack_whose_bytes_are_swept_before_its_rows_are_written_is_published_again(
    make_run, purge, sweep, stored, later, monkeypatch
):
    """Packs publish outside of any lock, so a sweep may come in between."""
    from tracking.services import packs
    from tracking.services.artifacts import check_announced

    old, run = make_run(), make_run()
    store_file(old, "a", BYTES)
    announced = check_announced(path="b", size=len(BYTES), sha256=HEX, field="files")
    get_store().delete(old.project.uuid, HEX)  # so that the announcement wants the bytes
    (wanted,) = services.announce_files(run=run, files=[announced])
    publish(old.project, BYTES)
    purge(old)
    later(25 * HOUR)
    sweep()
    later(25 * HOUR)
    real, published = packs._publish, []

    def publish_and_be_swept(*arguments):
        real(*arguments)
        published.append(1)
        if len(published) == 1:
            assert sweep().deleted == 1

    monkeypatch.setattr(packs, "_publish", publish_and_be_swept)
    assert services.receive_pack(run=run, contents={wanted.upload.uuid: BYTES}) == {wanted.upload.uuid: ""}

    assert len(published) == 2
    assert stored() == {HEX}
    assert Blob.objects.get().is_usable
    assert Artifact.objects.get(run=run).blob == Blob.objects.get()
