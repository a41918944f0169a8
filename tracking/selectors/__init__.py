"""Reads of experiments, runs, metrics, datasets and artifacts."""

from tracking.selectors.artifacts import ask_artifact_entries, get_artifact, get_artifacts, list_artifacts, list_folder
from tracking.selectors.charts import Chart, read_charts
from tracking.selectors.datasets import (
    UsedVersion,
    get_dataset,
    get_dataset_version,
    inputs_of,
    list_dataset_versions,
    list_datasets,
    outputs_of,
    runs_using,
)
from tracking.selectors.experiments import find_experiment, get_experiment, list_experiments
from tracking.selectors.metrics import metric_summaries, read_chart, read_points
from tracking.selectors.rows import RunRow, run_rows
from tracking.selectors.runs import ask_latest_seal, code_diff, find_run, get_run, get_runs, latest_seal, list_seals
from tracking.selectors.uploads import get_upload
from tracking.selectors.views import get_view, list_views

__all__ = [
    "Chart",
    "RunRow",
    "UsedVersion",
    "ask_artifact_entries",
    "ask_latest_seal",
    "code_diff",
    "find_experiment",
    "find_run",
    "get_artifact",
    "get_artifacts",
    "get_dataset",
    "get_dataset_version",
    "get_experiment",
    "get_run",
    "get_runs",
    "get_upload",
    "get_view",
    "inputs_of",
    "latest_seal",
    "list_artifacts",
    "list_dataset_versions",
    "list_datasets",
    "list_experiments",
    "list_folder",
    "list_seals",
    "list_views",
    "metric_summaries",
    "outputs_of",
    "read_chart",
    "read_charts",
    "read_points",
    "run_rows",
    "runs_using",
]
