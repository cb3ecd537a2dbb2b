"""Nothing of the token contract is without a test: `sentences.toml` beside it, read by a machine."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CONTRACT = TESTS.parent / "docs" / "design" / "tokens.md"
SENTENCES = tomllib.loads((TESTS / "contract" / "sentences.toml").read_text(encoding="utf-8"))["sentence"]
SECTIONS = ("1", "2", "3", "4", "6", "7")


def squeezed(text: str) -> str:
    """Without white space: where a line is broken says nothing."""
    return "".join(text.split())


@cache
def sections() -> dict[str, str]:
    """Number of a section of the contract -> its text, without the heading."""
    parts = re.split(r"^## (\d+)\. .*$", CONTRACT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def functions(file: Path) -> frozenset[str]:
    """Names of the tests in a file; of one with parameters, its own."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize("number", SECTIONS)
def test_the_table_holds_the_whole_section_in_order(number):
    told = "".join(one["text"] for one in SENTENCES if one["section"] == number)
    assert squeezed(told) == squeezed(sections()[number])


def test_sections_stand_in_order_and_no_other_is_there():
    assert [number for number, _ in groupby(one["section"] for one in SENTENCES)] == [*SECTIONS, "exchange"]


def test_whatever_promises_something_has_a_test_and_all_else_a_reason():
    for one in SENTENCES:
        assert set(one) <= {"section", "text", "tests", "reason"}, one
        assert one["text"].strip()
        assert one.get("tests") or one.get("reason"), one["text"]


def test_every_test_that_is_named_exists():
    named = {name for one in SENTENCES for name in one.get("tests", ())}
    found = {name: name.partition("::") for name in named}
    missing = [name for name, (file, _, test) in found.items() if test not in functions(TESTS / file)]
    assert missing == []
    assert all(test.startswith("test_") for _, _, test in found.values())
