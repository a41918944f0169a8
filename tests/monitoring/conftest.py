"""Versions to watch, made as the registry's tests make them, and documents that tools wrote."""

from pathlib import Path

import pytest

from tests.registry.factories import new_version

VECTORS = Path(__file__).parents[1] / "vectors" / "verdicts"


@pytest.fixture
def make_version(project, bob):
    """`make_version()`: a verified version of "fraud", made by Bob; see `factories.new_version`."""

    def make(*, by=None, of=None, **options):
        return new_version(of or project, by or bob, **options)

    return make


@pytest.fixture
def vector():
    """`vector("gx-1.24.1-validation-pass")`: the bytes that the tool wrote."""
    return lambda name: (VECTORS / f"{name}.json").read_bytes()


@pytest.fixture
def carol(make_member):
    """Maintains the project, so she may make hooks and triggers."""
    from core.access import Role

    return make_member("carol", Role.MAINTAINER)


@pytest.fixture
def make_trigger(home, project, carol):
    """`make_trigger("retrain", cool_down_s=0)`: on new versions of "train", a webhook to nowhere, unless told otherwise."""
    from monitoring import services
    from monitoring.services.triggers import Wish

    def make(name="retrain", **wish):
        wish.setdefault("on", "dataset_version")
        defaults = {"dataset_version": {"dataset": "train"}, "calendar": {"cron": "0 3 * * *"}, "alert": {}}
        wish.setdefault("filter", defaults[wish["on"]])
        if wish.setdefault("action", "webhook") == "webhook":
            wish.setdefault("address", "https://jobs.example.org/retrain")
        trigger, secret = services.create_trigger(project=project, wish=Wish(name=name, **wish), actor=carol)
        trigger.secret = secret
        return trigger

    return make


@pytest.fixture
def later(monkeypatch):
    """`later(seconds)` moves the server's clock on."""
    from datetime import timedelta

    from core import clock

    moved, real_now = [timedelta()], clock.now
    monkeypatch.setattr(clock, "now", lambda: real_now() + moved[0])

    def move(seconds):
        moved[0] += timedelta(seconds=seconds)

    return move
