"""Judging a window of production: plain functions on profiles, without database or clock."""

from monitoring.engine.evaluation import evaluate
from monitoring.engine.limits import InvalidLimits, Limits
from monitoring.engine.results import ColumnVerdict, Evaluation, PerformanceVerdict, SchemaChange, State

__all__ = [
    "ColumnVerdict",
    "Evaluation",
    "InvalidLimits",
    "Limits",
    "PerformanceVerdict",
    "SchemaChange",
    "State",
    "evaluate",
]
