"""The broker that is a folder: kombu's filesystem transport, in which files appear whole and broken ones are passed over.

kombu opens a message under its final name and writes it then, so that a reader may find it empty (its issue 1551, open since
2022); celery takes what cannot be decoded for unrecoverable and ends the worker. At a few promotions a second that happened
several times a minute. Here a file is written under another name and renamed, which no reader can see half of.
"""

import logging
import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "folder"
log = logging.getLogger(__name__)
_binding = threading.Lock()


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu's own is so
        """Raises ChannelError where the folder cannot be written."""
        name = f"{round(time.monotonic() * 1_000)}_{uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message, which is whoever's that removes it. Raises Empty, ChannelError."""
        for path in sorted(Path(self.data_folder_in).iterdir()):
            if path.name.partition(".")[2] != f"{queue}.msg":
                continue
            try:
                text = path.read_bytes()
                path.unlink()
            except FileNotFoundError:  # another worker was faster
                continue
            except OSError as exc:
                raise ChannelError(f"Cannot take {path}") from exc
            try:
                return loads(text)
            except ValueError:  # cut off by a full disk, say; the jobs that it would have rung for are found without it
                log.warning(
                    "A message of %s bytes in the broker's folder cannot be read and is passed over.", len(text)
                )
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        """Queues of the exchange; none where what is known of them cannot be read. Raises ChannelError."""
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # the stubs are of an older kombu
        try:
            return [filesystem.exchange_queue_t(*each) for each in loads(file.read_bytes())]
        except (FileNotFoundError, ValueError):
            return []
        except OSError as exc:
            raise ChannelError(f"Cannot open {file}") from exc

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        """One thread at a time: kombu remembers for the whole process that a queue is bound before the file that says so is written,
        and another thread's message would go to no queue meanwhile.
        """
        with _binding:
            super().queue_bind(*args, **kwargs)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        known = self.get_table(exchange)
        if bound not in known:
            file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # as above
            _write_whole(file, dumps([bound, *known]))


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Have kombu know `folder://`."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f"{uuid4()}.part")
    try:
        part.write_text(text)
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise ChannelError(f"Cannot write {path}") from exc
