"""Other tools' verdicts as this server reads them: one module per tool, plain functions from a document to a `Verdict`.

Nothing here knows a database or a request. A document that cannot be read says what is wrong and where.
"""

from collections.abc import Callable, Mapping

from monitoring.intake import evidently, generic, great_expectations
from monitoring.intake.place import Place, UnreadableVerdict, parse_document
from monitoring.intake.verdict import Failure, Verdict

__all__ = ["TOOLS", "Failure", "UnreadableVerdict", "Verdict", "read_verdict"]

_READERS: Mapping[str, tuple[Callable[[Place], bool], Callable[[Place], Verdict]]] = {
    generic.KIND: (generic.looks_like, generic.read),
    great_expectations.KIND: (great_expectations.looks_like, great_expectations.read),
    evidently.KIND: (evidently.looks_like, evidently.read),
}
TOOLS = tuple(_READERS)


def read_verdict(document: bytes, *, tool: str | None = None) -> Verdict:
    """What `document` says, read as `tool`'s; by its shape where none is named.

    Raises:
        UnreadableVerdict: it is no JSON object, of no tool known here, or lacks what its tool always writes.
    """
    whole = Place(parse_document(document))
    whole.object()
    return _reader_of(whole, tool)(whole)


def _reader_of(whole: Place, tool: str | None) -> Callable[[Place], Verdict]:
    if tool is not None:
        if tool not in _READERS:
            raise UnreadableVerdict("tool", f"Known are {', '.join(TOOLS)}; {tool[:60]!r} is not.")
        return _READERS[tool][1]
    fitting = [read for looks_like, read in _READERS.values() if looks_like(whole)]
    if not fitting:
        keys = ", ".join(sorted(whole.object())[:10]) or "none"
        raise UnreadableVerdict(
            "", f"No known tool writes such a document. Known are {', '.join(TOOLS)}; its keys are: {keys[:200]}."
        )
    return fitting[0]
