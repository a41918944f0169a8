"""Background work of this room: verifying bytes, rewriting batches, sealing late writes, clearing abandoned uploads."""

from audit import verifiers
from core import jobs
from tracking import services
from tracking.services.blobs import verify_stored_bytes

DAY_S = 24 * 3_600


@jobs.job("tracking.verify_blob", lease_s=3_600)
def verify_blob(*, blob_id: int) -> None:
    services.verify_blob(blob_id=blob_id)


@jobs.job("tracking.compact_run", lease_s=900)
def compact_run(*, run_id: int) -> None:
    services.compact_run(run_id=run_id)


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


jobs.every(seconds=DAY_S, name="tracking.forget_stale_uploads")
verifiers.register("stored bytes", verify_stored_bytes)
