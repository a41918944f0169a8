"""Reads of artifacts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Substr

from tracking.errors import ArtifactNotFound
from tracking.models import Artifact, Blob, Run


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder among artifacts: it exists because files lie below it."""

    path: str


def list_artifacts(run: Run, prefix: str = "") -> QuerySet[Artifact]:
    """Files of the run below the folder `prefix` (all if empty), or the one file of that path; by path. Lazy."""
    files = Artifact.objects.filter(run=run).select_related("blob").order_by("path")
    return _below(files, prefix) if prefix else files


def list_folder(run: Run, prefix: str = "") -> list[Artifact | Folder]:
    """What lies directly in the folder `prefix`: files, and folders that stand for what is deeper. By path."""
    start = f"{prefix}/" if prefix else ""
    seen: dict[str, Artifact | Folder] = {}
    for file in list_artifacts(run, prefix):
        if not file.path.startswith(start):
            continue
        name, slash, _ = file.path[len(start) :].partition("/")
        path = start + name
        seen.setdefault(path, Folder(path) if slash else file)
    return [seen[path] for path in sorted(seen)]


def get_artifacts(run: Run, paths: Sequence[str]) -> list[Artifact]:
    """The files of exactly those paths, in their order. One query. Raises ArtifactNotFound, which names the first that is missing."""
    files = Artifact.objects.select_related("blob", "run__project").filter(run=run, path__in=paths)
    found = {file.path: file for file in files}
    for path in paths:
        if path not in found:
            raise ArtifactNotFound(path)
    return [found[path] for path in paths]


def get_artifact(run: Run, path: str) -> Artifact:
    """The file of exactly that path. Raises ArtifactNotFound."""
    artifact = Artifact.objects.select_related("blob").filter(run=run, path=path).first()
    if artifact is None:
        raise ArtifactNotFound(path)
    return artifact


def artifact_entries(run: Run, path: str) -> list[tuple[str, Blob]]:
    """The file at `path`, or all files of the folder `path`, as (path relative to it, blob), sorted by UTF-8 bytes.

    A file's relative path is its own name. Raises ArtifactNotFound when there is neither.
    """
    entries = [(_relative(artifact.path, path), artifact.blob) for artifact in list_artifacts(run, path)]
    if not entries:
        raise ArtifactNotFound(path)
    return sorted(entries, key=lambda entry: entry[0].encode())


def _below(files: QuerySet[Artifact], folder: str) -> QuerySet[Artifact]:
    """By equality of the beginning: LIKE and ranges differ between databases in case and collation."""
    head = Substr("path", 1, len(folder) + 1)
    return files.annotate(head=head).filter(Q(path=folder) | Q(head=f"{folder}/"))


def _relative(path: str, folder: str) -> str:
    return path.rpartition("/")[2] if path == folder else path[len(folder) + 1 :]
