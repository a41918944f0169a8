"""Writes of the monitoring room."""

from monitoring.services.evidence import receive_verdict
from monitoring.services.firings import fire_for_trial
from monitoring.services.hooks import create_hook, delete_hook, renew_hook_secret, take_message, update_hook
from monitoring.services.triggers import create_trigger, delete_trigger, update_trigger

__all__ = [
    "create_hook",
    "create_trigger",
    "delete_hook",
    "delete_trigger",
    "fire_for_trial",
    "receive_verdict",
    "renew_hook_secret",
    "take_message",
    "update_hook",
    "update_trigger",
]
