"""Lineal's client: log runs, register models, promote digests and ask where things came from."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lineal import digest
    from lineal._api import (
        approve,
        charts,
        get_run,
        history,
        impact,
        promote,
        refuse,
        register,
        report_deployment,
        rollback,
        search_runs,
        start_run,
        trace,
    )
    from lineal._client import Client
    from lineal._errors import (
        Conflict,
        DigestMismatch,
        Forbidden,
        IncompatibleProfiles,
        Invalid,
        InvalidProfile,
        LinealError,
        Malformed,
        NotConfigured,
        NotDelivered,
        NotFound,
        NotPromoted,
        OutcomeUnknown,
        PickleRefused,
        ProblemError,
        ServerError,
        ServerKeyChanged,
        ServerUnreachable,
        StorageUnreachable,
        TooLarge,
        TooMany,
        Unauthorized,
    )
    from lineal._monitors.monitor import Monitor, monitor
    from lineal._monitors.stats import MonitorStats
    from lineal._profiles.document import Profile
    from lineal._profiles.making import profile
    from lineal._profiles.reference import Reference
    from lineal._promotions import Promotion
    from lineal._results import Chart, History, ModelVersion
    from lineal._run import Run
    from lineal._sync import SyncReport, sync

_ERRORS = (
    "Conflict",
    "DigestMismatch",
    "Forbidden",
    "IncompatibleProfiles",
    "Invalid",
    "InvalidProfile",
    "LinealError",
    "Malformed",
    "NotConfigured",
    "NotDelivered",
    "NotFound",
    "NotPromoted",
    "OutcomeUnknown",
    "PickleRefused",
    "ProblemError",
    "ServerError",
    "ServerKeyChanged",
    "ServerUnreachable",
    "StorageUnreachable",
    "TooLarge",
    "TooMany",
    "Unauthorized",
)
_ACTS = (
    "approve",
    "charts",
    "get_run",
    "history",
    "impact",
    "promote",
    "refuse",
    "register",
    "report_deployment",
    "rollback",
    "search_runs",
    "start_run",
    "trace",
)
_HOMES = {
    **dict.fromkeys(_ERRORS, "lineal._errors"),
    **dict.fromkeys(_ACTS, "lineal._api"),
    "Client": "lineal._client",
    "Chart": "lineal._results",
    "History": "lineal._results",
    "ModelVersion": "lineal._results",
    "Monitor": "lineal._monitors.monitor",
    "MonitorStats": "lineal._monitors.stats",
    "Profile": "lineal._profiles.document",
    "Promotion": "lineal._promotions",
    "Reference": "lineal._profiles.reference",
    "Run": "lineal._run",
    "SyncReport": "lineal._sync",
    "monitor": "lineal._monitors.monitor",
    "profile": "lineal._profiles.making",
    "sync": "lineal._sync",
}

__all__ = [
    "Chart",
    "Client",
    "Conflict",
    "DigestMismatch",
    "Forbidden",
    "History",
    "IncompatibleProfiles",
    "Invalid",
    "InvalidProfile",
    "LinealError",
    "Malformed",
    "ModelVersion",
    "Monitor",
    "MonitorStats",
    "NotConfigured",
    "NotDelivered",
    "NotFound",
    "NotPromoted",
    "OutcomeUnknown",
    "PickleRefused",
    "ProblemError",
    "Profile",
    "Promotion",
    "Reference",
    "Run",
    "ServerError",
    "ServerKeyChanged",
    "ServerUnreachable",
    "StorageUnreachable",
    "SyncReport",
    "TooLarge",
    "TooMany",
    "Unauthorized",
    "approve",
    "charts",
    "digest",
    "get_run",
    "history",
    "impact",
    "monitor",
    "profile",
    "promote",
    "refuse",
    "register",
    "report_deployment",
    "rollback",
    "search_runs",
    "start_run",
    "sync",
    "trace",
]


def __getattr__(name: str) -> Any:
    """Each public name is imported when it is first used (PEP 562), so that importing the package costs next to nothing."""
    from importlib import import_module

    if name == "digest":
        return import_module("lineal.digest")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'lineal' has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
