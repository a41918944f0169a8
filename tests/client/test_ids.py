"""Run ids are made here: UUIDv7 of RFC 9562, so that they sort by time and clash with nobody's."""

import time
import uuid

import pytest
from lineal import _ids


def test_ids_are_uuids_of_version_7_with_the_present_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(_ids.uuid7_hex())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_sort_by_the_millisecond_that_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for millisecond in (1, 2, 1 << 40):
        monkeypatch.setattr(_ids.time, "time_ns", lambda now=millisecond: now * 1_000_000)
        made.append(_ids.uuid7_hex())

    assert made == sorted(made)


def test_ids_do_not_repeat() -> None:
    assert len({_ids.uuid7_hex() for _ in range(10_000)}) == 10_000


def test_run_ids_are_read_with_and_without_dashes() -> None:
    text = "01A1FC7C-3801-7895-A79D-76AB6433F8C2"

    assert _ids.parse_run_id(text) == _ids.parse_run_id(text.replace("-", "")) == text.replace("-", "").lower()


@pytest.mark.parametrize("text", ["", "abc", "g" * 32, "0" * 33, "../" + "0" * 29])
def test_other_text_is_no_run_id(text: str) -> None:
    with pytest.raises(ValueError, match="32 hex digits"):
        _ids.parse_run_id(text)
