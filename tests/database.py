"""A pytest plugin, loaded before Django's: chooses the database of this run and gives the suite a home folder of its own.

`--database postgresql` starts a real PostgreSQL from its wheel, on a Unix socket in a temporary folder, and ends it with the run.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.postgresql import start_postgresql

CHOICES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=CHOICES, default="sqlite", help="database that SQL tests run on")


def pytest_report_header() -> str:
    return f"lineal database: {os.environ['LINEAL_TEST_DATABASE']}"


def _chosen() -> str:
    for position, argument in enumerate(sys.argv):
        if argument.startswith("--database="):
            return argument.partition("=")[2]
        if argument == "--database" and position + 1 < len(sys.argv):
            return sys.argv[position + 1]
    return "sqlite"


def _prepare() -> None:
    """Workers of pytest-xdist inherit the first process's choice and server through the environment."""
    if "LINEAL_TEST_DATABASE" in os.environ:
        return
    _keep_bytecode()
    for name in [name for name in os.environ if name.startswith("LINEAL_") and name != "LINEAL_REQUIRE_BROWSER"]:
        del os.environ[name]  # a developer's own server is none of the suite's business
    folder = Path(tempfile.mkdtemp(prefix="lineal-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["LINEAL_TEST_DATABASE"] = _chosen()
    os.environ["LINEAL_HOME"] = str(folder / "home")
    os.environ["LINEAL_CREDENTIALS_FILE"] = str(folder / "credentials.json")
    os.environ["LINEAL_SPOOL_DIR"] = str(folder / "spool")
    if os.environ["LINEAL_TEST_DATABASE"] == "postgresql":
        os.environ["LINEAL_DATABASE_URL"] = start_postgresql(folder)


def _keep_bytecode() -> None:
    """Whatever the machine's habit: each of the many processes that tests start would compile the whole project anew."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


_prepare()
