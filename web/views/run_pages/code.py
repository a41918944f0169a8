"""The code of a run: commit, what was not committed, environment, and the recipe that brings it all back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse

from accounts.models import Project
from tracking import selectors
from tracking.models import Run
from tracking.recipes import recipe_of
from tracking.selectors.recipes import ingredients_of
from web.views.base import PageRequest
from web.views.run_pages.frame import run_page, show_run

SHOWN_DIFF_LINES = 1_500
SHOWN_LINE_CHARACTERS = 500
SHOWN_DIFF_CHARACTERS = 120_000  # of all lines: a page is read by people
SHOWN_PACKAGES = 2_000


@dataclass(frozen=True, slots=True)
class DiffLine:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changed in one file: its lines, and how many were added and taken away among those shown."""

    name: str
    lines: Sequence[DiffLine]

    @property
    def added(self) -> int:
        return sum(line.kind == "add" for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.kind == "del" for line in self.lines)


@run_page
def run_code(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    diff = selectors.code_diff(run)
    shown = diff_lines(diff)
    lock = run.environment.lock if run.environment else ""
    packages = [line.partition("==") for line in lock.splitlines() if line]
    return show_run(
        request,
        project,
        run,
        "code",
        "web/run_code.html",
        files=by_file(shown),
        diff_left=diff.count("\n") - len(shown),
        packages=[(name, version) for name, _, version in packages[:SHOWN_PACKAGES]],
        package_count=len(packages),
        recipe=recipe_of(ingredients_of(run, project=project, diff=diff)),
    )


def diff_lines(diff: str) -> Sequence[DiffLine]:
    """The first lines of a unified diff by kind, each cut where reading on makes no sense."""
    shown: list[DiffLine] = []
    left = SHOWN_DIFF_CHARACTERS
    is_head = True
    for line in diff.removesuffix("\n").split("\n", SHOWN_DIFF_LINES)[:SHOWN_DIFF_LINES]:
        is_head = line.startswith("diff ") or (is_head and not line.startswith("@@"))
        kind = "at" if is_head or line.startswith(("@@", "\\")) else {"+": "add", "-": "del"}.get(line[:1], "same")
        left -= min(len(line), SHOWN_LINE_CHARACTERS)
        if left < 0:
            break
        shown.append(DiffLine(kind, line if len(line) <= SHOWN_LINE_CHARACTERS else line[:SHOWN_LINE_CHARACTERS] + "…"))
    return shown


def by_file(lines: Sequence[DiffLine]) -> list[FileDiff]:
    files: list[tuple[str, list[DiffLine]]] = []
    for line in lines:
        if line.kind == "at" and line.text.startswith("diff "):
            files.append((line.text.rpartition(" b/")[2] or line.text, []))
        elif not files:
            if not line.text:
                continue
            files.append(("changes", [line]))
        else:
            files[-1][1].append(line)
    return [FileDiff(name, shown) for name, shown in files]
