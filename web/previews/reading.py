"""Bytes of a stored file: its beginning, or any range, within a budget."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import Project
from core.storage import get_store
from tracking.models import Artifact


class OverBudget(Exception):
    """A preview asked for more of a file than previews may read."""


@dataclass
class Source:
    """One file's bytes. `left` is how many may still be read; raises ObjectMissing and StoreAway as the store does."""

    project: Project
    artifact: Artifact
    left: int

    @property
    def size(self) -> int:
        return self.artifact.blob.size

    def head(self, limit: int) -> bytes:
        """The first `limit` bytes, or all there are."""
        return self.range(0, min(limit, self.size))

    def range(self, start: int, end: int) -> bytes:
        """[start, end). Raises OverBudget."""
        if not 0 <= start <= end <= self.size:
            raise OverBudget(f"the file has no bytes {start} to {end}")
        if end - start > self.left:
            raise OverBudget(
                f"a preview reads no more of one file than it has by now, and {end - start} bytes were wanted"
            )
        self.left -= end - start
        return b"".join(self._chunks(start, end)) if end > start else b""

    def _chunks(self, start: int, end: int) -> Iterator[bytes]:
        return get_store().open(self.project.uuid, self.artifact.blob.sha256, start, end)
