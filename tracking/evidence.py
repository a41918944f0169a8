"""How this room's things are named on the ledger: by lasting id, and by their name at the time."""

from audit.events import Target
from tracking.models import Blob, DatasetVersion, Experiment, Run, SavedView


def experiment_target(experiment: Experiment) -> Target:
    return Target("experiment", str(experiment.uuid), experiment.name)


def run_target(run: Run) -> Target:
    return Target("run", run.uuid.hex, run.name)


def dataset_target(version: DatasetVersion) -> Target:
    return Target("dataset_version", str(version.uuid), version.dataset.name, version.digest or "")


def view_target(view: SavedView) -> Target:
    return Target("view", str(view.uuid), view.name)


def blob_target(blob: Blob) -> Target:
    return Target("blob", f"sha256:{blob.sha256}", f"sha256:{blob.sha256}")
