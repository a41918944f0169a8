"""Writes of the monitoring room."""

from monitoring.services.acceptance import accept_window, reject_window
from monitoring.services.alerts import acknowledge_alert, close_alert
from monitoring.services.baselines import baseline_profile, freeze_baseline, put_baseline, reference_for
from monitoring.services.evaluations import evaluate_window
from monitoring.services.evidence import receive_verdict
from monitoring.services.firings import fire_for_trial
from monitoring.services.hooks import create_hook, delete_hook, renew_hook_secret, take_message, update_hook
from monitoring.services.monitors import ensure_monitor, update_monitor
from monitoring.services.parts import receive_part
from monitoring.services.sources import create_source, delete_source
from monitoring.services.triggers import create_trigger, delete_trigger, update_trigger

__all__ = [
    "accept_window",
    "acknowledge_alert",
    "baseline_profile",
    "close_alert",
    "create_hook",
    "create_source",
    "create_trigger",
    "delete_hook",
    "delete_source",
    "delete_trigger",
    "ensure_monitor",
    "evaluate_window",
    "fire_for_trial",
    "freeze_baseline",
    "put_baseline",
    "receive_part",
    "receive_verdict",
    "reference_for",
    "reject_window",
    "renew_hook_secret",
    "take_message",
    "update_hook",
    "update_monitor",
    "update_trigger",
]
