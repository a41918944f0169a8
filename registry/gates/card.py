"""The `card` gate: the model card says what it has to say.

kind = "card"
fields = ["intended_use", "limits.known"]     # a dot leads into a nested object
"""

from collections.abc import Mapping
from typing import Any

from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.fields import Fields

MOST_FIELDS = 50


def read(fields: Fields) -> Spec:
    return {"fields": fields.texts("fields", most=MOST_FIELDS)}


def judge(spec: Spec, case: Case) -> Finding:
    """Observed and limit are fields filled and fields asked for. An empty text, list or object fills nothing."""
    empty = [name for name in spec["fields"] if not _is_filled(case.version.card, name)]
    return Finding(
        Status.MISSING if empty else Status.PASS,
        observed=len(spec["fields"]) - len(empty),
        limit=len(spec["fields"]),
        evidence=(f"model_version:{case.version.uuid}/card",),
        detail=f"The model card does not say: {', '.join(empty)}." if empty else "",
    )


def _is_filled(card: Any, name: str) -> bool:
    value = card
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None and value not in ("", [], {}) and not (isinstance(value, str) and not value.strip())


register(Gate("card", read, judge))
