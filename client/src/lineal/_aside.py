"""What will never be taken of one writer's records: kept in its folder `refused/` with the reason, told once, and counted."""

from pathlib import Path

from lineal import _spool
from lineal._notices import Notices
from lineal._uploads import Refused


class Aside:
    """`sentences` has one for each thing that was put aside; the same thing again is the same one."""

    def __init__(self, folder: Path, notices: Notices) -> None:
        self.sentences: list[str] = []
        self._folder = folder
        self._notices = notices

    def put_batch(self, number: int, body: bytes, what: str, reason: str) -> None:
        """Keep the body of a batch, named after its record. Raises OSError."""
        place = self._place(f"{number:08d}.msgpack")
        place.write_bytes(body)
        place.with_suffix(".txt").write_text(f"{reason}\n")
        self._tell(f"{what} was refused and put aside as {place}: {reason}")

    def put_file(self, refused: Refused, run: str) -> None:
        """Keep the spool's copy of a file. Raises OSError."""
        source = refused.file.source
        place = self._place(source.name)
        if source.exists():
            source.replace(place)
        self._tell(f"file {refused.file.path} of run {run} was refused and put aside as {place}: {refused.reason}")

    def tell_gone(self, path: str, run: str) -> None:
        """Of a file that a server had confirmed and has lost again: its copy was cleared away."""
        self._tell(f"file {path} of run {run} was delivered before, and is not in the spool any more: log it again")

    def _place(self, name: str) -> Path:
        folder = self._folder / _spool.REFUSED
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / name

    def _tell(self, sentence: str) -> None:
        if sentence not in self.sentences:
            self.sentences.append(sentence)
            self._notices.warn_once("refused", sentence)
