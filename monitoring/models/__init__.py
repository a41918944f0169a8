"""Tables of the monitoring room, one module per noun."""

from monitoring.models.hooks import IntakeDelivery, IntakeHook

__all__ = ["IntakeDelivery", "IntakeHook"]
