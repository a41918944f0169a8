"""Params are written once: the same value again changes nothing, another one is refused, a correction is an act of its own."""

from collections.abc import Mapping

from django.db import transaction

from audit.services import record
from core.access import Principal
from core.errors import Invalid
from tracking.errors import ParamNotFound
from tracking.evidence import run_target
from tracking.limits import RUN_PARAMS
from tracking.models import Param, Run
from tracking.services import seals
from tracking.values import ParamValue, Rejected, Scalar, Written, problem_of_key, problem_of_param, spell, unspell


def write_params(*, run: Run, params: Mapping[str, Scalar]) -> Written:
    """Store what is new. The caller holds the run's lock. Two queries."""
    if not params:
        return Written()
    rejected: list[Rejected] = []
    fresh: list[Param] = []
    sound = [key for key in params if problem_of_key(key) is None]  # PostgreSQL cannot even look a NUL up
    stored = {row.key: row for row in Param.objects.filter(run=run, key__in=sound)}
    room = RUN_PARAMS - (Param.objects.filter(run=run).count() if len(params) > len(stored) else 0)
    for key, given in params.items():
        value = spell(given)
        problem = _problem(key, value, stored.get(key))
        if problem is None and key not in stored and len(fresh) >= room:
            problem = f"A run holds at most {RUN_PARAMS} params."
        if problem is not None:
            kept = stored.get(key)
            shown = unspell(kept.value, kept.kind) if kept else None
            rejected.append(Rejected("param", key, problem, shown, unspell(value.text, value.kind)))
        elif key not in stored:
            fresh.append(_row(run, key, value))
    Param.objects.bulk_create(fresh)
    return Written(rejected, changed=bool(fresh))


@transaction.atomic
def correct_param(*, run: Run, key: str, value: Scalar, actor: Principal, reason: str) -> Param:
    """Replace a wrong value, on the record: both values and the reason go to the ledger.

    Raises:
        ParamNotFound: there is nothing to correct.
        Invalid: the new value is too long.
    """
    run = seals.lock_for_writing(run)
    param = Param.objects.filter(run=run, key=key).first()
    if param is None:
        raise ParamNotFound(key)
    spelled = spell(value)
    problem = problem_of_param(spelled.text)
    if problem is not None:
        raise Invalid(problem, field="value")
    before = param.value
    if before != spelled.text:
        Param.objects.filter(run=run, key=key).update(
            value=spelled.text, head=spelled.head, kind=spelled.kind, number=spelled.number
        )
        seals.note_late_write(run)
        record(
            action="param.correct",
            target=run_target(run),
            actor=actor,
            project=run.project,
            reason=reason,
            before={key: before},
            after={key: spelled.text},
        )
    return Param.objects.get(run=run, key=key)


def _problem(key: str, value: ParamValue, stored: Param | None) -> str | None:
    problem = problem_of_key(key) or problem_of_param(value.text)
    if problem is None and stored is not None and stored.value != value.text:
        return (
            f"Param '{key}' is {stored.value!r} and cannot become {value.text!r}; record a correction if it was wrong."
        )
    return problem


def _row(run: Run, key: str, value: ParamValue) -> Param:
    return Param(
        run=run,
        experiment_id=run.experiment_id,
        key=key,
        value=value.text,
        head=value.head,
        kind=value.kind,
        number=value.number,
    )
