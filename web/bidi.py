"""Names that run right to left, or that hold the signs that turn text, beside text of our own.

A page sets such a name off with `<bdi>`, which browsers lay out as an isolate of the Unicode Bidirectional Algorithm (UAX 9). But the signs
that open and close isolates count inside it too: a name with one too many would leave ours before its end, and turn what stands beside it.
"""

OPEN = "\u2066\u2067\u2068"  # LRI, RLI, FSI
FSI, CLOSE = "\u2068", "\u2069"  # PDI closes the last that is open


def closed(text: str) -> str:
    """The text with as many isolates opened and closed as it closes and opens: unchanged but for invisible signs at its ends."""
    opened = surplus = 0
    for sign in text:
        if sign in OPEN:
            opened += 1
        elif sign == CLOSE and opened:
            opened -= 1
        elif sign == CLOSE:
            surplus += 1
    return f"{FSI * surplus}{text}{CLOSE * opened}"
