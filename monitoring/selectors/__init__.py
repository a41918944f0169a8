"""Reads of the monitoring room."""

from monitoring.selectors.hooks import get_hook, list_hooks
from monitoring.selectors.triggers import get_trigger, list_firings, list_triggers

__all__ = ["get_hook", "get_trigger", "list_firings", "list_hooks", "list_triggers"]
