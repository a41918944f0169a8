"""Every action that a room has registered is a sentence that people can read, and no value in it can bend it."""

import re

import pytest

from audit import actions

NAMES = actions.registered_names()
PLAIN = re.compile(r"[a-z][\w ,:'’-]*…?[\w ,:'’%-]*")


def test_the_registry_holds_the_actions_of_all_rooms():
    nouns = {name.partition(".")[0] for name in NAMES}

    assert {
        "run",
        "model",
        "promotion",
        "deployment",
        "membership",
        "token",
        "audit",
        "hold",
        "alert",
        "subscription",
    } <= nouns
    assert len(NAMES) > 90


@pytest.mark.parametrize("name", NAMES)
def test_an_action_has_a_sentence_with_its_object(name):
    action = actions.get_action(name)

    for text in filter(None, (action.sentence, action.fuller)):
        said = actions.sentence(name, target="…", after=dict.fromkeys(actions.fields_of(text) - {"target"}, "x"))
        assert "…" in said
        assert "{" not in said
        assert "}" not in said
        assert PLAIN.fullmatch(said), said
    assert actions.fields_of(action.sentence) == {"target"}


@pytest.mark.parametrize("name", NAMES)
def test_an_object_that_looks_like_a_field_is_only_its_name(name):
    assert "{0.__class__}{name}{version}" in actions.sentence(
        name, target="{0.__class__}{name}{version}", after={"name": "{target}", "role": "{target}", "version": 7}
    )


def test_an_entry_that_has_all_fields_is_told_in_full():
    assert actions.sentence("alias.set", target="fraud@champion", after={"version": 7}) == (
        "pointed the alias fraud@champion at version 7"
    )


@pytest.mark.parametrize("after", [None, {}, {"version": None}, {"version": {"$c": "x"}}, {"digest": "sha256:ab"}])
def test_an_entry_that_lacks_one_is_told_in_short(after):
    assert actions.sentence("alias.set", target="fraud@champion", after=after) == "pointed the alias fraud@champion"


def test_an_action_of_a_later_release_is_told_by_its_name():
    assert actions.sentence("moon.land", target="Eagle") == "moon.land Eagle"
