"""What a page is about to check of a proof, in the words in which trail.js and trail_values.js tell it when it holds.

They stand on the page from its first paint, so that nothing below moves when each gets its mark.
"""

from collections.abc import Sequence

from audit.opened import Personal


def inclusion_steps(personal: Sequence[Personal], size: int) -> list[str]:
    """Of one entry in the log at a checkpoint over `size` entries."""
    return [
        "The entry shown above is the one in the text below",
        *_personal_steps(personal),
        "What is shown above is what the text says",
        "The text below hashes to the leaf",
        f"The path leads from it to the root over {size} entries",
        "The checkpoint is signed by the key below",
    ]


def consistency_steps(older: int, newer: int) -> list[str]:
    """Of two checkpoints, by the entries that each is over."""
    return [
        "Both checkpoints are of one log",
        f"The first {older} of {newer} entries are those that the older checkpoint signed",
        "The older checkpoint is signed by the key below",
        "The newer checkpoint is signed by the key below",
    ]


def _personal_steps(personal: Sequence[Personal]) -> list[str]:
    at = {name: [each.path for each in personal if each.standing == name] for name in ("shown", "withheld", "erased")}
    steps = []
    if shown := at["shown"]:
        hashed = "its salt hashes" if len(shown) == 1 else "their salts hash"
        steps.append(f"{_counted(shown)} with {hashed} to what stands in the text")
    if withheld := at["withheld"]:
        steps.append(f"{_counted(withheld)} {_be(withheld)} withheld, and so not checked: {', '.join(withheld)}")
    if erased := at["erased"]:
        steps.append(
            f"{_counted(erased)} {_be(erased)} erased, and can be neither told nor checked any more: {', '.join(erased)}"
        )
    return steps


def _counted(paths: Sequence[str]) -> str:
    return f"{len(paths)} personal value{'' if len(paths) == 1 else 's'}"


def _be(paths: Sequence[str]) -> str:
    return "is" if len(paths) == 1 else "are"
