"""What is kept of any tool's document: one word, and which checks and columns it stands on."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

FAILURES_BYTES, COLUMNS_BYTES, NOTES_BYTES = 16_000, 6_000, 4_000  # of a summary; the document itself has it all
NOTHING_CHECKED = "Nothing was checked."

PASS, FAIL, ERROR = "pass", "fail", "error"


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that did not hold, the columns it is about, and why in the tool's words. Never a value of a row."""

    check: str
    columns: Sequence[str] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verdict` is pass, fail or error. `observed_at` is None where the document does not say when, with its zone;
    `digest` that of the model version it is about, which only the generic document can name.
    """

    name: str
    kind: str
    verdict: str
    tool: str
    tool_version: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    observed_at: datetime | None = None
    digest: str = ""


def word_for(*, checked: int, failed: int, errors: int) -> str:
    """A failure outweighs an error, and a tool that checked nothing could not judge: that is no pass."""
    if failed:
        return FAIL
    return ERROR if errors or not checked else PASS


def summarise(*, checked: int, failures: Sequence[Failure], notes: Sequence[str] = ()) -> dict[str, Any]:
    """The summary every tool's verdict has. `failed` counts all failures; of very many only the first are listed."""
    columns = {column for failure in failures for column in failure.columns}
    return {
        "checked": checked,
        "failed": len(failures),
        "failures": _within(FAILURES_BYTES, (asdict(failure) for failure in failures)),
        "columns": _within(COLUMNS_BYTES, sorted(columns)),
        "notes": _within(NOTES_BYTES, [*([] if checked else [NOTHING_CHECKED]), *notes]),
    }


def _within(budget: int, items: Iterable[Any]) -> list[Any]:
    """The first of `items` that take no more than so many bytes as JSON."""
    kept = []
    for item in items:
        budget -= len(json.dumps(item, ensure_ascii=False).encode())
        if budget < 0:
            break
        kept.append(item)
    return kept
