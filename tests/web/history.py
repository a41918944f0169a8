"""A model's life over weeks: versions that followed one another in production, what reported to serve them, a rollback, one that waits."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.clock import now
from registry import selectors, services
from registry.models import Promotion, Slot
from registry.services.promotions import Request
from tests.registry.factories import new_version
from tests.web.story import want_approval

DAY = timedelta(days=1)


@dataclass
class History:
    """`promotions` in the order of life, each some days after the one before; `began` is when the first was carried out."""

    versions: list[Any] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    deployments: list[Any] = field(default_factory=list)
    began: Any = None


def live_through(
    project, *, admin, asker, approver, versions=3, every=7 * DAY, model="churn", targets=("eu-1", "us-1")
):
    """Each version is asked for by one person, approved by another, and reported by every target an hour later."""
    want_approval(project, admin)
    history = History(began=now() - versions * every)
    for at in range(versions):
        inputs = [("train", f"sha256:{at + 1:064x}", "content"), ("holdout", "sha256:" + "ab" * 32, "content")]
        version = new_version(
            project, asker, model=model, metrics={"auc": 0.9 + at / 100, "loss": 0.3 - at / 50}, inputs=inputs,
            commit=f"{at + 1:040x}", lock=f"numpy=={at + 1}",
        )  # fmt: skip
        history.versions.append(version)
        moment = history.began + at * every
        history.promotions.append(promote(project, version, asker=asker, approver=approver, at=moment))
        for target in targets:
            history.deployments.append(_serve(project, version, target, by=asker, at=moment + timedelta(hours=1)))
    return history


def promote(project, version, *, asker, approver, at=None, to="production", reason="better on the holdout"):
    """Asked for and approved; with `at` as if it had been then."""
    promotion = ask(project, version, asker, to=to, reason=reason)
    if promotion.is_open:
        promotion = services.decide_promotion(
            promotion=promotion, decision="approve", reason="looked at the gates", actor=approver
        )
    assert promotion.decision == "promoted", promotion.detail
    if at is not None:
        Promotion.objects.filter(pk=promotion.pk).update(requested_at=at, finished_at=at)
        Slot.objects.filter(promotion=promotion).update(since=at)
    return selectors.get_promotion(project=project, uuid=promotion.uuid)


def ask(project, version, by, *, to="production", reason="better on the holdout"):
    services.ensure_environments(project=project)
    environment = selectors.get_environment(project=project, name=to)
    request = Request(model=version.model, version=version, environment=environment, actor=by, reason=reason)
    promotion, _ = services.request_promotion(request)
    return promotion


def _serve(project, version, target, *, by, at):
    environment = selectors.get_environment(project=project, name="production")
    deployment, _ = services.report_deployment(
        version=version, environment=environment, target=target, actor=by, observed_at=at
    )
    return deployment
