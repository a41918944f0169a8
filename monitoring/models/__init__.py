"""Tables of the monitoring room, one module per noun."""

from monitoring.models.hooks import IntakeDelivery, IntakeHook
from monitoring.models.triggers import Firing, Trigger

__all__ = ["Firing", "IntakeDelivery", "IntakeHook", "Trigger"]
