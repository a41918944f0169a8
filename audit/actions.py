"""The names of what the ledger records, each with the sentence that people read; every room registers its own at app-ready."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import LinealError

_FIELD = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


class UnknownAction(LinealError):
    """A bug: an act was recorded under a name that no room has registered."""

    code = "unknown-action"
    title = "Unknown ledger action"


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is `noun.verb`; `sentence` follows the actor's name, with `{target}` in it; `personal` are private fields.

    `fuller` says more, with fields of the entry's `after` by name, and is said where the entry has all of them.
    """

    name: str
    sentence: str
    personal: frozenset[str]
    fuller: str = ""


_registered: dict[str, Action] = {}


def register(*, name: str, sentence: str, personal: Collection[str] = (), fuller: str = "") -> Action:
    """Let `record()` accept `name`. Saying the same twice is fine; two sentences for one name are a bug.

    `personal` lists further keys of `before` and `after` whose values go into the log as commitments, so that they
    can be erased; see `events.PERSONAL_FIELDS` for those that always do.
    """
    action = Action(name, sentence, frozenset(personal), fuller)
    if not _NAME.fullmatch(name):
        raise ValueError(f"An action is called noun.verb in lower case, not {name!r}.")
    if _registered.setdefault(name, action) != action:
        raise ValueError(f"The action {name!r} is already registered as {_registered[name]}.")
    return action


def get_action(name: str) -> Action:
    """Raises UnknownAction."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownAction(f"The ledger knows no action '{name}'; its room has to register it.") from None


def sentence(name: str, *, target: str, after: Mapping[str, Any] | None = None) -> str:
    """What the action did, for people: `sealed run 4f…`. Names of a later release are shown as they are."""
    action = _registered.get(name)
    if action is None:
        return f"{name} {target}"
    told = {key: str(value) for key, value in (after or {}).items() if isinstance(value, str | int) and value != ""}
    says_all = action.fuller and fields_of(action.fuller) <= {*told, "target"}
    return _filled(action.fuller if says_all else action.sentence, {**told, "target": target})


def _filled(text: str, told: Mapping[str, str]) -> str:
    """One pass, so that a brace in a name is nothing but a brace."""
    return _FIELD.sub(lambda found: told[found[1]], text)


def fields_of(text: str) -> set[str]:
    """The names in braces of a sentence."""
    return set(_FIELD.findall(text))


def registered_names() -> list[str]:
    """All names, sorted."""
    return sorted(_registered)
