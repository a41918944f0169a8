"""What the surrounding CI system tells us: a name for this request, and where GitHub wants a summary and outputs."""

import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineal.cli.text import clean

_OUTPUT_NAMES = ("decision", "version", "digest", "receipt")

# The variables that name provider, pipeline, run and attempt. A retried attempt is a new request, a repeated call is not.
_GITHUB = ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
_GITLAB = ("CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID")
_CIRCLECI = ("CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME", "CIRCLE_WORKFLOW_ID", "CIRCLE_BUILD_NUM")
_JENKINS = ("JOB_NAME", "BUILD_NUMBER")
_AZURE = ("SYSTEM_TEAMPROJECT", "BUILD_REPOSITORY_NAME", "BUILD_BUILDID", "SYSTEM_JOBATTEMPT")
_PROVIDERS = (
    ("gh", "GITHUB_ACTIONS", _GITHUB),
    ("gl", "GITLAB_CI", _GITLAB),
    ("circleci", "CIRCLECI", _CIRCLECI),
    ("jenkins", "JENKINS_URL", _JENKINS),
    ("azure", "TF_BUILD", _AZURE),
)


def idempotency_key(*, model: str, environment: str, environ: Mapping[str, str]) -> str:
    """`gh:acme/fraud:18233:1:fraud:production`: provider, run, attempt, model and environment; random outside of CI.

    The key names the request and not the answer, so the same job step run again asks about the same promotion.
    """
    for provider, marker, names in _PROVIDERS:
        values = [environ.get(name, "") for name in names]
        if environ.get(marker) and all(values):
            return ":".join([provider, *values, model, environment])
    return f"cli:{uuid.uuid4().hex}:{model}:{environment}"


def write_github_outputs(result: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Append `decision`, `version`, `digest` and `receipt` to $GITHUB_OUTPUT, where there is one."""
    path = environ.get("GITHUB_OUTPUT")
    if not path:
        return
    receipt = result.get("receipt") or {}
    values = {**result, "receipt": receipt.get("uri")}
    lines = [_output_line(name, values.get(name)) for name in _OUTPUT_NAMES]
    with Path(path).open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def _output_line(name: str, value: object) -> str:
    # A random delimiter: a value from the server cannot end its own block and begin another output.
    delimiter = f"lineal_{secrets.token_hex(8)}"
    return f"{name}<<{delimiter}\n{'' if value is None else clean(value)}\n{delimiter}\n"


def write_github_summary(markdown: str, environ: Mapping[str, str]) -> None:
    """Append to $GITHUB_STEP_SUMMARY, where there is one."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown)
