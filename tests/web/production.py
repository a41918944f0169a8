"""A version in production: some quiet days, then one on which a column moved, and what came of that."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import lineal
import numpy as np

from core import clock
from monitoring import services
from monitoring.models import Alert, Monitor, Window
from monitoring.services.windows import aligned, close_due
from registry import selectors
from registry import services as registry
from registry.models import ModelVersion

DAY = timedelta(days=1)
ROWS = 400


@dataclass
class Production:
    monitor: Monitor
    windows: list[Window]
    alert: Alert | None


def table(seed, *, shift=0.0, rows=ROWS, evil=""):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.normal(40 + shift, 10, rows),
        "income": rng.lognormal(10, 0.4, rows),
        "rooms": rng.integers(1, 7, rows),
        "city": np.array(["Oslo", "Bergen", evil or "Trondheim"], object)[rng.integers(0, 3, rows)],
    }


def predicted(seed, *, rows=ROWS):
    """Labels of a model that is right about four times in five."""
    rng = np.random.default_rng(1_000 + seed)
    scores = rng.random(rows)
    return {
        "scores": scores,
        "predictions": (scores > 0.5).astype(int),
        "labels": (rng.random(rows) < scores).astype(int),
    }


def watch(version: ModelVersion, *, by, days=6, shifted=True, evil="") -> Production:
    """Every window is judged, as beat and worker would."""
    registry.ensure_environments(project=version.model.project)
    environment = selectors.get_environment(project=version.model.project, name="production")
    baseline = lineal.profile(table(0, rows=4_000, evil=evil), **predicted(0, rows=4_000))
    services.put_baseline(version=version, document=baseline.to_bytes(), reason="tests", actor=by)
    monitor, _ = services.ensure_monitor(version=version, environment=environment, actor=by)
    start = aligned(monitor, clock.now()) - (days + 1) * DAY
    for day in range(days):
        moment = start + day * DAY
        moved = 12.0 if shifted and day == days - 1 else 0.0
        batch = table(day + 1, shift=moved, evil=evil)
        part = lineal.profile(batch, baseline.reference(), **predicted(day + 1))
        services.receive_part(
            monitor=monitor, uuid=uuid4(), start=moment, end=moment + DAY, document=part.to_bytes(), sender="tests"
        )
    close_due()
    for window in Window.objects.filter(monitor=monitor).order_by("start"):
        services.evaluate_window(window_id=window.pk)
    windows = list(Window.objects.filter(monitor=monitor).order_by("start"))
    return Production(monitor, windows, Alert.objects.filter(monitor=monitor).order_by("id").first())
