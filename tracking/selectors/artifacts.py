"""Reads of artifacts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Substr

from core import prepared, rows
from core.access import ProjectRef
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


def ask_artifact_entries(*, project: ProjectRef, run: UUID, path: str) -> Callable[[], list[tuple[str, Blob]]]:
    """Ask for the file at `path` of the run of that id, or all files of the folder `path` (`prepared.ask`). What comes back gives
    them as (path relative to it, blob), sorted by UTF-8 bytes; a file's relative path is its own name.

    The answer raises ArtifactNotFound when there is neither.
    """
    asked = prepared.ask(
        f"SELECT artifact.path, {rows.columns(Blob, 'blob')} FROM tracking_artifact artifact "  # noqa: S608 - columns of ours
        "JOIN tracking_run run ON run.id = artifact.run_id JOIN tracking_blob blob ON blob.id = artifact.blob_id "
        "WHERE run.project_id = %s AND run.uuid = %s AND (artifact.path = %s OR substr(artifact.path, 1, %s) = %s)",
        [project.id, rows.bound(run), path, len(path) + 1, f"{path}/"],
    )

    def answer() -> list[tuple[str, Blob]]:
        entries = [(_relative(found, path), rows.read(Blob, blob)) for found, *blob in asked()]
        if not entries:
            raise ArtifactNotFound(path)
        return sorted(entries, key=lambda entry: entry[0].encode())

    return answer


def _below(files: QuerySet[Artifact], folder: str) -> QuerySet[Artifact]:
    """By equality of the beginning: LIKE and ranges differ between databases in case and collation."""
    head = Substr("path", 1, len(folder) + 1)
    return files.annotate(head=head).filter(Q(path=folder) | Q(head=f"{folder}/"))


def _relative(path: str, folder: str) -> str:
    return path.rpartition("/")[2] if path == folder else path[len(folder) + 1 :]
