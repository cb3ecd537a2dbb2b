"""Every reason and error code has plain words in three languages (mandates.md section 7)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import broker.app
import broker.cli
import broker.endpoints.problems
from broker.errors import ANSWERS, FlowError
from broker.port_errors import PortError
from broker.wording import LANGUAGES, WordingError, read, say, wordings
from builders import catalogue
from mandates.errors import MandateError
from mandates.status import State

ROOT = Path(__file__).parents[2]


def family(kind):
    return {kind.code}.union(*(family(one) for one in kind.__subclasses__()))


def literal_reasons():
    """The codes in every `Reason("...")` of the engine and the flows."""
    files = [*(ROOT / "mandates").glob("*.py"), *(ROOT / "broker" / "flows").rglob("*.py")]
    calls = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return {
        node.args[0].value
        for node in calls
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", None) == "Reason"
        and isinstance(node.args[0], ast.Constant)
    }


def every_code():
    approvals = {kind for one in catalogue().types.values() for kind in (*one.approvals, *one.rest_approvals)}
    return {
        *literal_reasons(),
        *(f"mandate_{state}" for state in State if state is not State.ACTIVE),
        *(f"passed_on_{state}" for state in State if state is not State.ACTIVE),
        *(f"awaiting_{kind}" for kind in approvals | {"administrator", "issuer"}),
        "mandate_awaiting",
        *family(MandateError),
        *family(FlowError),
        *family(PortError),
        *ANSWERS,
        *broker.endpoints.problems.HTTP_CODES.values(),
        *broker.endpoints.problems.OURS,
    }


def test_the_engine_gives_reasons_at_all():
    assert len(literal_reasons()) > 15


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(every_code()))
def test_each_code_has_a_title_and_a_mend(code, language):
    said = say(code, language)
    assert said is not None
    assert said.title.endswith(".")
    assert said.mend.endswith((".", "?"))


def test_dutch_says_u():
    informal = [
        code
        for (code, language), one in wordings().items()
        if language == "nl" and set(f"{one.title} {one.mend}".lower().split()) & {"je", "jij", "jouw"}
    ]
    assert informal == []


def test_nobody_is_shown_a_code_that_has_no_words():
    assert say("no_such_code", "nl") is None


@pytest.mark.parametrize(
    "text",
    [
        '[one]\nnl = ["a", "b"]\nfr = ["a", "b"]',
        '[one]\nnl = ["a"]\nfr = ["a", "b"]\nen = ["a", "b"]',
        "one = 1",
    ],
)
def test_a_file_that_leaves_something_out_is_refused_by_name(tmp_path, text):
    file = tmp_path / "reasons.toml"
    file.write_text(text)
    with pytest.raises(WordingError, match=r"one\.(nl|fr|en)"):
        read(file)
