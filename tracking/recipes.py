"""How a run could be made again, from what was recorded of it: steps for a shell, and what is missing for each.

Plain functions on values. Nothing a run recorded becomes a command of its own: every value is one quoted word, comments lose what
would end them, and the command line is split into words and quoted anew.
"""

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tracking.models import Run
from tracking.selectors.datasets import UsedVersion

MASK = "***"
CUT = "\n# cut here:"
_PYTHON = re.compile(r"(\w+) (\d+\.\d+)(\.\d+)?")
_SCRIPT = re.compile(r".+\.py")
_SHOWN_INPUTS = 100  # datasets with steps of their own


@dataclass(frozen=True, slots=True)
class Step:
    """Lines for a shell, and what keeps them from bringing back all there was."""

    title: str
    lines: Sequence[str] = ()
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    steps: Sequence[Step]

    @property
    def missing(self) -> Sequence[str]:
        return [reason for step in self.steps for reason in step.missing]

    @property
    def is_complete(self) -> bool:
        """Whether all that the run said it used can be brought back."""
        return not self.missing

    @property
    def script(self) -> str:
        """All steps as one POSIX shell script, which says what it lacks."""
        parts = ["#!/bin/sh\nset -eu"]
        for step in self.steps:
            notes = [f"# missing: {comment(reason)}" for reason in step.missing]
            parts.append("\n".join([f"# {comment(step.title)}", *notes, *step.lines]))
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in this project's store with the digest of a dataset that the run read."""

    run: str
    path: str


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe is made of. `diff_size` is None where there is none, `kept` by hex digest."""

    run: Run
    project: str
    inputs: Sequence[UsedVersion]
    diff_size: int | None = None
    diff_is_cut: bool = False
    diff_is_masked: bool = False
    has_lock: bool = False
    kept: Mapping[str, Kept] = field(default_factory=dict)


def recipe_of(given: Ingredients) -> Recipe:
    """The steps in the order in which they are taken."""
    return Recipe([_code(given), _changes(given), _environment(given), _data(given), _command(given)])


def comment(text: str) -> str:
    """`text` as a shell comment may hold it: in one line, and without what moves a reader's eye elsewhere."""
    return "".join(" " if unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"} else each for each in text)


def _code(given: Ingredients) -> Step:
    run = given.run
    title = "The code, at the commit that ran"
    if not run.code_commit:
        return Step(title, missing=["The commit is not recorded: the code was in no git repository, or was kept back."])
    folder = f"run-{run.uuid.hex[:12]}"
    if not run.code_repository:
        lines = [f"git checkout --detach {_word(run.code_commit)}"]
        return Step(title, lines, ["The repository has no recorded address: begin in a clone of it."])
    return Step(
        title,
        [
            f"git clone -- {_word(run.code_repository)} {folder}",
            f"cd {folder}",
            f"git checkout --detach {_word(run.code_commit)}",
        ],
    )


def _changes(given: Ingredients) -> Step:
    run = given.run
    title = "The changes that were not committed"
    missing = []
    if run.code_untracked:
        files = "file or folder that git was" if run.code_untracked == 1 else "files or folders that git was"
        missing.append(f"{run.code_untracked} {files} never told of: their content is not recorded.")
    if given.diff_size is None:
        if run.code_dirty and not run.code_untracked:
            missing.append("There were changes, and they are not recorded.")
        if run.code_commit and not run.code_dirty:
            title = "No changes: the work tree was clean"
        return Step(title, missing=missing)
    if given.diff_is_cut:
        missing.append("The diff was too large and is cut: it does not apply as it is.")
    if given.diff_is_masked:
        missing.append("The diff may hold secrets that were masked (***): put them back by hand.")
    return Step(title, [f"lineal runs diff{_project(given)} {run.uuid.hex} | git apply"], missing)


def _environment(given: Ingredients) -> Step:
    lock = given.run.environment
    title = "The environment"
    if lock is None:
        return Step(title, missing=["The environment is not recorded."])
    lines = []
    missing = []
    version = _PYTHON.match(lock.python)
    python = f"python{version[2]}" if version else "python3"
    lines.append(
        f"# {comment(lock.python) or 'an unknown Python'} on {comment(lock.platform) or 'an unknown platform'}"
    )
    lines.append(f"{python} -m venv .venv")
    if given.has_lock:
        lines += [
            f"lineal runs lock{_project(given)} {given.run.uuid.hex} > .venv/lock.txt",
            ".venv/bin/pip install --no-deps -r .venv/lock.txt  # what no index has, such as the project itself: install it by hand",
        ]
    else:
        missing.append(f"Of the environment only the digest is recorded: {lock.digest}.")
    if not version:
        missing.append("The version of Python is not recorded.")
    return Step(title, lines, missing)


def _data(given: Ingredients) -> Step:
    title = "The data"
    if not given.inputs:
        return Step(title, missing=["The run declared no dataset that it read."])
    lines: list[str] = []
    missing: list[str] = []
    for use in given.inputs[:_SHOWN_INPUTS]:
        lines.append(comment(f"# {use.name}: {use.digest or 'no digest'} ({use.strength}, {use.kind})"))
        kept = given.kept.get((use.digest or "").removeprefix("sha256:"))
        if kept is not None:
            lines.append(
                f"lineal artifacts download{_project(given)} {kept.run} {_word(kept.path)} --to data  # checked against the digest"
            )
            continue
        if use.uri:
            lines.append(comment(f"#   from {use.uri}"))
        missing.append(_why_missing(use))
    if len(given.inputs) > _SHOWN_INPUTS:
        missing.append(f"{len(given.inputs) - _SHOWN_INPUTS} datasets more are not listed here.")
    return Step(title, lines, missing)


def _why_missing(use: UsedVersion) -> str:
    where = "from where it lies" if use.uri else "from wherever it came from: no address is recorded"
    if use.strength != "content" or not use.digest:
        return f"{use.name}: bring it {where}. It is known by no content digest ({use.strength}), so nothing shows that it is the same."
    check = {
        "file": "sha256sum",
        "directory": "lineal.digest.directory",
        "frame": "lineal.digest.frame",
    }.get(use.kind, "its digest")
    return f"{use.name}: Lineal keeps its digest and not its bytes. Bring it {where}, and compare with {check}."


def _command(given: Ingredients) -> Step:
    run = given.run
    title = "The command"
    if not run.entry_point:
        return Step(title, missing=["The command is not recorded."])
    lines, missing = [], []
    if run.code_commit and run.code_folder is None:
        missing.append("The folder it was started in is not recorded.")
    elif run.code_folder:
        lines.append(f"cd {_word(run.code_folder)}")
    words, is_exact = _words(run.entry_point)
    depth = len(run.code_folder.split("/")) if run.code_folder else 0
    python = "../" * depth + ".venv/bin/python" if run.environment is not None else "python3"
    if words[0] == "-m" or _SCRIPT.fullmatch(words[0]):
        words = [python, *words]
    lines.append(" ".join(map(_word, words)))
    if not is_exact:
        missing.append("The command line was recorded without its quotes: its words may have been others.")
    if run.entry_point.endswith("…"):
        missing.append("The command line was too long and is cut.")
    if MASK in run.entry_point:
        missing.append("The command line has secrets that were masked (***): put them back.")
    return Step(title, lines, missing)


def _words(command: str) -> tuple[list[str], bool]:
    """The words of a recorded command line, and whether they are sure to be those."""
    try:
        words, is_exact = shlex.split(command), True
    except ValueError:
        words, is_exact = command.split(), False
    return words or [command], is_exact


def _word(text: str) -> str:
    """`text` as one word of a shell, with nothing in it that a terminal would obey."""
    return shlex.quote(comment(text))


def _project(given: Ingredients) -> str:
    return "" if given.project == "default" else f" --project {_word(given.project)}"
