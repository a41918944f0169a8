"""Runs, versions and policies to promote, made straight in the tables where this room only reads them."""

import pytest

from audit.testing import let_flush_pass_guards
from registry import selectors, services
from registry.services.promotions import Request
from tests.registry import factories

let_flush_pass_guards()


@pytest.fixture
def make_run(project):
    """A run in `project`, or in the one given as `of`; see `factories.new_run`."""

    def make(by, *, of=None, **options):
        return factories.new_run(of or project, by, **options)

    return make


@pytest.fixture
def make_artifact():
    return factories.new_artifact


@pytest.fixture
def make_version(project, bob):
    """`make_version(metrics={"auc": 0.9})`: a verified version of "fraud", made by Bob; see `factories.new_version`."""

    def make(*, by=None, of=None, **options):
        return factories.new_version(of or project, by or bob, **options)

    return make


@pytest.fixture
def environment(project):
    """`environment("production")`, of the project."""

    def find(name, of=None):
        services.ensure_environments(project=of or project)
        return selectors.get_environment(project=of or project, name=name)

    return find


@pytest.fixture
def set_policy(project, environment, alice):
    """Bind an environment by a policy in TOML, production by default."""

    def put(toml, at="production"):
        from registry.policies import parse_toml

        document = parse_toml(toml.encode())
        revision, _ = services.put_policy(project=project, name=f"{at}-gates", document=document, actor=alice)
        services.set_environment_policy(
            environment=environment(at), policy=revision.policy, reason="rules", actor=alice
        )
        return revision

    return put


@pytest.fixture
def promote(environment, bob):
    """Ask as Bob, into production unless told otherwise; the promotion that came of it."""

    def ask(version, *, to="production", actor=None, reason="better on holdout", **options):
        request = Request(
            model=version.model,
            version=version,
            environment=environment(to),
            actor=actor or bob,
            reason=reason,
            **options,
        )
        promotion, _ = services.request_promotion(request)
        return promotion

    return ask


@pytest.fixture
def holder(environment):
    """What holds an environment: the version's number, or None."""

    def find(model, at="production"):
        slot = selectors.find_slot(model=model, environment=environment(at))
        return slot.version.number if slot is not None and slot.version is not None else None

    return find


@pytest.fixture
def carol(make_member):
    """May approve."""
    from core.access import Role

    return make_member("carol", Role.APPROVER)


@pytest.fixture
def dave(make_member):
    """May approve, too."""
    from core.access import Role

    return make_member("dave", Role.APPROVER)
