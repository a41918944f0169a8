"""Stored objects, into a backup and out of it. They are named by their digest and never change, so a copy taken after the
database's snapshot is as good as one taken with it, and what lies there already is not copied again.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, TypeVar
from uuid import UUID

from config.backups.failures import Damaged
from config.backups.frames import Row, Unpacked
from config.backups.manifest import Absent, Manifest
from config.backups.places import Place, object_name
from core.storage import ObjectMissing, ObjectStore

AT_ONCE = 4  # objects under way: a bucket answers in 50 ms, whatever the size
WINDOW = 256  # objects handed to them at a time, so that memory stays flat
COLUMNS = [("project", "uuid"), ("sha256", "text"), ("size", "int")]

T = TypeVar("T")
R = TypeVar("R")
Advance = Callable[[int], None]


class Object(NamedTuple):
    project: UUID
    sha256: str
    size: int


def listed(rows: Iterable[Row]) -> Iterator[Object]:
    for project, digest, size in rows:
        yield Object(UUID(project), digest, size)


def list_of(place: Place, manifest: Manifest) -> Iterator[Object]:
    """The objects of a backup."""
    name = manifest.objects.file
    return listed(Unpacked(place.read(f"{manifest.name}/{name}"), name).rows())


def copy_out(store: ObjectStore, place: Place, wanted: Iterable[Object], advance: Advance) -> tuple[int, list[Absent]]:
    """Copy what the place lacks; how many that were, and what the store has not or has otherwise than its name says."""

    def copy(each: Object) -> tuple[int, Absent | None]:
        copied, problem = _copy_out(store, place, each)
        advance(each.size)
        return copied, problem

    copied, absent = 0, []
    for count, problem in _in_parallel(copy, wanted):
        copied += count
        if problem is not None:
            absent.append(problem)
    return copied, absent


class _Otherwise(Exception):
    """The store's bytes are not those of the digest."""


def _copy_out(store: ObjectStore, place: Place, wanted: Object) -> tuple[int, Absent | None]:
    name = object_name(wanted.sha256)
    if place.size(name) == wanted.size:
        return 0, None
    try:
        place.write(name, _checked(store.open(wanted.project, wanted.sha256), wanted))
    except ObjectMissing:
        return 0, Absent(project=wanted.project.hex, sha256=wanted.sha256, reason="missing", expected=False)
    except _Otherwise:
        return 0, Absent(project=wanted.project.hex, sha256=wanted.sha256, reason="altered", expected=False)
    return 1, None


def _checked(chunks: Iterable[bytes], wanted: Object) -> Iterator[bytes]:
    """The chunks; an exception in the place of their end if they were not the object, so that nobody keeps them."""
    hasher, size = sha256(), 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        yield chunk
    if size != wanted.size or hasher.hexdigest() != wanted.sha256:
        raise _Otherwise


def copy_in(place: Place, store: ObjectStore, wanted: Iterable[Object], advance: Advance) -> int:
    """Put what the store lacks into it, each hashed on its way; how many that were.

    Raises:
        Damaged: a file is missing or not what its name says. It is not published.
    """

    def copy(each: Object) -> int:
        copied = _copy_in(place, store, each)
        advance(each.size)
        return copied

    return sum(_in_parallel(copy, wanted))


def _copy_in(place: Place, store: ObjectStore, wanted: Object) -> int:
    size = _stored_size(store, wanted)
    if size == wanted.size:
        return 0
    if size is not None:
        store.delete(
            wanted.project, wanted.sha256
        )  # cut short: it cannot be what it is named, and publishing would keep it
    name = object_name(wanted.sha256)
    key = store.new_staging_key()
    try:
        store.write_part(key, 0, _checked(place.read(name), wanted), max_bytes=wanted.size)
        store.publish(key, wanted.project, wanted.sha256)
    except _Otherwise as exc:
        raise Damaged(f"{place.where(name)} is damaged: its bytes are not those of its name.") from exc
    finally:
        store.discard(key)
    return 1


def _stored_size(store: ObjectStore, wanted: Object) -> int | None:
    try:
        return store.size(wanted.project, wanted.sha256)
    except ObjectMissing:
        return None


def check_files(place: Place, wanted: Iterable[Object], advance: Advance) -> list[str]:
    """Hash every object of a backup where it lies; what is wrong, in sentences."""

    def check(each: Object) -> str | None:
        name = object_name(each.sha256)
        try:
            for _ in _checked(place.read(name), each):
                pass
        except Damaged as exc:
            return exc.message
        except _Otherwise:
            return f"{place.where(name)} is damaged: its bytes are not those of its name."
        finally:
            advance(each.size)
        return None

    return [finding for finding in _in_parallel(check, wanted) if finding]


def check_stored(store: ObjectStore, wanted: Iterable[Object], advance: Advance) -> list[str]:
    """Hash every object where the server will read it; what is wrong, in sentences."""

    def check(each: Object) -> str | None:
        try:
            for _ in _checked(store.open(each.project, each.sha256), each):
                pass
        except (ObjectMissing, _Otherwise):
            return f"The stored object sha256:{each.sha256} of the project {each.project} is not what it is named."
        finally:
            advance(each.size)
        return None

    return [finding for finding in _in_parallel(check, wanted) if finding]


def _in_parallel(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results in the order of the items. The first exception ends it, after what was under way."""
    waiting = iter(items)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while window := list(islice(waiting, WINDOW)):
            futures = [pool.submit(work, each) for each in window]
            try:
                yield from (future.result() for future in futures)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
