"""The engine imports the standard library only, and of it nothing that knows the time or the world."""

import ast
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "mandates"
FILES = sorted(ROOM.rglob("*.py"))
IMPURE = {
    "time",
    "datetime",
    "random",
    "secrets",
    "uuid",
    "os",
    "io",
    "socket",
    "sqlite3",
    "logging",
    "subprocess",
    "pathlib",
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their room in full"
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_room_is_where_this_test_looks():
    assert {"decide.py", "lifecycle.py", "status.py"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_mandates_imports_the_standard_library_only(path):
    assert imported(path) - {"mandates"} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_mandates_knows_no_clock_no_randomness_and_no_world(path):
    assert not imported(path) & IMPURE
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "__import__", "exec", "eval"}
