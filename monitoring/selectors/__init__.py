"""Reads of the monitoring room."""

from monitoring.selectors.alerts import get_alert, list_alerts
from monitoring.selectors.hooks import get_hook, list_hooks
from monitoring.selectors.monitors import (
    column_history,
    find_baseline,
    get_baseline,
    get_monitor,
    get_window,
    is_in_service,
    list_evaluations,
    list_monitors,
    list_windows,
    version_in_service,
)
from monitoring.selectors.sources import get_source, list_sources
from monitoring.selectors.triggers import get_trigger, list_firings, list_triggers

__all__ = [
    "column_history",
    "find_baseline",
    "get_alert",
    "get_baseline",
    "get_hook",
    "get_monitor",
    "get_source",
    "get_trigger",
    "get_window",
    "is_in_service",
    "list_alerts",
    "list_evaluations",
    "list_firings",
    "list_hooks",
    "list_monitors",
    "list_sources",
    "list_triggers",
    "list_windows",
    "version_in_service",
]
