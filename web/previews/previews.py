"""One file's preview: which kind it is, and what of it the page shows."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import orjson

from accounts.models import Project
from core.errors import NotFound, Unavailable
from tracking.models import Artifact
from web.previews.folded import folded
from web.previews.reading import Source
from web.previews.tables import NoTable, Table, csv_table, parquet_table

TEXT_BYTES = 64 * 1024  # shown of a text
JSON_BYTES = 1024 * 1024
FRAME_BYTES = 8 * 1024 * 1024  # a notebook or page, whole
IMAGE_BYTES = 16 * 1024 * 1024
PARQUET_BYTES = 48 * 1024 * 1024  # read at most of a Parquet file, whatever its size

IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
}
PAGES = {".html", ".htm"}
NOTEBOOKS = {".ipynb"}
TABLES = {".csv": "", ".tsv": "\t"}
PARQUET = {".parquet", ".pq"}
JSONS = {".json", ".geojson"}
CLOSED = "Shown in a closed frame: no script of it runs, and it reaches no address."


@dataclass(frozen=True, slots=True)
class Preview:
    """What the page shows: `kind` is text, table, json, image, frame or none; `note` says what was left out, or why there is nothing."""

    kind: str
    note: str = ""
    text: str = ""
    table: Table | None = None
    tree: Any = None


def suffix_of(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def preview_of(project: Project, artifact: Artifact) -> Preview:
    """Reads a bounded part of the file. Never raises for what the bytes are."""
    if not artifact.blob.is_usable:
        return Preview("none", f"Its bytes are {artifact.blob.state}, and are not handed out.")
    if artifact.blob.size == 0:
        return Preview("none", "The file is empty.")
    try:
        return _preview(Source(project, artifact, PARQUET_BYTES), suffix_of(artifact.path))
    except NotFound:
        return Preview("none", "Its bytes are not in the store.")
    except Unavailable as exc:
        return Preview("none", f"The store does not answer just now: {exc.detail}")


def _preview(source: Source, suffix: str) -> Preview:
    if suffix in IMAGE_TYPES:
        return _whole("image", source, IMAGE_BYTES)
    if suffix in {*PAGES, *NOTEBOOKS}:
        return _whole("frame", source, FRAME_BYTES, CLOSED)
    if suffix in TABLES:
        return _table(source, lambda: csv_table(source, delimiter=TABLES[suffix]))
    if suffix in PARQUET:
        return _table(source, lambda: parquet_table(source), or_text=False)
    return _json(source) if suffix in JSONS and source.size <= JSON_BYTES else _text(source)


def _whole(kind: str, source: Source, limit: int, note: str = "") -> Preview:
    if source.size > limit:
        return Preview(
            "none",
            f"It is larger than the {limit // 1024**2} MB up to which such files are shown. Download it to see it.",
        )
    return Preview(kind, note)


def _table(source: Source, read: Any, *, or_text: bool = True) -> Preview:
    try:
        return Preview("table", table=read())
    except NoTable as exc:
        return _text(source, f"{exc} Shown as text.") if or_text else Preview("none", str(exc))


def _json(source: Source) -> Preview:
    raw = source.head(JSON_BYTES)
    try:
        return Preview("json", tree=folded(_loaded(raw)))
    except (ValueError, RecursionError) as exc:
        return _text(source, f"Not read as JSON: {str(exc)[:200]}. Shown as text.")


def _loaded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(raw)  # knows NaN and the infinities, as Python writes them


def _text(source: Source, note: str = "") -> Preview:
    head = source.head(TEXT_BYTES)
    if b"\0" in head:
        return Preview("none", "The file is no text, and of no kind that is shown here. Download it to look inside.")
    text = head.decode("utf-8", "replace")
    if text.count("\ufffd") > len(text) // 20 + 1:
        return Preview(
            "none", "The file is no text in UTF-8, and of no kind that is shown here. Download it to look inside."
        )
    cut = f"The first {TEXT_BYTES // 1024} kB of it." if len(head) < source.size else ""
    return Preview("text", " ".join(filter(None, [note, cut])), text=text)
