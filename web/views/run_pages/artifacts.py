"""The files of a run as a tree, the chosen one with a preview; and the frames and pictures that a preview holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
from django.db.models import Sum
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Project
from core.errors import Invalid
from tracking import selectors
from tracking.artifacts.paths import parse_path
from tracking.errors import ArtifactQuarantined
from tracking.models import Artifact, Run
from web.previews.notebooks import NoNotebook, notebook_document
from web.previews.previews import FRAME_BYTES, IMAGE_BYTES, IMAGE_TYPES, NOTEBOOKS, PAGES, preview_of, suffix_of
from web.previews.reading import Source
from web.security import FRAMED_HEADERS, framing
from web.views.base import PageRequest
from web.views.run_pages.frame import run_page, show_run

SHOWN_FILES = 2_000  # of one tree; a search finds the others
OPEN_FILES = 60  # up to so many the tree stands open


@dataclass
class Folder:
    name: str
    path: str
    size: int = 0
    count: int = 0
    folders: dict[str, "Folder"] = field(default_factory=dict)
    files: list[Artifact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the tree: a file, or the beginning or end of a folder."""

    file: Artifact | None = None
    name: str = ""
    url: str = ""
    opens: Folder | None = None
    is_open: bool = False
    closes: bool = False


@run_page
def run_artifacts(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    """`?path=` chooses a file, `?q=` narrows the tree to paths that hold it."""
    search, chosen = request.GET.get("q", "").strip(), request.GET.get("path", "")
    files = selectors.list_artifacts(run)
    found = list((files.filter(path__icontains=search) if search else files)[: SHOWN_FILES + 1])
    shown = found[:SHOWN_FILES]
    artifact = selectors.get_artifact(run, parse_path(chosen)) if chosen else _only(shown, search)
    totals = files.aggregate(size=Sum("blob__size"))
    response = show_run(
        request,
        project,
        run,
        "artifacts",
        "web/run_artifacts.html",
        search=search,
        rows=list(
            rows(tree_of(shown), request.path, search, artifact.path if artifact else "", len(shown) <= OPEN_FILES)
        ),
        shown=len(shown),
        total_size=totals["size"] or 0,
        has_more=len(found) > SHOWN_FILES,
        chosen=_chosen(project, run, artifact) if artifact else None,
        preview=preview_of(project, artifact) if artifact else None,
    )
    response.headers["Content-Security-Policy"] = framing()
    return response


@run_page
def run_artifact_view(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    """A picture, page or notebook for a preview: as a document without origin, script, form or address to reach.

    Raises ArtifactNotFound, ArtifactQuarantined, Invalid for what has no such view, ObjectMissing, StoreAway.
    """
    artifact = selectors.get_artifact(run, parse_path(request.GET.get("path", "")))
    if not artifact.blob.is_usable:
        raise ArtifactQuarantined(artifact.path, state=artifact.blob.state)
    suffix = suffix_of(artifact.path)
    etag = f'"{artifact.blob.sha256}"'
    headers = {**FRAMED_HEADERS, "ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    body, content_type = _document(Source(project, artifact, FRAME_BYTES + IMAGE_BYTES), suffix)
    return HttpResponse(body, content_type=content_type, headers=headers)


def _document(source: Source, suffix: str) -> tuple[bytes | str, str]:
    limit = IMAGE_BYTES if suffix in IMAGE_TYPES else FRAME_BYTES
    if suffix not in {*IMAGE_TYPES, *PAGES, *NOTEBOOKS}:
        raise Invalid("Pictures, pages and notebooks have a view of their own, and no other file.", field="path")
    if source.size > limit:
        raise Invalid(f"It is larger than the {limit // 1024**2} MB up to which such files are shown.", field="path")
    whole = source.head(source.size)
    if suffix in IMAGE_TYPES:
        return whole, IMAGE_TYPES[suffix]
    if suffix in PAGES:
        return whole, "text/html; charset=utf-8"
    try:
        return notebook_document(orjson.loads(whole)), "text/html; charset=utf-8"
    except (ValueError, RecursionError) as exc:
        raise Invalid("The file is no JSON, and so no notebook.", field="path") from exc
    except NoNotebook as exc:
        raise Invalid(str(exc), field="path") from exc


def _only(files: Sequence[Artifact], search: str) -> Artifact | None:
    """The file that is shown unasked: the only one."""
    return files[0] if len(files) == 1 and not search else None


def _chosen(project: Project, run: Run, artifact: Artifact) -> Mapping[str, Any]:
    query = urlencode({"project": project.name, "path": artifact.path})
    view = reverse("web:run_artifact_view", args=[project.name, run.uuid.hex])
    return {
        "path": artifact.path,
        "name": artifact.path.rpartition("/")[2],
        "size": artifact.blob.size,
        "sha256": artifact.blob.sha256,
        "state": artifact.blob.state,
        "created_at": artifact.created_at,
        "url": f"/api/v1/runs/{run.uuid.hex}/artifacts/content?{query}" if artifact.blob.is_usable else "",
        "view_url": f"{view}?{urlencode({'path': artifact.path})}",
    }


def tree_of(files: Sequence[Artifact]) -> Folder:
    root = Folder("", "")
    for file in files:
        folder = root
        *parents, _ = file.path.split("/")
        for name in parents:
            path = f"{folder.path}/{name}" if folder.path else name
            folder = folder.folders.setdefault(name, Folder(name, path))
            folder.size += file.blob.size
            folder.count += 1
        folder.files.append(file)
    return root


def rows(folder: Folder, page: str, search: str, chosen: str, is_open: bool) -> Iterator[Row]:
    """Folders first, each between its beginning and its end; those that lead to the chosen file stand open. No recursion: a path may have
    hundreds of parts.
    """
    stack: list[Iterator[Row | Folder]] = [_entries(folder, page, search)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            if stack:
                yield Row(closes=True)
        elif isinstance(entry, Folder):
            leads = chosen.startswith(f"{entry.path}/")
            yield Row(opens=entry, name=entry.name, is_open=is_open or leads or bool(search))
            stack.append(_entries(entry, page, search))
        else:
            yield entry


def _entries(folder: Folder, page: str, search: str) -> Iterator[Row | Folder]:
    yield from (folder.folders[name] for name in sorted(folder.folders))
    for file in sorted(folder.files, key=lambda file: file.path):
        query = {"path": file.path} | ({"q": search} if search else {})
        yield Row(file=file, name=file.path.rpartition("/")[2], url=f"{page}?{urlencode(query)}#file")
