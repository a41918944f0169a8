"""The server starts no shell, and reads nothing back that could run code: a census of its source."""

import ast
from pathlib import Path

import pytest

from tests.rooms import rooms

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in rooms() for path in (ROOT / room).rglob("*.py"))

UNPICKLERS = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "torch",
    "sklearn",
    "tarfile",
    "zipfile",
}
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}
EXECUTORS = {"eval", "exec", "compile", "__import__"}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def calls(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_server_can_unpickle_or_unpack(path):
    assert set(imported(ast.parse(path.read_text()))) & UNPICKLERS == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_server_starts_a_shell_or_executes_text(path):
    for call in calls(ast.parse(path.read_text())):
        assert not any(keyword.arg == "shell" for keyword in call.keywords), ast.unparse(call)
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            assert (call.func.value.id, call.func.attr) not in SHELLS, ast.unparse(call)
        if isinstance(call.func, ast.Name):
            assert call.func.id not in EXECUTORS, ast.unparse(call)


def test_yaml_is_read_as_plain_data_only():
    """yaml.load can build objects: whoever calls it names a loader of their own that derives from SafeLoader."""
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        safe = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and "yaml.SafeLoader" in map(ast.unparse, node.bases)
        }
        for call in calls(tree):
            if ast.unparse(call.func) in ("yaml.load", "yaml.unsafe_load", "yaml.full_load"):
                loaders = {ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "Loader"}
                assert loaders, ast.unparse(call)
                assert loaders <= safe, ast.unparse(call)


def test_the_census_reads_the_whole_server():
    assert len(SOURCES) > 200
