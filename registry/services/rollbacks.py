"""Rollback: one call back to a version that held the environment before. It asks for verified bytes and a reason only,
because it is for the worst hour of the week; the ledger and a receipt say who did it and why.
"""

from core.access import Principal
from registry import selectors
from registry.errors import HolderDiffers, NothingToRollBackTo
from registry.judging import NOBODY
from registry.models import Environment, Model, ModelVersion, Promotion
from registry.services.promotions import Request, request_promotion


def roll_back(
    *,
    model: Model,
    environment: Environment,
    actor: Principal,
    reason: str,
    to: str | None = None,
    expect_current: str | None = None,
    idempotency_key: str | None = None,
) -> tuple[Promotion, bool]:
    """Return `environment` to the version `to` (a digest or number), by default the last good one before the current.

    With `expect_current` (a digest, or "none") it is done only while that holds the environment; else the promotion that
    comes back says `holder_differs`, and nothing has moved.

    Raises:
        NothingToRollBackTo: nothing usable held it before, or `to` never did.
        HolderDiffers: nothing usable held it before, and that for the reason that it has moved since: somebody was faster.
        KeyReused: the key is of another request.
    """
    known = _repeated(model, idempotency_key)
    version = known if known is not None else _target(model, environment, to, expect_current)
    request = Request(
        model=model,
        version=version,
        environment=environment,
        actor=actor,
        reason=reason,
        expect_current=expect_current,
        idempotency_key=idempotency_key,
        kind=Promotion.Kind.ROLLBACK,
    )
    return request_promotion(request)


def _repeated(model: Model, idempotency_key: str | None) -> ModelVersion | None:
    """What the same request chose the first time: "the last good one" is another after it was carried out."""
    if idempotency_key is None:
        return None
    known = Promotion.objects.select_related("version__model__project", "version__run").filter(
        project=model.project, idempotency_key=idempotency_key, kind=Promotion.Kind.ROLLBACK, model=model
    )
    first = known.first()
    return first.version if first is not None else None


def _target(model: Model, environment: Environment, to: str | None, expect_current: str | None) -> ModelVersion:
    history = list(reversed(selectors.slot_history(model=model, environment=environment)))
    if to is None:
        version = _last_good(model, environment, history)
        if version is None:
            _refuse_if_moved(model, environment, expect_current)
            raise NothingToRollBackTo(f"Nothing usable held '{environment.name}' of '{model.name}' before.")
        return version
    version = selectors.get_version(model=model, ref=to)
    if not any(version.pk in (past.version_id, past.previous_id) for past in history):
        raise NothingToRollBackTo(
            f"{version.label} never held '{environment.name}'; promote it instead.", version=version.digest
        )
    return version


def _last_good(model: Model, environment: Environment, history: list[Promotion]) -> ModelVersion | None:
    line = selectors.good_line(history)
    usable = [version for version in line[:-1] if not version.is_barred]
    return selectors.get_version(model=model, ref=usable[-1].number) if usable else None


def _refuse_if_moved(model: Model, environment: Environment, expect_current: str | None) -> None:
    slot = selectors.find_slot(model=model, environment=environment)
    found = slot.version.digest if slot is not None and slot.version is not None else NOBODY
    if expect_current not in (None, found):
        raise HolderDiffers(environment.name, expected=expect_current, found=found)
