"""What git knows of the code that runs: repository, commit, branch, the uncommitted diff, and where in it the job was started.
Without git, nothing.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineal._entrypoint import masked

DIFF_LIMIT_BYTES = 1 << 20  # a larger diff is cut here and says so
TIME_LIMIT_S = 5.0  # a repository on a sleeping network disk must not hold up a training job

_CREDENTIALS = re.compile(r"^(\w+://)[^/@]*@")
_DIFF = (  # as `git apply` reads it at the root, whatever the user's configuration makes of a diff
    *("-c", "diff.relative=false", "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--src-prefix=a/", "--dst-prefix=b/", "-U3", "--submodule=short"),
)


def capture(folder: Path) -> dict[str, Any] | None:
    """`{repository, commit, branch, dirty, diff, folder, untracked}` of the work tree that holds `folder`; None outside of one.

    `folder` in the answer is where the job was started, from the tree's root on; None where that is elsewhere. `untracked`
    counts the files and folders that git was never told of, whose content no diff has. In the diff, what looks like a token
    is masked. Costs a handful of git processes, each bounded in time; what takes longer is left out.
    """
    root, _, commit = (_ask(folder, "rev-parse", "--show-toplevel", "HEAD") or "").rpartition("\n")
    if not commit:
        return None
    diff = _diff(folder)
    untracked = _ask(Path(root), "ls-files", "--others", "--exclude-standard", "--directory")
    return {
        "repository": without_credentials(_ask(folder, "config", "--get", "remote.origin.url") or ""),
        "commit": commit,
        "branch": _ask(folder, "symbolic-ref", "--short", "--quiet", "HEAD") or "",
        "dirty": diff != "" or untracked != "",  # where git gave no answer in time, nobody may call the tree clean
        "diff": diff or None,
        "folder": _started_in(Path(root)),
        "untracked": len((untracked or "").splitlines()),
    }


def _diff(folder: Path) -> str | None:
    """The uncommitted changes: `""` where there are none, None where git does not tell. Where binary files make the patch too
    large, or too slow to make, without their content, which its last line tells.
    """
    patch = _ask(folder, *_DIFF, "--binary", whole=True)
    if patch is not None and len(patch.encode()) <= DIFF_LIMIT_BYTES:
        return masked(patch)
    text = _ask(folder, *_DIFF, whole=True)
    return masked(_cut(text)) if text else text


def _started_in(root: Path) -> str | None:
    """The working folder from the root of the work tree on: `""` at the root itself, None outside."""
    try:
        below = Path.cwd().resolve().relative_to(root.resolve()).as_posix()
    except (OSError, ValueError):
        return None
    return "" if below == "." else below


def _ask(folder: Path, *arguments: str, whole: bool = False) -> str | None:
    """Git's answer, or None where there is none; without the space around it, unless it is asked for `whole`, as a patch has to be.
    Runs no hooks, no pagers, no prompts, no optional locks.
    """
    env = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_DIFF_OPTS": "", "LC_ALL": "C"}
    command: Sequence[str] = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=TIME_LIMIT_S, env=env, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    answer = done.stdout.decode("utf-8", "replace")
    return answer if whole else answer.strip()


def without_credentials(address: str) -> str:
    """`https://user:secret@host/x` as `https://host/x`."""
    return _CREDENTIALS.sub(r"\1", address)


def _cut(diff: str) -> str:
    """Whole lines, for half a token would not be known as one."""
    kept, why = diff, "what changed in binary files is left out"
    if len(data := diff.encode()) > DIFF_LIMIT_BYTES:
        kept = data[:DIFF_LIMIT_BYTES].decode("utf-8", "ignore").rpartition("\n")[0]
        why = f"the diff is larger than {DIFF_LIMIT_BYTES} bytes"
    return f"{kept}\n# cut here: {why}\n"
