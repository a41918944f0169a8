"""How this room's things are named on the ledger: by lasting id, and by their name at the time."""

from audit.events import Target
from monitoring.models import IntakeHook, Monitor, Trigger


def hook_target(hook: IntakeHook) -> Target:
    return Target("intake_hook", str(hook.uuid), hook.name)


def trigger_target(trigger: Trigger) -> Target:
    return Target("trigger", str(trigger.uuid), trigger.name)


def monitor_target(monitor: Monitor) -> Target:
    return Target("monitor", str(monitor.uuid), monitor.label, version=monitor.version.digest)
