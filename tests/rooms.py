"""The rooms of the server as the project itself lists them, so that no census forgets a new one."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def rooms(*, but: str = "") -> list[str]:
    """Folders that go into the server's distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [room for room in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] if room != but]
