"""A version in production, with what it was trained on, and what comes back from it: for tests of monitors."""

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import numpy as np

from core import clock
from core.ids import uuid7
from core.storage import get_store
from monitoring.models import Monitor, Window
from monitoring.profiles import DEFAULT_KEY, reference_of
from monitoring.services import receive_part
from monitoring.services.baselines import baseline_profile
from monitoring.services.windows import EPOCH
from registry import selectors, services
from registry.services.promotions import Request
from tests.monitoring.building import build_profile
from tests.registry.factories import new_artifact, new_run, new_version

DAY = timedelta(days=1)
TODAY = EPOCH + (clock.now() - EPOCH) // DAY * DAY


def rows(n=2_000, seed=0, *, shift=0.0, missing=0.0, country=("de", "fr", "it")):
    """Customers: an amount, an age with gaps, a country."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, n)
    age[rng.random(n) < missing] = np.nan
    return {
        "amount": rng.normal(shift, 1, n),
        "age": age,
        "country": np.array(country, object)[rng.integers(0, len(country), n)],
    }


def day(back):
    """The start of the UTC day so many days ago: before the tests began, since theirs is a clock that may be moved over midnight."""
    return TODAY - back * DAY


def store_artifact(run, path, content):
    """Bytes of a run that are really in the store."""
    store = get_store()
    key = store.new_staging_key()
    store.write_part(key, 0, [content], max_bytes=len(content))
    store.publish(key, run.project.uuid, sha256(content).hexdigest())
    return new_artifact(run, path, content)


def new_trained_version(project, by, profiles=None, **options):
    """A version whose run kept these profiles by name: that of 20,000 customers as `reference`, unless told otherwise."""
    run = new_run(project, by)
    if profiles is None:
        profiles = {"reference": build_profile(rows(20_000, seed=99)).to_bytes()}
    for name, document in profiles.items():
        store_artifact(run, f"lineal/profiles/{name}.lineal-profile", document)
    return new_version(project, by, run=run, **options)


def serve(version, by, environment="production"):
    """Report that it runs there."""
    services.ensure_environments(project=version.model.project)
    place = selectors.get_environment(project=version.model.project, name=environment)
    return services.report_deployment(version=version, environment=place, target="eu-1", actor=by)[0]


def promote(version, by, environment="production"):
    """Nothing stands in its way there."""
    services.ensure_environments(project=version.model.project)
    place = selectors.get_environment(project=version.model.project, name=environment)
    request = Request(model=version.model, version=version, environment=place, actor=by, reason="better")
    return services.request_promotion(request)[0]


def profile_of(monitor, table, **options):
    """A profile made against the monitor's reference."""
    from monitoring.selectors import get_baseline

    reference = reference_of(baseline_profile(get_baseline(monitor.version)), DEFAULT_KEY)
    return build_profile(table, reference=reference, **options)


def send(monitor, profile, start, *, part=None, end=None):
    """Serving code brings a profile of that moment; the part."""
    return receive_part(
        monitor=monitor,
        uuid=part or uuid7(),
        start=start,
        end=end or start + timedelta(hours=1),
        document=profile.to_bytes(),
        sender="bob",
    )[0]


def body(profile, start, *, part=None, end=None):
    """The same as a request has it."""
    return {
        "part": str(part or uuid7()),
        "start": clock.text(start),
        "end": clock.text(end or start + timedelta(hours=1)),
        "profile": b64encode(profile if isinstance(profile, bytes) else profile.to_bytes()).decode(),
    }


def windows(monitor):
    return list(Window.objects.select_related("evaluation").filter(monitor=monitor).order_by("start"))


def states(monitor):
    """How each window was judged, in their order; its own state where it was not."""
    return [each.evaluation.state if each.state == "evaluated" else each.state for each in windows(monitor)]


def the_monitor(version):
    return Monitor.objects.select_related("project", "environment", "version__model__project").get(version=version)
