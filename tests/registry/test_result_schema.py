"""The published schema is true: every document this server makes is valid under it."""

import json

import pytest
from jsonschema import Draft202012Validator

from audit.testing import sequence_now
from registry import services
from registry.result import EXIT_CODES, result_document
from registry.services.promotions import Request

pytestmark = pytest.mark.django_db

STRICT = """
[[gate]]
id = "auc"
kind = "metric"
expr = "auc >= champion.auc - 0.002"
[[gate]]
id = "line"
kind = "lineage"
[[gate]]
id = "four-eyes"
kind = "approval"
"""


@pytest.fixture
def schema(client):
    """As a stranger gets it."""
    answer = client.get("/schemas/promotion/v1.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/schema+json")
    return answer.json()


@pytest.fixture
def check(schema):
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def validate(document):
        validator.validate(json.loads(json.dumps(document)))
        assert set(document) == set(schema["properties"])

    return validate


def test_documents_are_valid_through_a_whole_life(
    check, home, make_version, promote, set_policy, environment, bob, carol
):
    good = {"inputs": [("train", "sha256:" + "1" * 64, "content")], "commit": "1a2b3c", "lock": "numpy==2.4.6"}
    first = make_version(metrics={"auc": 0.9}, **good)
    check(result_document(promote(first)))
    check(result_document(promote(first)))
    set_policy(STRICT)
    second = make_version(metrics={"auc": 0.91}, **good)
    wish = Request(model=first.model, version=second, environment=environment("production"), actor=bob, reason="r")
    check(result_document(services.plan_promotion(wish), dry_run=True))
    check(result_document(promote(second, expect_current="none")))
    check(result_document(promote(make_version())))
    promotion = promote(second)
    check(result_document(promotion))

    services.decide_promotion(promotion=promotion, decision="approve", reason="ok", actor=carol)
    promotion.refresh_from_db()
    check(result_document(promotion))
    sequence_now()
    services.issue_receipt(promotion_id=promotion.pk)
    document = result_document(type(promotion).objects.get(pk=promotion.pk))
    check(document)
    assert document["audit"]["seq"] >= 0
    assert document["receipt"]["status"] == "issued"


def test_schema_knows_every_decision_and_exit_code(schema):
    assert set(schema["properties"]["decision"]["enum"]) == set(EXIT_CODES)
    assert set(schema["properties"]["exit_code"]["enum"]) == set(EXIT_CODES.values())
