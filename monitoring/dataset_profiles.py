"""What is known of the rows of a dataset version: the profile that a run kept of the table that it read."""

import re

from core.storage import ObjectMissing
from monitoring.errors import ProfileUnreadable
from monitoring.profiles import Profile
from monitoring.services.baselines import FOLDER, MOST_BYTES, SUFFIX, read_artifact, read_document
from tracking.models import Artifact, DatasetVersion, Run, RunInput

LOOKED_AT = 10  # runs, the newest that read the version
MOST_SHOWN_BYTES = MOST_BYTES // 4  # a page waits for it to be read and checked


def dataset_profile(version: DatasetVersion) -> Profile | None:
    """The newest readable profile of this version; None where no run kept one, or what is kept may be of another version.

    A run names the file after the dataset, not after the version. So it says something of this one only if the run read no
    other version of that name, and if the numbers of rows agree. Three queries, and one read from the object store for each
    file that is tried.
    """
    path = f"{FOLDER}/{_file_name(version.dataset.name)}{SUFFIX}"
    readers = _sole_readers(version)
    kept = Artifact.objects.filter(run__in=readers, path=path).select_related("blob__project").order_by("-run_id")
    for artifact in kept:
        if artifact.blob.size > MOST_SHOWN_BYTES:
            continue
        try:
            profile = read_document(read_artifact(artifact))
        except (ObjectMissing, ProfileUnreadable):
            # said when the baseline was to be frozen from it; here another may do
            continue
        if version.rows in (None, profile.rows):
            return profile
    return None


def _file_name(name: str) -> str:
    """As the client calls the file: a dataset may be called anything, a file not."""
    return re.sub(r"[\\/\x00-\x1f]+", "-", name).strip(" .-")


def _sole_readers(version: DatasetVersion) -> list[int]:
    """Runs that read this version and no other of its dataset, the newest first."""
    uses = RunInput.objects.filter(version=version).exclude(run__lifecycle=Run.Lifecycle.DELETED)
    runs = list(dict.fromkeys(uses.order_by("-run_id").values_list("run_id", flat=True)[:LOOKED_AT]))
    others = RunInput.objects.filter(run__in=runs, version__dataset=version.dataset_id).exclude(version=version)
    mixed = set(others.values_list("run_id", flat=True))
    return [run_id for run_id in runs if run_id not in mixed]
