"""Tags may change at any time; null removes one."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from core.errors import Invalid
from tracking.errors import TagNotFound
from tracking.limits import HEAD_LENGTH, RUN_TAGS
from tracking.models import Run, Tag
from tracking.services import seals
from tracking.values import Rejected, Written, problem_of_key, problem_of_tag


def write_tags(*, run: Run, tags: Mapping[str, str | None]) -> Written:
    """Set and remove. The caller holds the run's lock."""
    if not tags:
        return Written()
    rejected: list[Rejected] = []
    wanted: dict[str, str] = {}
    gone: list[str] = []
    sound = [key for key in tags if problem_of_key(key) is None]
    stored = dict(Tag.objects.filter(run=run, key__in=sound).values_list("key", "value"))
    for key, value in tags.items():
        problem = problem_of_key(key) or (problem_of_tag(value) if value is not None else None)
        if problem is not None:
            rejected.append(Rejected("tag", key, problem, given=value))
        elif value is None:
            gone += [key] if key in stored else []
        elif stored.get(key) != value:
            wanted[key] = value
    if not (gone or wanted):
        return Written(rejected)
    Tag.objects.filter(run=run, key__in=[*gone, *wanted]).delete()
    room = max(0, RUN_TAGS - Tag.objects.filter(run=run).count())
    kept = dict(list(wanted.items())[:room])
    rejected += [Rejected("tag", key, f"A run holds at most {RUN_TAGS} tags.") for key in wanted if key not in kept]
    Tag.objects.bulk_create(
        Tag(run=run, experiment_id=run.experiment_id, key=key, value=value, head=value[:HEAD_LENGTH])
        for key, value in kept.items()
    )
    return Written(rejected, changed=bool(gone or kept))


@transaction.atomic
def set_tag(*, run: Run, key: str, value: str) -> None:
    """Raises Invalid, RunDeleted."""
    run = seals.lock_for_writing(run)
    written = write_tags(run=run, tags={key: value})
    if written.rejected:
        raise Invalid(written.rejected[0].detail, field="value")
    if written.changed:
        seals.note_late_write(run)


@transaction.atomic
def delete_tag(*, run: Run, key: str) -> None:
    """Raises TagNotFound, RunDeleted."""
    run = seals.lock_for_writing(run)
    if not Tag.objects.filter(run=run, key=key).exists():
        raise TagNotFound(key)
    write_tags(run=run, tags={key: None})
    seals.note_late_write(run)


@transaction.atomic
def tag_runs(*, runs: Sequence[Run], key: str, value: str | None) -> None:
    """Set a tag on all of the runs, or with None remove it, or do nothing at all.

    Raises Invalid, RunDeleted, RunPurged.
    """
    for run in sorted(
        runs, key=lambda run: run.pk
    ):  # always in one order, so that two of these cannot wait for each other
        locked = seals.lock_for_writing(run)
        written = write_tags(run=locked, tags={key: value})
        if written.rejected:
            raise Invalid(written.rejected[0].detail, field="key")
        if written.changed:
            seals.note_late_write(locked)
