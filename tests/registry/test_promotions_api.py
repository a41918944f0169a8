"""`POST /models/{name}/promotions` and what follows it, over HTTP."""

import pytest

from core.access import Role
from registry.models import Promotion

pytestmark = pytest.mark.django_db

FOUR_EYES = '[[gate]]\nid = "four-eyes"\nkind = "approval"\n'
AUC = '[[gate]]\nid = "auc"\nkind = "metric"\nexpr = "auc > 0.9"\n'


@pytest.fixture
def ask(api, bob):
    """Ask for a promotion of "fraud" into production as Bob; the response."""

    def post(asked, *, caller=None, headers=None, **changes):
        body = {"version": asked.digest, "environment": "production", "reason": "beats it on holdout"} | changes
        return api(caller or bob).post("models/fraud/promotions", json=body, headers=headers)

    return post


def test_promotion_answers_with_its_result_document(ask, make_version):
    """What CI reads: decision, exit code, gates, who asked, and the way back."""
    first, second = make_version(), make_version()
    ask(first)

    answer = ask(second, expect_current=first.digest, idempotency_key="gh:1")

    body = answer.json()
    assert answer.status_code == 201
    assert (body["decision"], body["exit_code"], body["state"]) == ("promoted", 0, "committed")
    assert (body["model"], body["version"], body["digest"]) == ("fraud", 2, second.digest)
    assert body["previous"] == {"version": 1, "digest": first.digest}
    assert body["idempotency_key"] == "gh:1"
    assert body["actor"]["subject"] == "bob"
    assert body["rollback"]["command"] == (f"lineal rollback fraud --env production --to {first.digest} --reason …")
    assert body["receipt"] == {"type": "application/vnd.in-toto+dsse", "status": "pending"}
    assert body["audit"] is None


@pytest.mark.parametrize(
    ("decision", "exit_code"),
    [
        ("promoted", 0),
        ("already", 0),
        ("waiting", 10),
        ("gate_failed", 20),
        ("evidence_missing", 21),
        ("refused", 22),
        ("expired", 22),
        ("cancelled", 22),
        ("holder_differs", 23),
        ("frozen", 24),
    ],
)
def test_every_decision_has_its_exit_code(ask, api, make_version, set_policy, carol, bob, decision, exit_code):
    """Pipelines branch on these numbers, so each is made to happen."""
    version = make_version(metrics={"auc": 0.5})
    if decision in ("waiting", "refused", "expired", "cancelled"):
        set_policy(FOUR_EYES)
    if decision == "gate_failed":
        set_policy(AUC)
    if decision == "evidence_missing":
        set_policy(AUC.replace("auc >", "other >"))
    if decision == "frozen":
        api(carol).post(f"models/fraud/versions/{version.number}/quarantine", json={"reason": "odd"})
    if decision == "already":
        ask(version)
    expected = {"expect_current": "sha256:" + "0" * 64} if decision == "holder_differs" else {}

    body = ask(version, **expected).json()
    where = f"promotions/{body['id']}"
    if decision == "refused":
        body = api(carol).post(f"{where}/approvals", json={"decision": "refuse", "reason": "no"}).json()
    if decision == "cancelled":
        body = api(bob).post(f"{where}/cancel", json={"reason": "never mind"}).json()
    if decision == "expired":
        Promotion.objects.update(expires_at="2020-01-01T00:00:00Z")
        body = api(carol).post(f"{where}/approvals", json={"decision": "approve", "reason": "late"}).json()

    assert (body["decision"], body["exit_code"]) == (decision, exit_code)
    assert api(bob).get(where).json()["decision"] == decision


def test_repeat_of_a_key_is_no_new_promotion(ask, make_version):
    version = make_version()

    first = ask(version, headers={"Idempotency-Key": "gh:1"})
    again = ask(version, idempotency_key="gh:1")
    other = ask(make_version(), idempotency_key="gh:1")

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert again.json()["id"] == first.json()["id"]
    assert other.json()["type"] == "/problems/idempotency-mismatch"


def test_keys_of_body_and_header_have_to_agree(ask, make_version):
    answer = ask(make_version(), idempotency_key="a", headers={"Idempotency-Key": "b"})

    assert answer.status_code == 422
    assert not Promotion.objects.exists()


def test_plan_is_no_promotion(ask, make_version, set_policy):
    set_policy(FOUR_EYES)

    answer = ask(make_version(), dry_run=True)

    assert (answer.status_code, answer.json()["decision"], answer.json()["dry_run"]) == (200, "waiting", True)
    assert not Promotion.objects.exists()


def test_approval_over_http_carries_it_out(ask, api, make_version, set_policy, carol):
    set_policy(FOUR_EYES)
    version = make_version()
    waiting = ask(version).json()

    answer = api(carol).post(
        f"promotions/{waiting['id']}/approvals",
        json={"decision": "approve", "reason": "holds up", "digest": version.digest},
    )

    body = answer.json()
    assert (answer.status_code, body["decision"]) == (200, "promoted")
    assert [(a["by"], a["meaning"], a["stands"], a["signed_digest"]) for a in body["approvals"]] == [
        ("carol", "approve", True, version.digest)
    ]
    assert api(carol).get("models/fraud/environments").json()["items"][2]["version"] == version.number


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"version": "sha256:" + "0" * 64}, 404, None),
        ({"version": 99}, 404, None),
        ({"version": True}, 422, "version"),
        ({"environment": "moon"}, 404, None),
        ({"reason": ""}, 422, "reason"),
        ({"expect_current": "yesterday's"}, 422, "expect_current"),
        ({"dry_run": "perhaps"}, 422, "dry_run"),
        ({"unknown": 1}, 422, "unknown"),
    ],
)
def test_requests_that_make_no_sense_change_nothing(ask, make_version, changes, status, field):
    answer = ask(make_version(), **changes)

    assert answer.status_code == status
    assert field is None or [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Promotion.objects.exists()


def test_promotions_are_listed_newest_first_in_pages(ask, api, make_version, bob):
    for _ in range(3):
        ask(make_version())

    page = api(bob).get("promotions", data={"limit": 2, "environment": "production", "state": "committed"}).json()
    rest = api(bob).get("promotions", data={"limit": 2, "cursor": page["next_cursor"]}).json()

    assert [item["version"] for item in page["items"]] == [3, 2]
    assert [item["version"] for item in rest["items"]] == [1]
    assert rest["next_cursor"] is None


def test_viewer_may_look_and_not_ask(ask, api, make_version, make_member):
    vera = make_member("vera", Role.VIEWER)
    version = make_version()
    done = ask(version).json()

    assert ask(version, caller=vera).status_code == 403
    assert api(vera).get(f"promotions/{done['id']}").status_code == 200


def test_contributor_may_not_decide(ask, api, make_version, set_policy, make_member):
    set_policy(FOUR_EYES)
    waiting = ask(make_version()).json()
    erin = make_member("erin", Role.CONTRIBUTOR)

    answer = api(erin).post(f"promotions/{waiting['id']}/approvals", json={"decision": "approve", "reason": "ok"})

    assert answer.status_code == 403


def test_mallory_sees_no_promotion(ask, api, make_version, mallory, make_project, make_member, principal, make_account):
    """Neither through the project she is not in, nor through one of her own."""
    done = ask(make_version()).json()
    account = make_account("mia")
    own = make_project("own", admin=account)
    mia = principal(account)

    for verb, path, body in [
        ("GET", f"promotions/{done['id']}", None),
        ("POST", f"promotions/{done['id']}/approvals", {"decision": "approve", "reason": "x"}),
        ("POST", f"promotions/{done['id']}/cancel", {"reason": "x"}),
        ("POST", "models/fraud/promotions", {"version": 1, "environment": "dev", "reason": "x"}),
        ("POST", "models/fraud/rollbacks", {"environment": "production", "reason": "x"}),
        ("GET", "models/fraud", None),
    ]:
        assert api(mallory).request(verb, path, json=body).status_code == 404
        assert api(mia).request(verb, f"{path}?project={own.name}", json=body).status_code == 404


@pytest.fixture
def roll_back(api, carol):
    """Ask for a rollback of production as Carol, who may decide; the response."""

    def post(**changes):
        body = {"environment": "production", "reason": "alerts since 03:00"} | changes
        return api(carol).post("models/fraud/rollbacks", json=body)

    return post


@pytest.fixture
def three(ask, make_version):
    versions = [make_version() for _ in range(3)]
    for version in versions:
        assert ask(version).json()["decision"] == "promoted"
    return versions


def test_a_rollback_goes_one_version_back_for_two_who_saw_the_same(three, roll_back, api, bob):
    first = roll_back(expect_current=three[2].digest)
    second = roll_back(expect_current=three[2].digest)

    assert (first.status_code, first.json()["decision"], first.json()["version"]) == (201, "promoted", 2)
    assert (second.status_code, second.json()["decision"], second.json()["exit_code"]) == (201, "holder_differs", 23)
    assert second.json()["detail"] == f"Expected {three[2].digest} in 'production', found {three[1].digest}."
    assert api(bob).get("models/fraud/aliases/production").json()["version"] == 2


def test_a_rollback_to_what_is_there_already_says_so_whatever_was_expected(three, roll_back):
    roll_back(to=three[0].digest, expect_current=three[2].digest)

    assert roll_back(to=three[0].digest, expect_current=three[2].digest).json()["decision"] == "already"


def test_a_rollback_without_anything_left_tells_that_somebody_was_faster(
    ask, make_version, roll_back, recorded_actions
):
    """Two versions, two people: the second one has nothing to go back to, because the first was there before."""
    old, new = make_version(), make_version()
    ask(old)
    ask(new)
    roll_back(expect_current=new.digest)
    before = Promotion.objects.count()

    faster, nothing = roll_back(expect_current=new.digest), roll_back(expect_current=old.digest)

    assert (faster.status_code, faster.headers["Content-Type"]) == (409, "application/problem+json")
    assert faster.json() | {"request_id": ""} == {
        "type": "/problems/holder-differs",
        "title": "The environment is held by another version than expected",
        "status": 409,
        "detail": f"Expected {new.digest} in 'production', found {old.digest}.",
        "expected": new.digest,
        "found": old.digest,
        "request_id": "",
    }
    assert nothing.json()["type"] == "/problems/nothing-to-roll-back-to"
    assert Promotion.objects.count() == before


@pytest.mark.parametrize("expected", ["yesterday's", "sha256:abc", "", 7])
def test_an_expectation_that_is_no_digest_is_refused(three, roll_back, expected):
    answer = roll_back(expect_current=expected)

    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == "expect_current"


def test_polling_an_unchanged_promotion_costs_no_body(ask, api, make_version, bob):
    """Pipelines poll until the receipt is there."""
    path = f"promotions/{ask(make_version()).json()['id']}"
    first = api(bob).get(path)

    again = api(bob).get(path, headers={"if-none-match": f'"other", W/{first.headers["ETag"]}'})

    assert first.status_code == 200
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_promotion_that_went_on_is_told_anew(ask, api, make_version, set_policy, carol, bob):
    set_policy(FOUR_EYES)
    path = f"promotions/{ask(make_version()).json()['id']}"
    waiting = api(bob).get(path)
    api(carol).post(f"{path}/approvals", json={"decision": "approve", "reason": "fine"})

    answer = api(bob).get(path, headers={"if-none-match": waiting.headers["ETag"]})

    assert answer.status_code == 200
    assert answer.json()["decision"] == "promoted"
