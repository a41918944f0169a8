"""What the registry's busy requests ask of the database: a bound, so that a look-up too many is noticed when it is made."""

import pytest
from django.db import connection

from registry import services
from tests.registry import factories

pytestmark = pytest.mark.django_db(transaction=True)  # as a request meets the database: its transactions are its own

MOVE = 11  # BEGIN on SQLite; on PostgreSQL a lock by name and the call to the sequencer, too, and one insert for three
CREATE = 15 if connection.vendor == "postgresql" else 16


@pytest.fixture
def served(make_version, bob, api):
    """A model with two versions, the alias "champion" on the first, and Bob's client, whose token was proven just now."""
    first, second = make_version(), make_version()
    services.set_alias(model=first.model, name="champion", version=first, actor=bob)
    client = api(bob)
    assert client.get("models/fraud/aliases/champion").status_code == 200
    return client, first, second


def test_get_by_alias_is_one_query(served, django_assert_num_queries):
    client, first, _ = served

    with django_assert_num_queries(1):
        answer = client.get("models/fraud/aliases/champion")

    assert answer.json()["digest"] == first.digest


def test_moving_an_alias_is_a_bounded_number_of_queries(served, django_assert_max_num_queries):
    client, _, second = served

    with django_assert_max_num_queries(MOVE):
        answer = client.put("models/fraud/aliases/champion", json={"version": second.number})

    assert answer.json()["version"] == second.number


def test_creating_a_version_is_a_bounded_number_of_queries_whatever_it_holds(
    served, project, bob, make_run, django_assert_max_num_queries
):
    client, *_ = served
    run = make_run(bob)
    for number in range(60):
        factories.new_artifact(run, f"model/part-{number:02}.bin", f"part {number}".encode())

    with django_assert_max_num_queries(CREATE):
        answer = client.post("models/fraud/versions", json={"run": run.uuid.hex, "artifact": "model"})

    assert answer.status_code == 201
    assert len(answer.json()["manifest"]) == 60
