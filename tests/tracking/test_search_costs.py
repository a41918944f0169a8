"""What a search asks of the database: as many statements for a hundred runs as for one, and a bound on those."""

import pytest
from django.db import connection

from tests.tracking.searching import IDS, Row, save

pytestmark = pytest.mark.django_db(transaction=True)  # as a request meets the database: its transactions are its own

LIMITED = 3 if connection.vendor == "postgresql" else 0  # a transaction, and the time limit that is said to it


@pytest.fixture
def served(project, bob, api):
    """Runs of two experiments, and Bob's client, whose token was proven just now."""
    save(
        project,
        [
            Row(
                {"id": IDS[n], "name": f"r{n}", "experiment": ("churn", "fraud")[n % 2]},
                metrics={"loss": [n / 8], "auc": [0.5]},
                params={"opt": "adam", "lr": n / 8},
                tags={"team": "risk"},
                datasets=[("train", "sha256:a", "train")],
            )
            for n in range(len(IDS))
        ],
    )
    client = api(bob)
    assert client.get("experiments").status_code == 200
    return client


@pytest.mark.parametrize(
    ("body", "statements"),
    [
        pytest.param({}, 8, id="first page"),
        pytest.param({"order_by": ["metrics.loss"]}, 9, id="in the order of a metric, and then without it"),
        pytest.param({"filter": "metrics.auc > 0.1", "order_by": ["metrics.loss"]}, 9, id="filter and order"),
        pytest.param(
            {
                "filter": "metrics.auc > 0.1 AND params.opt = 'adam' AND status = 'running'",
                "order_by": ["params.lr DESC"],
            },
            9,
            id="several comparisons are counted at once",
        ),
        pytest.param({"filter": "metrics.auc > 0.9"}, 3, id="nothing found"),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
def test_a_page_is_a_bounded_number_of_queries(served, django_assert_max_num_queries, body, statements, limit):
    with django_assert_max_num_queries(statements + LIMITED):
        answer = served.post("runs/search", json={**body, "limit": limit})

    assert answer.status_code == 200
    assert bool(answer.json()["items"]) == (statements > 3)
