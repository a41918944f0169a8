"""What each kind of gate makes of recorded evidence."""

from datetime import timedelta

import pytest

from registry import policies
from registry.gates import Case, Status, find_gate
from registry.models import Approval, ManifestFile, Promotion
from tests.registry.factories import new_series, seal_run
from tracking.models import Blob

pytestmark = pytest.mark.django_db

DATA = ("train", "sha256:" + "1" * 64, "content")
OTHER = ("train", "sha256:" + "2" * 64, "content")


@pytest.fixture
def judge(environment):
    """What a gate, with these fields, says of a version."""

    def run(kind, version, champion=None, approvals=(), **fields):
        text = policies.canonical_text({"gate": [{"id": "g", "kind": kind} | fields]})
        spec = policies.gate_specs(text)[0].spec
        case = Case(version=version, champion=champion, environment=environment("production"), approvals=approvals)
        return find_gate(kind).judge(spec, case)

    return run


def test_metric_is_compared_with_the_holders(judge, make_version):
    version, champion = make_version(metrics={"auc": 0.934}), make_version(metrics={"auc": 0.931})

    finding = judge("metric", version, champion, expr="auc >= champion.auc - 0.002")

    assert (finding.status, finding.observed) == (Status.PASS, 0.934)
    assert finding.limit == pytest.approx(0.929)
    assert list(finding.evidence) == [
        f"run:{version.run.uuid.hex}/metrics/auc",
        f"run:{champion.run.uuid.hex}/metrics/auc",
    ]


@pytest.mark.parametrize(("absent", "status"), [("pass", "pass"), ("fail", "fail"), ("missing", "missing")])
def test_policy_says_what_counts_without_a_holder(judge, make_version, absent, status):
    finding = judge("metric", make_version(), expr="auc > champion.auc", champion_absent=absent)

    assert finding.status == status


def test_history_of_a_metric_can_be_asked_for(judge, make_version):
    version = make_version()
    new_series(version.run, "latency", [30.0, 90.0, 40.0])

    assert judge("metric", version, expr="latency < 50").status == Status.PASS
    assert judge("metric", version, expr="max(latency) < 50").status == Status.FAIL
    assert judge("metric", version, expr="min(latency) == 30").status == Status.PASS


def test_metric_logged_as_nan_fails_and_is_not_missing(judge, make_version):
    version = make_version(metrics={"auc": None})

    finding = judge("metric", version, expr="auc > 0.5")

    assert (finding.status, finding.observed) == (Status.FAIL, "NaN")


def test_division_by_zero_is_an_error_and_no_pass(judge, make_version):
    assert judge("metric", make_version(metrics={"n": 0.0}), expr="1 / n > 0").status == Status.ERROR


def test_metric_counts_only_on_the_named_dataset(judge, make_version):
    """By name, context or digest; two runs are compared on the same digest or not at all."""
    version, same = make_version(metrics={"auc": 0.9}, inputs=[DATA]), make_version(metrics={"auc": 0.8}, inputs=[DATA])
    other = make_version(metrics={"auc": 0.7}, inputs=[OTHER])
    question = {"expr": "auc > champion.auc"}

    assert judge("metric", version, same, dataset="train", **question).status == Status.PASS
    assert judge("metric", version, same, dataset=DATA[1], **question).status == Status.PASS
    assert judge("metric", version, same, dataset="holdout", **question).status == Status.MISSING
    assert judge("metric", version, other, **question).status == Status.PASS
    finding = judge("metric", version, other, dataset="train", **question)
    assert (finding.status, finding.evidence) == (Status.MISSING, [DATA[1], OTHER[1]])


def test_line_back_to_data_code_and_environment_passes(judge, make_version):
    version = make_version(inputs=[DATA], commit="1a2b3c", lock="numpy==2.4.6")

    finding = judge("lineage", version)

    assert (finding.status, finding.observed, finding.limit) == (Status.PASS, "content", "content")
    assert set(finding.evidence) == {DATA[1], "git:1a2b3c", f"environment:{version.run.environment.digest}"}


@pytest.mark.parametrize("gap", ["data", "code", "environment"])
def test_gap_in_the_line_is_missing_evidence(judge, make_version, gap):
    given = {"inputs": [DATA], "commit": "1a2b3c", "lock": "numpy==2.4.6"}
    del given[{"data": "inputs", "code": "commit", "environment": "lock"}[gap]]
    version = make_version(**given)

    finding = judge("lineage", version)

    assert finding.status == Status.MISSING
    assert finding.detail == f"No {gap} on record."
    others = [name for name in ("data", "code", "environment") if name != gap]
    assert judge("lineage", version, require=others).status == Status.PASS


@pytest.mark.parametrize(
    ("strength", "wanted", "status"),
    [
        ("content", "content", "pass"),
        ("snapshot", "content", "fail"),
        ("snapshot", "snapshot", "pass"),
        ("path", "declared", "fail"),
        ("content", "path", "pass"),
    ],
)
def test_weakest_data_decides(judge, make_version, strength, wanted, status):
    version = make_version(
        inputs=[("train", "sha256:" + "4" * 64, strength), ("train", "sha256:" + "3" * 64, "content")]
    )

    assert judge("lineage", version, require=["data"], strength=wanted).status == status


def test_uncommitted_changes_count_unless_their_digest_is_kept(judge, make_version):
    """Of a commit with changes on top, only the commit is known for certain."""
    version = make_version(commit="1a2b3c", dirty=True)

    assert judge("lineage", version, require=["code"]).status == Status.FAIL
    assert judge("lineage", version, require=["code"], strength="declared").status == Status.PASS
    version.run.code_diff_sha256 = "d" * 64
    assert judge("lineage", version, require=["code"]).status == Status.PASS


def test_environment_without_its_lock_is_only_declared(judge, make_version):
    version = make_version(lock="numpy==2.4.6")
    assert judge("lineage", version, require=["environment"]).status == Status.PASS

    type(version.run.environment).objects.update(lock="")

    assert judge("lineage", version, require=["environment"]).status == Status.FAIL


def test_unsealed_run_is_missing_evidence(judge, make_version):
    version = make_version(inputs=[DATA], sealed=False)

    finding = judge("lineage", version, require=["data"])

    assert (finding.status, finding.detail) == (Status.MISSING, "The run has not ended, so nothing seals it.")


def test_integrity_counts_verified_files(judge, make_version):
    version = make_version(verified=False)

    assert judge("integrity", version).status == Status.WAITING
    for state, status in [("verified", "pass"), ("quarantined", "fail"), ("missing", "fail")]:
        Blob.objects.update(state=state)
        assert judge("integrity", version).status == status
    assert ManifestFile.objects.filter(version=version).count() == judge("integrity", version).limit == 1


@pytest.mark.parametrize(
    ("card", "filled"),
    [
        ({"intended_use": "scoring", "limits": {"known": ["small banks"]}}, 2),
        ({"intended_use": "scoring", "limits": {"known": []}}, 1),
        ({"intended_use": "  ", "limits": "none"}, 0),
        ({"intended_use": 0, "limits": {"known": False}}, 2),
        ({}, 0),
        (None, 0),
    ],
)
def test_card_has_to_say_what_is_asked(judge, make_version, card, filled):
    version = make_version()
    version.card = card

    finding = judge("card", version, fields=["intended_use", "limits.known", "intended_use"])

    assert (finding.observed, finding.limit) == (filled, 2)
    assert finding.status == (Status.PASS if filled == 2 else Status.MISSING)


def test_stay_in_the_environment_before_has_to_be_long_enough(judge, make_version, promote):
    """Counted from the promotion until the next one, and never by adding up short visits."""
    version, other = make_version(), make_version()
    assert judge("stage", version, hours=0).detail == "It never held 'staging'."
    promote(version, to="staging")

    assert judge("stage", version, hours=0).status == Status.PASS
    assert judge("stage", version, hours=2).status == Status.FAIL
    begin_earlier(version, hours=3)
    assert judge("stage", version, hours=2).status == Status.PASS
    assert judge("stage", version, hours=2, environment="dev").status == Status.FAIL
    assert judge("stage", version, hours=2, environment="moon").status == Status.ERROR

    promote(other, to="staging")
    assert judge("stage", version, hours=2).status == Status.PASS
    assert judge("stage", other, hours=2).status == Status.FAIL


def begin_earlier(version, *, hours):
    for promotion in Promotion.objects.filter(version=version):
        Promotion.objects.filter(pk=promotion.pk).update(finished_at=promotion.finished_at - timedelta(hours=hours))


def approval(person, role="approver"):
    return Approval(account_id=person.id, account_name=person.name, role=role)


def test_approval_counts_people_of_the_role(judge, make_version, carol, dave):
    version = make_version()

    assert judge("approval", version, approvals=[approval(carol)]).status == Status.PASS
    assert judge("approval", version, approvals=[approval(carol)], count=2).status == Status.WAITING
    assert judge("approval", version, approvals=[approval(carol), approval(carol)], count=2).status == Status.WAITING
    assert judge("approval", version, approvals=[approval(carol), approval(dave)], count=2).status == Status.PASS
    assert judge("approval", version, approvals=[approval(carol)], role="maintainer").status == Status.WAITING
    assert judge("approval", version, approvals=[approval(carol, "admin")], role="maintainer").status == Status.PASS


def test_author_does_not_count_unless_the_policy_says_so(judge, make_version, carol):
    version = make_version(by=carol)

    assert judge("approval", version, approvals=[approval(carol)]).status == Status.WAITING
    assert judge("approval", version, approvals=[approval(carol)], allow_author=True).status == Status.PASS


def test_seal_pinned_later_closes_the_gap(judge, make_version, run_jobs):
    from registry import services

    version = make_version(inputs=[DATA], sealed=False)
    seal = seal_run(version.run)

    assert services.pin_seals(run=version.run) == 1
    version.refresh_from_db()

    assert version.seal == seal
    assert judge("lineage", version, require=["data"]).status == Status.PASS
    assert services.pin_seals(run=version.run) == 0
