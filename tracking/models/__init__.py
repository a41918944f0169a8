"""Tables of the tracking room, one module per noun."""

from tracking.models.artifacts import Artifact, Blob, Sweep, Upload
from tracking.models.datasets import Dataset, DatasetVersion, RunInput, RunOutput
from tracking.models.experiments import Experiment
from tracking.models.metrics import Batch, Chunk, Series, WriterPosition
from tracking.models.runs import EnvironmentLock, Param, Run, RunDiff, Tag
from tracking.models.seals import Seal
from tracking.models.views import SavedView

__all__ = [
    "Artifact",
    "Batch",
    "Blob",
    "Chunk",
    "Dataset",
    "DatasetVersion",
    "EnvironmentLock",
    "Experiment",
    "Param",
    "Run",
    "RunDiff",
    "RunInput",
    "RunOutput",
    "SavedView",
    "Seal",
    "Series",
    "Sweep",
    "Tag",
    "Upload",
    "WriterPosition",
]
