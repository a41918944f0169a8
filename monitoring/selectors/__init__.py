"""Reads of the monitoring room."""

from monitoring.selectors.hooks import get_hook, list_hooks

__all__ = ["get_hook", "list_hooks"]
