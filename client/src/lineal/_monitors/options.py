"""What a monitor was told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Checked by `lineal.monitor`. Times are seconds."""

    project: str
    model: str
    environment: str
    window_s: int | None
    privacy: str | None
    task: str | None
    most_rows: int
    most_bytes: int
    due_rows: int
    flush_every_s: float
    refresh_every_s: float

    @property
    def name(self) -> str:
        return f"{self.model}@{self.environment}"
