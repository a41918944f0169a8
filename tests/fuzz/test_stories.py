"""Requests in a row, each with what the one before answered: schemathesis reads from the document which of them follow which
(a run's id leads to its batches, a promotion's to its approvals). Every row begins in the same world and is taken back.
"""

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.campaign import DERANDOMIZE, examples
from tests.fuzz.cases import Sent
from tests.fuzz.document import document, is_of_project
from tests.fuzz.judging import Complaints, judged_call
from tests.fuzz.prepared import taken_back

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]
STEPS = 8


def story_of(prepared, caller, complaints, lengths):
    """A state machine whose requests are `caller`'s, and whose complaints and lengths are gathered."""

    class Story(document().as_state_machine()):
        def setup(self):
            self.stack = ExitStack()
            self.stack.enter_context(taken_back())
            self.told = 0

        def teardown(self):
            lengths.append(self.told)
            self.stack.close()

        def before_call(self, case):
            if is_of_project(case.operation):
                case.query = {**(case.query or {}), "project": "shared"}

        def call(self, case, **kwargs):
            response = judged_call(caller, Sent(case), prepared, complaints)
            self.told += response.status_code < 300
            return response

        def validate_response(self, response, case, **kwargs):
            """Judged already, when it was called."""

    return Story


@pytest.mark.parametrize("caller", ["owner", "contributor"])
def test_no_row_of_requests_breaks_the_server_or_its_word(fuzzed, caller):
    complaints, lengths = Complaints(), []

    story_of(fuzzed, caller, complaints, lengths).run(
        settings=settings(
            max_examples=examples(40),
            derandomize=DERANDOMIZE,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
    )

    assert not complaints.found, f"\n{complaints}"
    assert max(lengths) >= 2, "no request was answered well after another"
