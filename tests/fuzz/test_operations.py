"""Every operation of the document under requests that nobody would send, from four callers: nothing breaks, nothing leaks,
and every answer is one that the document tells of."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import DERANDOMIZE, examples
from tests.fuzz.cases import Aim, made, spoiled
from tests.fuzz.document import labels, operations
from tests.fuzz.judging import Complaints, try_as
from tests.fuzz.prepared import CALLERS

pytestmark = [
    pytest.mark.django_db,  # so that the plugin makes a database; the world has its own transaction around
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # schemathesis draws from functions that hold schemas
]


def fuzz(operation, prepared, most):
    """Complaints about `most` requests, each sent by every caller."""
    aim, complaints = Aim(operation, prepared), Complaints()

    @settings(
        max_examples=most,
        derandomize=DERANDOMIZE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.one_of(spoiled(aim), made(aim)))
    def attempt(sent):
        for caller in CALLERS:
            try_as(caller, sent, prepared, complaints)

    attempt()
    return complaints


@pytest.mark.slow
@pytest.mark.parametrize("label", labels())
def test_no_request_breaks_the_server_or_its_word(fuzzed, label):
    complaints = fuzz(operations()[label], fuzzed, examples(24))

    assert not complaints.found, f"\n{complaints}"
