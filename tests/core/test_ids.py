import time
from uuid import UUID

import pytest

from core.errors import Invalid
from core.ids import parse_run_id, uuid7


def test_a_uuid7_tells_its_version_variant_and_moment():
    before = time.time_ns() // 1_000_000
    value = uuid7()

    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert before <= value.int >> 80 <= time.time_ns() // 1_000_000


def test_ten_thousand_uuid7_differ():
    assert len({uuid7() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("text", ["0193" + "ab" * 14, "0193abab-abab-abab-abab-abababababab"])
def test_a_run_id_is_read_dashed_or_not(text):
    assert parse_run_id(text) == UUID(text)


@pytest.mark.parametrize(
    "text", ["", "12", "0193" + "AB" * 14, "g" * 32, "../../etc/passwd", "{" + "a" * 32 + "}", "1" * 36]
)
def test_anything_else_is_refused_as_a_run_id(text):
    with pytest.raises(Invalid):
        parse_run_id(text)
