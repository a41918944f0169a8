"""Which keys speak for a log at which size: those that were given, and those that rotations lead to from them.

A rotation is a checkpoint signed by the old key and the new one, whose text names both. It shares no code with the
server that makes these notes, as `_proofs` does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lineal._proofs import (
    Checkpoint,
    InvalidProof,
    Key,
    NotSigned,
    parse_checkpoint,
    parse_key,
    split_note,
    verify_note,
)


class Rotation(NamedTuple):
    """The log of this checkpoint was handed from the key `old` to the key `new`, in their text form."""

    checkpoint: Checkpoint
    old: str
    new: str


class _Term(NamedTuple):
    """The sizes at which a key speaks for the log; `last` is None while it still does."""

    first: int
    last: int | None


def named_keys(checkpoint: Checkpoint) -> tuple[str, str] | None:
    """The two keys that a checkpoint names as old and new; None where it says nothing of a rotation.

    Raises:
        InvalidProof: it speaks of one in a form that none has.
    """
    said = [line.split(" ") for line in checkpoint.extensions if line.split(" ")[0] == "lineal-rotates"]
    if not said:
        return None
    if len(said) != 1 or len(said[0]) != 3 or said[0][1] == said[0][2]:
        raise InvalidProof("A rotation names the old key and the new one, once.")
    _, old, new = said[0]
    if not parse_key(old).name == parse_key(new).name == checkpoint.origin:
        raise InvalidProof("A rotation names keys of another log.")
    return old, new


def read_rotation(note: str) -> Rotation:
    """A rotation that both of its keys have signed; whether either can be trusted is not asked.

    Raises:
        InvalidProof: it is none, or a signature is missing or wrong.
    """
    checkpoint = parse_checkpoint(split_note(note)[0])
    names = named_keys(checkpoint)
    if names is None:
        raise InvalidProof("The note is no rotation.")
    for vkey in names:
        verify_note(note, parse_key(vkey))
    return Rotation(checkpoint, *names)


def latest_key(vkey: str, notes: Iterable[str]) -> str:
    """The key that rotations lead to from `vkey`, which is itself where none does. Unsound notes lead nowhere."""
    reached = vkey
    for rotation in _chain(vkey, _sound(notes), forward=True):
        reached = rotation.new
    return reached


class KeyRing:
    """Keys by their text form, each with the sizes it speaks for."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self.keys = dict(keys)
        self._terms = dict.fromkeys(keys, _Term(0, None))

    def learn(self, notes: Iterable[str]) -> list[str]:
        """Follow rotations from the keys at hand, to newer and to older ones; the notes that lead nowhere."""
        given = list(notes)
        rotations = list(_sound(given))
        followed = {
            each for vkey in self.keys for forward in (True, False) for each in _chain(vkey, rotations, forward=forward)
        }
        for size, old, new in sorted((each.checkpoint.size, each.old, each.new) for each in followed):
            self.keys |= {old: parse_key(old), new: parse_key(new)}
            self._terms[old] = _Term(self._terms.get(old, _Term(0, None)).first, size)
            self._terms[new] = _Term(size, self._terms.get(new, _Term(0, None)).last)
        return [note for note in given if not any(each in followed for each in _sound([note]))]

    def open(self, note: str) -> Checkpoint:
        """The checkpoint in a note, signed by one of the keys while it spoke for the log.

        Raises:
            NotSigned: by none of them, or wrongly, or by one at a size that was not its to sign.
            InvalidProof: the note is malformed.
        """
        good: Checkpoint | None = None
        refusal = NotSigned("No key is known.", wrong=False)
        for vkey, key in self.keys.items():
            try:
                checkpoint = parse_checkpoint(verify_note(note, key))
            except NotSigned as error:
                if error.wrong:
                    raise
                refusal = error
                continue
            first, last = self._terms[vkey]
            if not (first <= checkpoint.size and (last is None or checkpoint.size <= last)):
                name = f"{key.name}+{key.id.hex()}"
                raise NotSigned(f"{name} was not the log's key at size {checkpoint.size}.", wrong=True)
            good = checkpoint
        if good is None:
            raise refusal
        return good


def _sound(notes: Iterable[str]) -> Iterator[Rotation]:
    for note in notes:
        try:
            yield read_rotation(note)
        except InvalidProof:
            continue


def _chain(vkey: str, rotations: Iterable[Rotation], *, forward: bool) -> Sequence[Rotation]:
    """The rotations that follow one another from a key. Where two lead on from one key, a thief made one: it ends there."""
    left: set[Rotation] = set(rotations)
    found: list[Rotation] = []
    while True:
        steps = [each for each in left if vkey == (each.old if forward else each.new)]
        if len(steps) != 1:
            return found
        left -= set(steps)
        found += steps
        vkey = steps[0].new if forward else steps[0].old
