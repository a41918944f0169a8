"""`lineal monitors baseline`, `accept` and `sources`: what is sent for what was typed."""

from base64 import b64decode

import pytest

from tests.cli.test_monitors import ID, MONITOR, page

SOURCE = {
    "id": "0192a0b0-0000-7000-8000-0000000000f1",
    "path": "/data/%Y/%m/%d/*.parquet",
    "next_at": "2026-11-26T00:00:00.000000Z",
    "last_done_at": None,
    "last_error": "no file matches",
}


@pytest.fixture
def known(signed_in):
    signed_in.answer("GET", "/monitors", page(MONITOR))
    return signed_in


def test_a_baseline_is_put_with_its_key_and_reason(signed_in, lineal, tmp_path):
    (tmp_path / "p.lineal-profile").write_bytes(b"profile")
    (tmp_path / "key").write_text("00" * 16)
    signed_in.answer("PUT", "/models/fraud/versions/7/baseline", {"rows": 12_000})

    result = lineal(
        "monitors", "baseline", "fraud", "7", str(tmp_path / "p.lineal-profile"), "--key-file", str(tmp_path / "key"),
        "--reason", "relabelled",
    )  # fmt: skip
    [asked] = signed_in.asked("PUT", "/models/fraud/versions/7/baseline")

    assert result.stdout == "fraud/7 is compared with 12,000 rows from now on\n"
    assert (b64decode(asked.body["profile"]), b64decode(asked.body["key"])) == (b"profile", bytes(16))
    assert asked.body["reason"] == "relabelled"


def test_a_key_that_is_none_is_refused_before_anything_is_sent(signed_in, lineal, tmp_path):
    (tmp_path / "p").write_bytes(b"profile")
    (tmp_path / "key").write_text("short")

    arguments = (str(tmp_path / "p"), "--key-file", str(tmp_path / "key"), "--reason", "x")
    result = lineal("monitors", "baseline", "fraud", "7", *arguments)

    assert result.exit_code == 2
    assert "32 hex digits" in result.stderr


def test_a_window_is_accepted_and_withdrawn(signed_in, lineal):
    signed_in.answer("PUT", "/windows/w/acceptance", {"id": "w"})
    signed_in.answer("DELETE", "/windows/w/acceptance", (204, None))

    accepted = lineal("monitors", "accept", "w", "--reason", "a holiday")
    withdrawn = lineal("monitors", "accept", "w", "--withdraw")

    assert accepted.stdout == "window w is taken as normal\n"
    assert signed_in.asked("PUT", "/windows/w/acceptance")[0].body == {"reason": "a holiday"}
    assert withdrawn.exit_code == 0, withdrawn.output


def test_a_window_is_not_accepted_without_a_reason(signed_in, lineal):
    assert lineal("monitors", "accept", "w").exit_code == 2


def test_sources_are_listed_added_and_removed(known, lineal):
    known.answer("GET", f"/monitors/{ID}/sources", page(SOURCE))
    known.answer("POST", f"/monitors/{ID}/sources", SOURCE)
    known.answer("DELETE", f"/monitors/{ID}/sources/{SOURCE['id']}", (204, None))

    listed = lineal("monitors", "sources", "list", "fraud@production")
    added = lineal("monitors", "sources", "add", "fraud@production", SOURCE["path"], "--daily-at", "03:00")
    removed = lineal("monitors", "sources", "remove", "fraud@production", SOURCE["id"])

    assert "no file matches" in listed.stdout
    assert known.asked("POST", f"/monitors/{ID}/sources")[0].body == {"path": SOURCE["path"], "daily_at": "03:00"}
    assert added.exit_code == removed.exit_code == 0
