"""Writes to experiments and runs and what is logged to them: each a whole act, with its ledger entry or under the run's seal."""

from tracking.services.artifacts import announce_files
from tracking.services.batches import BatchOutcome, write_batch
from tracking.services.blobs import forget_stale_uploads, verify_blob
from tracking.services.chunks import compact_due, compact_run
from tracking.services.datasets import Direction, record_datasets, register_version
from tracking.services.emptying import empty_purged
from tracking.services.experiments import create_experiment, update_experiment
from tracking.services.lifecycle import (
    archive_run,
    delete_experiment,
    delete_run,
    purge_experiment,
    purge_run,
    restore_experiment,
    restore_run,
)
from tracking.services.links import arrived_numbers, make_links, sizes_of, whole_link
from tracking.services.packs import receive_pack
from tracking.services.params import correct_param
from tracking.services.points import PointsWrite, write_all_points, write_points
from tracking.services.runs import create_run, finish_run, resume_run, update_run
from tracking.services.seals import reseal_run
from tracking.services.tags import delete_tag, set_tag, tag_runs
from tracking.services.uploads import commit_upload, receive_part
from tracking.services.views import ViewWish, create_view, delete_view, update_view

__all__ = [
    "BatchOutcome",
    "Direction",
    "PointsWrite",
    "ViewWish",
    "announce_files",
    "archive_run",
    "arrived_numbers",
    "commit_upload",
    "compact_due",
    "compact_run",
    "correct_param",
    "create_experiment",
    "create_run",
    "create_view",
    "delete_experiment",
    "delete_run",
    "delete_tag",
    "delete_view",
    "empty_purged",
    "finish_run",
    "forget_stale_uploads",
    "make_links",
    "purge_experiment",
    "purge_run",
    "receive_pack",
    "receive_part",
    "record_datasets",
    "register_version",
    "reseal_run",
    "restore_experiment",
    "restore_run",
    "resume_run",
    "set_tag",
    "sizes_of",
    "tag_runs",
    "update_experiment",
    "update_run",
    "update_view",
    "verify_blob",
    "whole_link",
    "write_all_points",
    "write_batch",
    "write_points",
]
