"""What a run's recipe is made of, gathered."""

from collections.abc import Collection, Mapping
from typing import Any

from core.access import ProjectRef
from tracking.limits import DIFF_LENGTH
from tracking.models import Artifact, Blob, Run
from tracking.recipes import CUT, MASK, Ingredients, Kept
from tracking.selectors.datasets import UsedVersion, inputs_of
from tracking.selectors.runs import code_diff


def ingredients_of(
    run: Run, *, project: Any, inputs: Collection[UsedVersion] | None = None, diff: str | None = None
) -> Ingredients:
    """At most three queries; fewer where the caller knows `inputs` and `diff` already."""
    used = list(inputs_of([run.pk]) if inputs is None else inputs)
    text = code_diff(run) if diff is None else diff
    return Ingredients(
        run=run,
        project=project.name,
        inputs=used,
        diff_size=len(text) if text else None,
        diff_is_cut=len(text) >= DIFF_LENGTH or CUT in text[-200:],
        diff_is_masked=MASK in text,
        has_lock=bool(run.environment and run.environment.lock),
        kept=_kept(project, {use.digest.removeprefix("sha256:") for use in used if use.digest}),
    )


def _kept(project: ProjectRef, digests: Collection[str]) -> Mapping[str, Kept]:
    """Files of the project's runs that have these digests; of several the oldest. One query."""
    if not digests:
        return {}
    usable = [Blob.State.VERIFIED, Blob.State.UNVERIFIED]
    files = Artifact.objects.filter(
        blob__project_id=project.id, blob__sha256__in=list(digests), blob__state__in=usable
    ).exclude(run__lifecycle__in=[Run.Lifecycle.DELETED, Run.Lifecycle.PURGED])
    rows = files.order_by("-id").values_list("blob__sha256", "run__uuid", "path")[:1_000]
    return {sha256: Kept(run.hex, path) for sha256, run, path in rows}
