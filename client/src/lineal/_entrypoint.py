"""How the training code was started: the command line, with secrets masked, and the folder of its script."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

MASK = "***"
_SECRET_OPTION = re.compile(r"^-{1,2}[\w.-]*(token|passw|secret|key|credential|auth)[\w.-]*$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(lnl_\w+|ghp_\w+|sk-\w{16,}|AKIA\w{12,}|(?<=://)[^/\s@]+(?=@))")
_LENGTH_LIMIT = 1_000


def capture(argv: Sequence[str] | None = None) -> str:
    """The command line as one text, values of secret-looking options and well-known tokens masked; at most 1,000 characters."""
    words = list(sys.argv if argv is None else argv) or ["python"]
    return " ".join(_masked(words))[:_LENGTH_LIMIT]


def code_folder() -> Path:
    """Where the started script lies; the working folder for notebooks and `python -c`."""
    main = sys.modules.get("__main__")
    script = getattr(main, "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()


def _masked(words: Sequence[str]) -> list[str]:
    masked: list[str] = []
    hide_next = False
    for word in words:
        option, equals, _ = word.partition("=")
        if hide_next and not word.startswith("-"):
            masked.append(MASK)
        elif equals and _SECRET_OPTION.match(option):
            masked.append(f"{option}={MASK}")
        else:
            masked.append(_SECRET_VALUE.sub(MASK, word))
        hide_next = not equals and bool(_SECRET_OPTION.match(word))
    return masked
