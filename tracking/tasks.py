"""Background work of this room: verifying bytes, rewriting batches, sealing late writes, clearing abandoned uploads."""

from audit import verifiers
from core import jobs
from tracking import services
from tracking.services import sweeps
from tracking.services.blobs import verify_stored_bytes

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


@jobs.job("tracking.verify_blob", lease_s=3_600)
def verify_blob(*, blob_id: int) -> None:
    services.verify_blob(blob_id=blob_id)


@jobs.job("tracking.settle_blob", lease_s=3_600)
def settle_blob(*, blob_id: int) -> None:
    """By a name of its own: a worker of an earlier release would look for the bytes at their final key alone."""
    services.verify_blob(blob_id=blob_id)


@jobs.job("tracking.compact_run", lease_s=900)
def compact_run(*, run_id: int) -> None:
    services.compact_due(run_id=run_id)


@jobs.job("tracking.reseal_run", lease_s=900)
def reseal_run(*, run_id: int) -> None:
    services.reseal_run(run_id=run_id)


@jobs.job("tracking.verify_blobs", lease_s=3_600)
def verify_blobs(*, blob_ids: list[int]) -> None:
    for blob_id in blob_ids:
        services.verify_blob(blob_id=blob_id)


@jobs.job("tracking.forget_stale_uploads", lease_s=900)
def forget_stale_uploads() -> None:
    services.forget_stale_uploads()


@jobs.job("tracking.empty_purged", lease_s=3_600)
def empty_purged() -> None:
    services.empty_purged()


@jobs.job("tracking.advance_sweep", lease_s=3_600)
def advance_sweep(*, sweep_id: int) -> None:
    sweeps.advance_sweep(sweep_id=sweep_id)


@jobs.job("tracking.sweep_all")
def sweep_all() -> None:
    sweeps.sweep_all()


jobs.every(seconds=DAY_S, name="tracking.forget_stale_uploads")
jobs.every(seconds=HOUR_S, name="tracking.empty_purged")
jobs.every(seconds=DAY_S, name="tracking.sweep_all")
verifiers.register("stored bytes", verify_stored_bytes)
