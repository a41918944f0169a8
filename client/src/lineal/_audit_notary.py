"""Opens the signed checkpoints of an audit export and of anchors: who signed them, and are they of one log?"""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from lineal._audit_log import Anchor
from lineal._audit_report import NO_KEY, Findings, printable
from lineal._keyring import KeyRing
from lineal._proofs import Checkpoint, InvalidProof, Key, NotSigned, parse_checkpoint, parse_key, split_note

MAX_NOTE = 2 * 2**20  # bytes; a checkpoint has some hundred


class Notary:
    """Opens signed checkpoints, all of one log."""

    def __init__(self, vkeys: Sequence[str], findings: Findings) -> None:
        self._ring = KeyRing(_parse_keys(vkeys, findings))
        self.origin: str | None = None
        self._findings = findings

    @property
    def keys(self) -> dict[str, Key]:
        """All that may sign: the given ones, and those that rotations lead to."""
        return self._ring.keys

    def learn(self, rotations: Sequence[str]) -> None:
        """Take the rotations that an export begins with."""
        idle = self._ring.learn(rotations) if self.keys else []
        if idle:
            message = f"{len(idle)} of {len(rotations)} rotations are not signed by both keys, or lead to no key given."
            self._findings.add("rotation", message)

    def open(self, note: str, what: str) -> Checkpoint | None:
        """The checkpoint in `note`, or None and a finding. Without any key the signature goes unchecked."""
        try:
            checkpoint = self._ring.open(note) if self.keys else parse_checkpoint(split_note(note)[0])
        except NotSigned as error:
            self._findings.add("signature", f"{what} proves nothing: {error}")
        except InvalidProof as error:
            self._findings.add("checkpoint", f"{what} proves nothing: {error}")
        else:
            self.origin = self.origin or checkpoint.origin
            if checkpoint.origin == self.origin:
                return checkpoint
            message = f"{what} belongs to another log, {checkpoint.origin!r} instead of {self.origin!r}."
            self._findings.add("origin", message)
        return None

    def open_anchor(self, path: str | PathLike[str]) -> Anchor | None:
        """The checkpoint in a file, or None and a finding. Raises OSError."""
        with Path(path).open("rb") as file:
            raw = file.read(MAX_NOTE)
        checkpoint = self.open(raw.decode(errors="replace"), f"The anchor {fspath(path)}")
        return Anchor(fspath(path), checkpoint) if checkpoint else None


def _parse_keys(vkeys: Sequence[str], findings: Findings) -> dict[str, Key]:
    keys = {}
    for vkey in vkeys:
        try:
            keys[vkey] = parse_key(vkey)
        except InvalidProof as error:
            findings.add("bad-key", f"{error} Given: {printable(vkey, 100)}")
    if not vkeys:
        findings.add(NO_KEY, "No verifier key was given, so nothing is proven: the file's own key is only its claim.")
    return keys
