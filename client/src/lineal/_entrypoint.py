"""How the training code was started: the command line, with secrets masked, and the folder of its script."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

MASK = "***"
_SECRET_OPTION = re.compile(r"^-{1,2}[\w.-]*(token|passw|secret|key|credential|auth)[\w.-]*$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(lnl_\w+|ghp_\w+|sk-\w{16,}|AKIA\w{12,}|(?<=://)[^/\s@]+(?=@))")
_LENGTH_LIMIT = 1_000


def capture(argv: Sequence[str] | None = None) -> str:
    """The command line as one text that a shell would read back, without the interpreter; `-m package.module` for a module.

    Values of secret-looking options and well-known tokens are masked. At most 1,000 characters: a longer one ends in `…`.
    """
    words = (_own_words() if argv is None else list(argv)) or ["python"]
    command = " ".join(map(_quoted, _masked(words)))
    return command if len(command) <= _LENGTH_LIMIT else command[: _LENGTH_LIMIT - 1] + "…"


def _quoted(word: str) -> str:
    """As a shell needs it; the mask alone is no reason for quotes."""
    bare = word.replace(MASK, "")
    return word if bare != word and (not bare or shlex.quote(bare) == bare) else shlex.quote(word)


def _own_words() -> list[str]:
    """`sys.argv`, but for a module that was started by its name: there it holds the path of a file."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    name = getattr(spec, "name", None)
    if not name or not sys.argv or Path(sys.argv[0]) != Path(getattr(spec, "origin", None) or ""):
        return list(sys.argv)
    return ["-m", name.removesuffix(".__main__"), *sys.argv[1:]]


def masked(text: str) -> str:
    """`text` without the tokens of known shapes that are in it."""
    return _SECRET_VALUE.sub(MASK, text)


def code_folder() -> Path:
    """Where the started script lies; the working folder for notebooks and `python -c`."""
    main = sys.modules.get("__main__")
    script = getattr(main, "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()


def _masked(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    hide_next = False
    for word in words:
        option, equals, _ = word.partition("=")
        if hide_next and not word.startswith("-"):
            found.append(MASK)
        elif equals and _SECRET_OPTION.match(option):
            found.append(f"{option}={MASK}")
        else:
            found.append(masked(word))
        hide_next = not equals and bool(_SECRET_OPTION.match(word))
    return found
