"""A project in which everything has happened once, with names that try to be markup, made by the services themselves."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import transaction

from core.clock import now
from registry import selectors, services
from registry.policies import parse_toml
from registry.services.promotions import Request
from tests.registry.factories import new_artifact
from tracking.metrics.points import Points
from tracking.models import DatasetVersion, Run
from tracking.services import create_run, finish_run, write_batch
from tracking.services.runs import Origin
from tracking.uses import DatasetUse

EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
EVIL_NAME = "<b onmouseover=alert(3)>'bold'</b>"
DIGEST = "sha256:" + "ab" * 32
POLICY = b"""
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= 0.5"

[[gate]]
id = "four-eyes"
kind = "approval"
"""


@dataclass
class Story:
    run: Run
    version: Any
    promotion: Any
    deployment: Any
    dataset_version: DatasetVersion


def new_run(project, by, *, name="quiet-otter", experiment="gbm", metrics=None, params=None, finish=True, **options):
    """A run that was logged to over the wire's own service."""
    run, _ = create_run(project=project, experiment=experiment, actor=by, name=name, params=params or {}, **options)
    series = [(key, points(values)) for key, values in (metrics or {}).items()]
    if series:
        write_batch(run=run, writer=uuid4(), sequence=1, metrics=series)
    return finish_run(run=run, status="finished", actor=by) if finish else run


def points(values):
    count = len(values)
    return Points(
        steps=np.arange(count, dtype=np.int64),
        times=np.arange(count, dtype=np.int64) * 1_000_000 + 1_700_000_000_000_000,
        values=np.array(values, dtype=np.float64),
    )


def tell(project, by):
    """Run, version, a promotion that waits, and a deployment; every free text is markup that must stay text."""
    run, _ = create_run(
        project=project,
        experiment=EVIL,
        actor=by,
        name=EVIL,
        description=EVIL,
        origin=Origin(
            host=EVIL,
            user=EVIL,
            entry_point=EVIL,
            code={
                "repository": EVIL,
                "commit": "1a2b3c4d" * 5,
                "branch": EVIL,
                "dirty": True,
                "diff": f"@@\n-{EVIL}\n+x",
            },
            environment={"digest": DIGEST, "lock": "numpy==2.0", "python": EVIL[:64], "platform": EVIL},
        ),
        params={EVIL: EVIL, "items": 1, "lr": 0.001},
        tags={EVIL: EVIL, "items": "x"},
    )
    use = DatasetUse(
        name=EVIL_NAME, digest=DIGEST, kind="file", strength="content", context=EVIL[:100], rows=12, bytes=3456, uri=EVIL,
        schema=[{"name": EVIL, "type": EVIL}],
    )  # fmt: skip
    series = [("auc", points([0.1, 0.9])), (EVIL, points([float("nan")])), ("items", points([1.0, float("inf")]))]
    write_batch(run=run, writer=uuid4(), sequence=1, metrics=series, inputs=[use])
    new_artifact(run, "model.bin")
    run = finish_run(run=run, status="finished", actor=by)
    version, _ = services.register_version(
        project=project, model="fraud", run_id=run.uuid, artifact="model.bin", actor=by, description=EVIL,
        tags={EVIL: EVIL}, card={EVIL: [EVIL]},
    )  # fmt: skip
    services.update_model(model=version.model, actor=by, description=EVIL)
    version = services.review_version(version_id=version.pk)
    return Story(
        run=run,
        version=version,
        promotion=_ask(project, version, by),
        deployment=_deploy(project, version, by),
        dataset_version=DatasetVersion.objects.get(dataset__name=EVIL_NAME),
    )


def want_approval(project, admin, at="production"):
    """From now on `at` asks for one approver's word."""
    services.ensure_environments(project=project)
    revision, _ = services.put_policy(project=project, name=f"{at}-gates", document=parse_toml(POLICY), actor=admin)
    environment = selectors.get_environment(project=project, name=at)
    services.set_environment_policy(environment=environment, policy=revision.policy, reason=EVIL, actor=admin)


def _ask(project, version, by):
    environment = selectors.get_environment(project=project, name="production")
    request = Request(model=version.model, version=version, environment=environment, actor=by, reason=EVIL)
    promotion, _ = services.request_promotion(request)
    return promotion


def _deploy(project, version, by):
    environment = selectors.get_environment(project=project, name="production")
    deployment, _ = services.report_deployment(
        version=version, environment=environment, target=EVIL, actor=by, image_digest=DIGEST, observed_at=now()
    )
    return deployment


def subscribe(project, admin):
    """A webhook that was told something, and answered with markup."""
    from notify import services as notify
    from notify.models import Attempt, Delivery
    from notify.services.subscriptions import Wish

    wish = Wish(name="ops", kind="webhook", target="https://ops.example.org/hook")
    subscription, _ = notify.create_subscription(project=project, wish=wish, actor=admin)
    with transaction.atomic():
        notify.publish(
            project=project, event="alert.opened", severity="critical", title=EVIL, text=EVIL, url="javascript:alert(4)",
            payload={EVIL: EVIL, "items": 1}, key="a-1",
        )  # fmt: skip
    delivery = Delivery.objects.get()
    Delivery.objects.update(detail=EVIL, attempts=1)
    Attempt.objects.create(delivery=delivery, at=now(), status=500, answer=EVIL, error=EVIL, duration_ms=3)
    return subscription
