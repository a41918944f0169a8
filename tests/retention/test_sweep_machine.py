"""Whatever happens in whatever order, with crashes between any two steps: what is referred to can be read, bit by bit."""

from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core import clock
from core.storage import get_store
from tests.retention.conftest import store_file
from tracking import services
from tracking.models import Artifact, Blob, Sweep
from tracking.services import sweeps

CONTENTS = st.sampled_from([b"a", b"b", b"c"])
CRASHES = st.sampled_from(["", "give up", "bytes", "row", "adopt"])


class Crash(BaseException):
    """A worker that is killed."""


class Store(RuleBasedStateMachine):
    """Runs that come and go, files that are logged again and again, objects that crashes left, sweeps that are killed."""

    make_run = None
    project = None
    actor = None
    patch = None

    @initialize()
    def begin(self):
        Sweep.objects.all().delete()
        Artifact.objects.all().delete()
        Blob.objects.all().delete()
        for each in list(get_store().list_objects(self.project.uuid)):
            get_store().delete(self.project.uuid, each.sha256)
        self.runs = []

    @rule(content=CONTENTS)
    def log(self, content):
        run = self.make_run(ended=False)
        self.runs.append(run)
        store_file(run, "f", content)

    @rule(content=CONTENTS)
    def log_over(self, content):
        if self.runs:
            store_file(self.runs[-1], "f", content)

    @rule()
    def purge_a_run(self):
        if self.runs:
            run = self.runs.pop(0)
            services.delete_run(run=run, actor=self.actor)
            services.purge_run(run=run, actor=self.actor)
            services.empty_purged()

    @rule(content=CONTENTS)
    def crash_before_the_row(self, content):
        """A publish of which only the object was left."""
        digest = sha256(content).hexdigest()
        if Blob.objects.filter(sha256=digest).exists():
            return
        key = get_store().new_staging_key()
        get_store().write_part(key, 0, [content], max_bytes=10)
        get_store().publish(key, self.project.uuid, digest)

    @rule(hours=st.sampled_from([1, 30]))
    def wait(self, hours):
        now = clock.now
        self.patch.setattr(clock, "now", lambda: now() + timedelta(hours=hours))

    @rule(crash=CRASHES)
    def sweep(self, crash):
        started, _ = sweeps.start_sweep(project=self.project, actor=self.actor)
        with pytest.MonkeyPatch.context() as patch:
            self._arm(patch, crash)
            with suppress(Crash):
                sweeps.advance_sweep(sweep_id=started.pk)

    @staticmethod
    def _arm(patch, crash):
        def die(*_, **__):
            raise Crash

        store = type(get_store())
        real = store.delete
        if crash == "give up":
            patch.setattr(sweeps, "_delete", die)
        if crash == "bytes":
            patch.setattr(store, "delete", die)
        if crash == "row":
            patch.setattr(store, "delete", lambda *arguments: (real(*arguments), die()))
        if crash == "adopt":
            patch.setattr(sweeps, "_mark", die)

    @rule()
    def verify(self):
        for blob_id in list(Blob.objects.values_list("pk", flat=True)):
            services.verify_blob(blob_id=blob_id)

    @invariant()
    def what_is_referred_to_can_be_read(self):
        for blob in Blob.objects.filter(artifacts__isnull=False).distinct():
            assert blob.is_usable
            assert sha256(b"".join(get_store().open(self.project.uuid, blob.sha256))).hexdigest() == blob.sha256

    @invariant()
    def a_usable_row_has_its_object(self):
        for blob in Blob.objects.all():
            assert get_store().exists(self.project.uuid, blob.sha256) or not blob.is_usable


@pytest.mark.slow
def test_nothing_that_is_referred_to_is_ever_deleted(make_run, project, alice, monkeypatch):
    Store.make_run, Store.project, Store.actor, Store.patch = staticmethod(make_run), project, alice, monkeypatch
    steps = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Store, settings=steps)
