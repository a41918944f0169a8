"""A Jupyter notebook as one HTML document for a sandboxed frame. Outputs that are HTML go in as they are: the frame runs no script."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

MOST_CELLS = 500
SHOWN_CHARACTERS = 20_000  # of one cell or text output
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px; font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
section { display: grid; grid-template-columns: 4.5em minmax(0, 1fr); gap: 0 8px; margin-bottom: 10px; }
section > span { color: GrayText; font: 12px/1.6 ui-monospace, monospace; padding-top: 6px; }
pre { margin: 0; padding: 6px 8px; font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
pre.code { background: color-mix(in srgb, CanvasText 6%, Canvas); border-radius: 4px; }
pre.text { font: inherit; }
pre.error { color: light-dark(#a82a20, #f0978d); }
img { max-width: 100%; }
table { border-collapse: collapse; }
td, th { border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); padding: 2px 6px; text-align: right; }
"""


class NoNotebook(Exception):
    """The bytes are no notebook of a version that is known here."""


def notebook_document(notebook: Any) -> str:
    """Raises NoNotebook."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NoNotebook("This is no notebook of format 4.")
    parts = [_cell(cell) for cell in cells[:MOST_CELLS] if isinstance(cell, dict)]
    if len(cells) > MOST_CELLS:
        parts.append(format_html("<p>… and {} cells more</p>", len(cells) - MOST_CELLS))
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Notebook</title><style>{STYLE}</style>{"".join(parts)}</html>'


def _cell(cell: Mapping[str, Any]) -> str:
    source = _text(cell.get("source"))[:SHOWN_CHARACTERS]
    if cell.get("cell_type") != "code":
        return format_html('<section><span></span><pre class="text">{}</pre></section>', _headed(source))
    number = cell.get("execution_count")
    name = f"[{number}]" if isinstance(number, int) else "[ ]"
    code = format_html('<section><span>{}</span><pre class="code">{}</pre></section>', name, source)
    outputs = cell.get("outputs")
    shown = "".join(
        f"<section><span></span><div>{part}</div></section>"
        for output in (outputs if isinstance(outputs, list) else [])
        if isinstance(output, dict)
        for part in _output(output)
    )
    return code + shown


def _headed(source: str) -> SafeString:
    """Markdown as it was written, its headings bold."""
    lines = source.split("\n")
    return format_html_join(
        "\n", "{}", ((format_html("<b>{}</b>", line.lstrip("# ")) if line.startswith("#") else line,) for line in lines)
    )


def _output(output: Mapping[str, Any]) -> Iterator[str]:
    kind = output.get("output_type")
    if kind == "stream":
        yield _pre(_text(output.get("text")))
    elif kind == "error":
        yield _pre(f"{output.get('ename', '')}: {output.get('evalue', '')}", "error")
    elif isinstance(output.get("data"), dict):
        yield from _data(output["data"])


def _data(data: Mapping[str, Any]) -> Iterator[str]:
    """The richest kind that a frame without scripts can show."""
    for kind in PICTURES:
        picture = _picture(kind, data.get(kind))
        if picture:
            yield picture
            return
    if "text/html" in data:
        yield _text(data["text/html"])
    elif "image/svg+xml" in data:
        encoded = base64.b64encode(_text(data["image/svg+xml"]).encode()).decode()
        yield format_html('<img alt="" src="data:image/svg+xml;base64,{}">', encoded)
    elif "text/plain" in data:
        yield _pre(_text(data["text/plain"]))


def _picture(kind: str, value: Any) -> SafeString | None:
    try:
        raw = base64.b64decode("".join(_text(value).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return format_html('<img alt="" src="data:{};base64,{}">', kind, base64.b64encode(raw).decode()) if raw else None


def _pre(text: str, name: str = "") -> str:
    return f'<pre class="{name}">{escape(text[:SHOWN_CHARACTERS])}</pre>'


def _text(value: Any) -> str:
    """A text, or the list of its lines as notebooks keep it."""
    if isinstance(value, list):
        return "".join(each for each in value if isinstance(each, str))
    return value if isinstance(value, str) else ""
