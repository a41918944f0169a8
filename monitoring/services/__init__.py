"""Writes of the monitoring room."""

from monitoring.services.evidence import receive_verdict

__all__ = ["receive_verdict"]
