"""The packages and the machine that a run has: a sorted lock text under its own digest."""

import platform
from hashlib import sha256
from typing import Any


def capture() -> dict[str, Any]:
    """`{digest, lock, python, platform}`; `lock` has a line `name==version` for each installed distribution.

    The digest is the SHA-256 of the lock text after a line that names the interpreter, so that two runs with the same
    digest had the same packages on the same Python. Takes some 20-100 ms, once.
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    lock = lock_text()
    described = f"{python}\n{lock}"
    return {
        "digest": f"sha256:{sha256(described.encode()).hexdigest()}",
        "lock": lock,
        "python": python,
        "platform": platform.platform(),
    }


def lock_text() -> str:
    """Sorted `name==version` lines, names normalised as PEP 503 says."""
    import re
    from importlib.metadata import distributions

    found = {
        f"{re.sub(r'[-_.]+', '-', name).lower()}=={distribution.version}"
        for distribution in distributions()
        if (name := distribution.metadata["Name"])
    }
    return "".join(f"{line}\n" for line in sorted(found))
