"""Every Dutch text that a person can meet has its French and its English, and neither has more."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from flask import Flask, g
from jinja2.ext import babel_extract
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from broker import app
from broker.errors import ANSWERS, UNEXPECTED
from broker.portal import i18n
from broker.portal.forms import MISSING, NOT_A_DAY, FormError, load_mandate_form

TEMPLATES = Path(i18n.__file__).parent / "templates"
TRANSLATED = [language for language in i18n.LANGUAGES if language != "nl"]
PLACES = re.compile(r"%\((\w+)\)s|%(?!\()")


def ids_of_templates():
    found = set()
    for template in TEMPLATES.glob("*.html"):
        with template.open("rb") as source:
            found |= {message for _, message, _, _ in extract(babel_extract, source, keywords={"_": None})}
    return found


def ids_of_answers():
    return {answer.text for answer in (UNEXPECTED, *ANSWERS.values())}


def ids_of_the_application():
    """Both sides of every `text = ...`: the answers that stand in no table."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(app))):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "text"
        ):
            found |= {
                one.value
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    return found


def ids_of_forms():
    with pytest.raises(FormError) as without_powers:
        load_mandate_form(MultiDict({"name": "An Peeters", "insz": "85073099833"}))
    with pytest.raises(FormError) as bad_day:
        load_mandate_form(MultiDict({"until": "gisteren"}))
    return {MISSING, NOT_A_DAY, *without_powers.value.faults.values(), *bad_day.value.faults.values()}


def all_ids():
    return ids_of_templates() | ids_of_answers() | ids_of_the_application() | ids_of_forms()


def texts(language):
    with (i18n.FOLDER / f"{language}.po").open("rb") as source:
        return {message.id: message for message in read_po(source, locale=language) if message.id}


def test_the_extraction_sees_every_source():
    assert "Namens wie handelt u?" in ids_of_templates()
    assert len(ids_of_templates()) > 90
    assert "Deze pagina bestaat niet." in ids_of_the_application()
    assert len(ids_of_the_application()) == 3
    assert len(ids_of_forms()) == 3


def test_no_template_translates_a_text_that_is_put_together():
    for template in TEMPLATES.glob("*.html"):
        for call in re.findall(r"\b_\(([^\"'][^)]*)\)", template.read_text()):
            assert call.startswith(("text", "faults")), f"{template.name}: _({call}) cannot be extracted"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_missing_in_a_catalogue(language):
    assert all_ids() - texts(language).keys() == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_stale_in_a_catalogue(language):
    assert texts(language).keys() - all_ids() == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_empty_or_a_guess_in_a_catalogue(language):
    assert [one.id for one in texts(language).values() if not one.string.strip() or one.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_same_places_as_the_dutch(language):
    for message in texts(language).values():
        places = sorted(PLACES.findall(message.string))
        assert places == sorted(PLACES.findall(message.id)), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_ends_as_the_dutch_does(language):
    """A question stays a question and a sentence a sentence: this finds texts that slid one line down."""
    marks = ".?:"
    for message in texts(language).values():
        ends = [one[-1] if one[-1] in marks else "" for one in (message.id, message.string)]
        assert ends[0] == ends[1], message.id


@pytest.mark.parametrize(
    ("language", "expected"), [("nl", "Afmelden"), ("fr", "Se déconnecter"), ("en", "Sign out")]
)
def test_a_text_is_shown_in_the_language_of_the_request(language, expected):
    with Flask(__name__).test_request_context():
        g.language = language
        assert i18n.translate("Afmelden") == expected


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_name_that_is_filled_in_is_escaped_and_markup_of_a_template_is_kept(language):
    with Flask(__name__).test_request_context():
        g.language = language
        shown = i18n.translate(
            "U bent %(name)s, via %(organisation)s",
            name=Markup("<strong>Bram</strong>"),
            organisation="<script>x</script>",
        )
    assert isinstance(shown, Markup)
    assert "<strong>Bram</strong>" in shown
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "expected"),
    [
        ("?taal=en", None, "fr", "en"),
        ("?taal=xx", "fr", "en", "fr"),
        ("", "fr", "en", "fr"),
        ("", None, "en-GB,en;q=0.8", "en"),
        ("", "xx", "de", "nl"),
    ],
)
def test_the_language_is_asked_then_remembered_then_the_browsers(
    monkeypatch, asked, remembered, accepted, expected
):
    kept = []
    monkeypatch.setattr(i18n, "cookie", lambda _: remembered)
    monkeypatch.setattr(i18n, "set_cookie", lambda response, name, value: kept.append((name, value)))
    web = Flask(__name__)
    web.add_url_rule("/", view_func=i18n.language)
    answer = web.test_client().get(f"/{asked}", headers={"Accept-Language": accepted})
    assert answer.text == expected
    assert kept == ([("language", expected)] if asked == "?taal=en" else [])
