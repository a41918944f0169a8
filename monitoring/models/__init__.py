"""Tables of the monitoring room, one module per noun."""

from monitoring.models.alerts import Alert
from monitoring.models.baselines import Baseline
from monitoring.models.hooks import IntakeDelivery, IntakeHook
from monitoring.models.monitors import Monitor
from monitoring.models.sources import Source
from monitoring.models.triggers import Firing, Trigger
from monitoring.models.windows import ColumnResult, Evaluation, ProfilePart, ReferenceWindow, Window

__all__ = [
    "Alert",
    "Baseline",
    "ColumnResult",
    "Evaluation",
    "Firing",
    "IntakeDelivery",
    "IntakeHook",
    "Monitor",
    "ProfilePart",
    "ReferenceWindow",
    "Source",
    "Trigger",
    "Window",
]
