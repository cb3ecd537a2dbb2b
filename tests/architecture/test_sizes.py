"""Files and functions stay small enough to read in one go (rule 8 of the house)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("mandates", "keys", "guard", "config", "broker", "demo")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "build" not in path.parts)
MAX_FILE = 400
MAX_FUNCTION = 40
LONGER = {
    "0001_skeleton.py": "column lists of the first migration",
    "0002_journal.py": "the text of triggers",
}


def test_there_is_something_to_measure():
    assert len(FILES) > 80


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_FILE, "split it by rule or by flow"
    if path.name in LONGER:
        return
    long = [
        f"{node.name}: {lines} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := lines_of(node)) > MAX_FUNCTION
    ]
    assert long == []


def lines_of(node):
    """Lines of the body: a signature may take a line a parameter, so that each can be read."""
    return node.end_lineno - node.body[0].lineno + 1


def test_no_file_is_named_for_what_it_does_not_say():
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [path for path in FILES if path.stem in vague] == []


def test_tests_have_no_packages():
    assert list((ROOT / "tests").rglob("__init__.py")) == []
