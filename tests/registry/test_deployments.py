"""Deployments: what runs, held against what was promoted, now and at any moment."""

from datetime import timedelta

import pytest

from core.clock import now
from core.errors import Invalid
from lineage import selectors as lineage
from registry import selectors, services

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(environment, bob):
    def call(version, target="eu-1", **options):
        deployment, is_new = services.report_deployment(
            version=version, environment=environment("production"), target=target, actor=bob, **options
        )
        deployment.is_new = is_new
        return deployment

    return call


def live(project, **options):
    return {(d.target, d.version.number) for d in selectors.list_deployments(project=project, live=True, **options)}


def test_promoted_version_matches(make_version, promote, report, recorded_actions):
    version = make_version()
    promote(version)

    assert report(version).matched_slot
    assert recorded_actions()[-1] == "deployment.report"


def test_another_version_is_recorded_and_cried_out(make_version, promote, report, recorded_actions, monkeypatch):
    """Production says what it runs; that it should not is news for people, not a reason to look away."""
    from core import events

    told = []
    monkeypatch.setattr(events, "announce", lambda event, **facts: told.append((event, facts)))
    promoted, other = make_version(), make_version()
    promote(promoted)

    deployment = report(other)

    assert not deployment.matched_slot
    assert recorded_actions()[-2:] == ["deployment.report", "deployment.mismatch"]
    (facts,) = [facts for event, facts in told if event == "deployment.mismatch"]
    assert (facts["digest"], facts["promoted_digest"]) == (other.digest, promoted.digest)


def test_nothing_promoted_is_a_mismatch(make_version, report):
    assert not report(make_version()).matched_slot


def test_same_report_again_is_no_news(make_version, report, recorded_actions):
    """Serving code may report at every start."""
    version = make_version()
    first = report(version, image_digest="sha256:aa")
    before = recorded_actions()

    again = report(version, image_digest="sha256:aa")

    assert (again.pk, again.is_new, recorded_actions()) == (first.pk, False, before)
    assert report(version, image_digest="sha256:bb").is_new


def test_successor_ends_what_served_there(make_version, report, project):
    old, new = make_version(), make_version()
    report(old), report(old, target="eu-2")

    report(new)

    assert live(project) == {("eu-1", 2), ("eu-2", 1)}


def test_canary_serves_beside_until_it_takes_all(make_version, report, project):
    old, new = make_version(), make_version()
    report(old)
    report(new, traffic_share=0.1)
    assert live(project) == {("eu-1", 1), ("eu-1", 2)}

    report(new, traffic_share=1.0)

    assert live(project) == {("eu-1", 2)}


def test_as_of_tells_what_served_then(make_version, report, project):
    """The auditor's question: what answered on the third of March?"""
    t0 = now() - timedelta(days=10)
    old, new = make_version(), make_version()
    report(old, observed_at=t0)
    report(new, observed_at=t0 + timedelta(days=5))

    def served(days):
        found = selectors.list_deployments(project=project, as_of=t0 + timedelta(days=days))
        return [deployment.version.number for deployment in found]

    assert [served(days) for days in (-1, 0, 4.9, 5, 9)] == [[], [1], [1], [2], [2]]


def test_report_that_comes_late_does_not_undo_its_successor(make_version, report, project):
    t0 = now() - timedelta(days=10)
    old, new = make_version(), make_version()
    report(new, observed_at=t0 + timedelta(days=5))

    late = report(old, observed_at=t0)

    assert late.ended_at == t0 + timedelta(days=5)
    assert live(project) == {("eu-1", 2)}


def test_times_that_cannot_be_are_refused(make_version, report, bob):
    with pytest.raises(Invalid, match="future"):
        report(make_version(), observed_at=now() + timedelta(hours=1))
    deployment = report(make_version())
    with pytest.raises(Invalid, match="cannot end before"):
        services.end_deployment(
            deployment=deployment, reason="x", actor=bob, ended_at=deployment.started_at - timedelta(days=1)
        )


def test_ending_it_twice_is_ending_it_once(make_version, report, bob, recorded_actions):
    deployment = report(make_version())
    ended = services.end_deployment(deployment=deployment, reason="scaled down", actor=bob)
    before = recorded_actions()

    again = services.end_deployment(deployment=deployment, reason="scaled down", actor=bob)

    assert again.ended_at == ended.ended_at
    assert recorded_actions() == before


def test_impact_of_a_model_finds_what_is_live(make_version, report, project, bob):
    """From a run down to what serves now; what has ended is history."""
    version = make_version()
    report(version, target="eu-1")
    ended = report(version, target="eu-2")
    services.end_deployment(deployment=ended, reason="x", actor=bob)

    starts = lineage.resolve(project, "model:fraud/1")
    found = lineage.impact(starts=starts, kinds=["deployment"], live=True)

    assert [node.about["target"] for node in found.nodes] == ["eu-1"]
    assert len(lineage.impact(starts=starts, kinds=["deployment"]).nodes) == 2
    assert lineage.resolve(project, f"deployment:{ended.uuid}")[0].live is False
    assert lineage.resolve(project, "deployment:nonsense") == []
