"""`lineal audit follow`: every event once, by its number, in the forms that collectors read."""

import json

import pytest
from lineal._audit_forms import cloudevent, ocsf


def event(seq, **changed):
    return {
        "v": "lineal-audit/1",
        "id": f"0192a0b0-0000-7000-8000-{seq or 0:012d}",
        "seq": seq,
        "time": "2026-11-21T03:14:27.123456Z",
        "org": "acme",
        "project": {"id": 1, "name": "fraud"},
        "action": "model_version.promote",
        "outcome": "ok",
        "actor": {"type": "user", "id": "0192", "name": "carol", "display": "Carol"},
        "auth": None,
        "request": {"id": "r1", "ip": "10.0.0.7", "route": "x"},
        "target": {"type": "model_version", "id": "0193", "label": "fraud v7", "version": "sha256:9f"},
        "reason": "better",
        "before": {},
        "after": {},
        "refs": [],
        "prev_event_of_target": None,
        "sentence": "promoted fraud v7",
        **changed,
    }


def lines(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def page(*events, cursor=None):
    return {"items": list(events), "next_cursor": cursor}


def test_events_are_printed_in_the_order_of_their_numbers(signed_in, lineal):
    signed_in.answer("GET", "/audit/events", page(event(None), event(12), event(10), event(11), event(9)))

    found = lines(lineal("audit", "follow", "--after", "9", "--once"))

    assert [each["seq"] for each in found] == [10, 11, 12]  # without one that has no number yet, and those told before


def test_a_late_number_in_an_early_place_is_found(signed_in, lineal):
    """Its act began before others and committed after them."""
    signed_in.answer(
        "GET",
        "/audit/events",
        page(event(20), cursor="a"),
        page(event(18), event(17), cursor="b"),
        page(event(21), event(16), cursor="c"),
        page(event(15), cursor="d"),
        page(event(14), cursor="e"),
    )

    found = lines(lineal("audit", "follow", "--after", "18", "--once"))

    assert [each["seq"] for each in found] == [20, 21]


def test_without_a_number_it_begins_with_what_comes(signed_in, lineal):
    signed_in.answer("GET", "/audit/events", page(event(3)), page(event(4), event(3)))

    assert [each["seq"] for each in lines(lineal("audit", "follow", "--once"))] == [4]


def test_an_empty_log_prints_nothing(signed_in, lineal):
    signed_in.answer("GET", "/audit/events", page())

    assert lines(lineal("audit", "follow", "--after", "0", "--once")) == []


@pytest.mark.parametrize(("form", "field"), [("cloudevents", "specversion"), ("ocsf", "class_uid"), ("lineal", "v")])
def test_a_line_is_written_as_asked(signed_in, lineal, form, field):
    signed_in.answer("GET", "/audit/events", page(event(3)))

    assert field in lines(lineal("audit", "follow", "--after", "0", "--once", "--format", form))[0]


def test_a_cloudevent_has_what_the_specification_requires():
    found = cloudevent(event(3))

    assert {key: found[key] for key in ("specversion", "source", "type", "subject", "sequence")} == {
        "specversion": "1.0",
        "source": "/audit/acme",
        "type": "dev.lineal.model_version.promote",
        "subject": "model_version/0193",
        "sequence": "3",
    }
    assert found["data"]["reason"] == "better"


@pytest.mark.parametrize(
    ("action", "activity"),
    [("run.create", 1), ("audit.export", 2), ("slot.commit", 3), ("run.delete", 4), ("promotion.judge", 99)],
)
def test_an_act_is_of_an_activity_of_ocsf(action, activity):
    found = ocsf(event(3, action=action))

    assert (found["activity_id"], found["type_uid"]) == (activity, 600_300 + activity)
    assert (found["class_uid"], found["category_uid"]) == (6003, 6)


def test_a_refusal_is_a_failure_in_ocsf():
    found = ocsf(event(3, outcome="denied", request=None))

    assert (found["status"], found["severity_id"], found["src_endpoint"]) == ("Failure", 2, {})
    assert found["time"] == 1_795_230_867_123
