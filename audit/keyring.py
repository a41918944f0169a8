"""Which keys may have signed which part of one log. Pure: no settings, no database.

A rotation is a checkpoint that the old key and the new one both sign, and whose text names both in an extension line:
anybody can write a signature under a note, so the signatures alone would not say that one key hands over to the other.
The old key is good up to that checkpoint, the new one from it on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit.notes import (
    Checkpoint,
    InvalidCheckpoint,
    InvalidKey,
    InvalidNote,
    NotSignedBy,
    parse_checkpoint,
    parse_vkey,
    verify_note,
)

_LINE = "lineal-rotates"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The log was handed from the key `old` to the key `new`, both in their text form."""

    old: str
    new: str

    def line(self) -> str:
        """The extension line of the checkpoint that says so."""
        return f"{_LINE} {self.old} {self.new}"


def rotation_in(checkpoint: Checkpoint) -> Rotation | None:
    """What a checkpoint says of a rotation; None for all but a few.

    Raises:
        InvalidCheckpoint: it says so twice or in another form, or names keys of other logs.
    """
    lines = [line for line in checkpoint.extensions if line.split(" ")[0] == _LINE]
    if not lines:
        return None
    parts = lines[0].split(" ")
    if len(lines) > 1 or len(parts) != 3 or parts[1] == parts[2]:
        raise InvalidCheckpoint(f"A rotation is one line: {_LINE}, the old key, the new key.")
    try:
        names = {parse_vkey(vkey).name for vkey in parts[1:]}
    except InvalidKey as exc:
        raise InvalidCheckpoint(f"The rotation names no key: {exc}") from exc
    if names != {checkpoint.origin}:
        raise InvalidCheckpoint("A rotation is from a key of the log to a key of the same log.")
    return Rotation(parts[1], parts[2])


def open_rotation(note: str) -> tuple[Checkpoint, Rotation]:
    """A rotation's checkpoint, signed by both of the keys that it names. Whether one of them is the log's is not asked.

    Raises:
        InvalidNote, InvalidCheckpoint: it is none, or one signature is missing or wrong.
    """
    checkpoint = parse_checkpoint(_text_of(note))
    rotation = rotation_in(checkpoint)
    if rotation is None:
        raise InvalidCheckpoint(f"The checkpoint of size {checkpoint.size} is no rotation.")
    verify_note(note, rotation.old)
    verify_note(note, rotation.new)
    return checkpoint, rotation


def is_rotation(note: str) -> bool:
    """Does a note say that it is one? Proves nothing."""
    return any(line.startswith(f"{_LINE} ") for line in _text_of(note).split("\n"))


def _text_of(note: str) -> str:
    """What stands above the signatures, read before they are checked: it names the keys to check them with."""
    return note[: note.rfind("\n\n") + 1]


@dataclass(slots=True)
class _Tenure:
    """The sizes of the log that a key may sign, both included; no last one while it is in use."""

    first: int = 0
    last: int | None = None

    def covers(self, size: int) -> bool:
        return self.first <= size and (self.last is None or size <= self.last)


class Keyring:
    """The keys of one log, learned from a trusted one and the rotations that lead from it or to it."""

    def __init__(self, vkey: str, rotations: Iterable[str] = ()) -> None:
        """`rotations` are notes; what is not a sound one, or leads to no trusted key, is left aside.

        Raises:
            InvalidKey: `vkey` is malformed.
        """
        self._tenures = {str(parse_vkey(vkey)): _Tenure()}
        found = set(_sound(rotations))
        self._follow(vkey, _unambiguous((each.old, size, each.new) for size, each in found), forward=True)
        self._follow(vkey, _unambiguous((each.new, size, each.old) for size, each in found), forward=False)

    def _follow(self, vkey: str, steps: dict[str, tuple[int, str]], *, forward: bool) -> None:
        while vkey in steps:
            size, other = steps[vkey]
            if other in self._tenures:  # a circle, which only the holder of an old key could draw
                return
            old, new = (vkey, other) if forward else (other, vkey)
            self._tenures.setdefault(old, _Tenure()).last = size
            self._tenures.setdefault(new, _Tenure()).first = size
            vkey = other

    @property
    def vkeys(self) -> tuple[str, ...]:
        """All keys, the oldest first."""
        return tuple(sorted(self._tenures, key=lambda vkey: self._tenures[vkey].first))

    def open(self, note: str) -> Checkpoint:
        """The checkpoint in a note that one of the keys has signed while it was in use, and none at another time.

        Raises:
            InvalidNote: no such signature, or a wrong one beside it.
            InvalidCheckpoint: the note is signed and holds something else.
        """
        good: Checkpoint | None = None
        refusal = InvalidNote("No key is known.")
        for vkey, tenure in self._tenures.items():
            try:
                checkpoint = parse_checkpoint(verify_note(note, vkey))
            except NotSignedBy as exc:
                refusal = exc
                continue
            if not tenure.covers(checkpoint.size):
                key = parse_vkey(vkey)
                raise InvalidNote(f"{key.name}+{key.key_id} was not the log's key at size {checkpoint.size}.")
            good = checkpoint
        if good is None:
            raise refusal
        return good


def _unambiguous(steps: Iterable[tuple[str, int, str]]) -> dict[str, tuple[int, str]]:
    """Where each key leads. One that leads to two places was stolen, and is followed to neither."""
    found: dict[str, list[tuple[int, str]]] = {}
    for start, size, end in steps:
        found.setdefault(start, []).append((size, end))
    return {start: ends[0] for start, ends in found.items() if len(ends) == 1}


def _sound(notes: Iterable[str]) -> Iterator[tuple[int, Rotation]]:
    for note in notes:
        try:
            checkpoint, rotation = open_rotation(note)
        except (InvalidNote, InvalidCheckpoint):
            continue
        yield checkpoint.size, rotation
