"""What can be wrong with putting something away."""

from collections.abc import Sequence

from core.errors import Conflict, Invalid, NotFound, TooLarge

SAID = 3  # holders named in a sentence; `extra["holds"]` has up to MOST_WHYS of them


class Held(Conflict):
    """Something living, or a person's word, keeps it. `extra["holds"]` says what."""

    code = "held"
    title = "Held"

    def __init__(self, label: str, whys: Sequence[str]) -> None:
        more = f", and {len(whys) - SAID} more" if len(whys) > SAID else ""
        super().__init__(f"{label} is held: {'; '.join(whys[:SAID])}{more}.", holds=list(whys))


class NotInBin(Conflict):
    """A purge of something that was not deleted first."""

    code = "not-in-bin"
    title = "Not deleted yet"

    def __init__(self, label: str) -> None:
        super().__init__(f"{label} is not deleted. Delete it first; a purge takes away only what is in the bin.")


class UnknownKind(Invalid):
    code = "unknown-kind"
    title = "No such kind"


class SelectionTooLarge(TooLarge):
    code = "selection-too-large"
    title = "Too many at once"


class HoldMissing(NotFound):
    code = "hold-not-found"
    title = "No such hold"


class DeletionMissing(NotFound):
    code = "deletion-not-found"
    title = "No such deletion"
