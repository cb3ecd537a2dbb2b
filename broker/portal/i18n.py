"""Message catalogues: Dutch is the text in the templates, French and English are `.po` files.

A message that a catalogue lacks is shown in Dutch; a test sees to it that none lacks.
Sentences are whole messages with named places, never glued from pieces: word order differs.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Response, after_this_request, g, request
from markupsafe import escape

from broker.endpoints.context import cookie, set_cookie

LANGUAGES = ("nl", "fr", "en")
FOLDER = Path(__file__).parent / "translations"


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The compiled catalogue of a language, read once."""
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (FOLDER / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language() -> str:
    """The language of this request: asked, remembered, or the browser's; else Dutch."""
    if "language" not in g:
        asked = request.args.get("taal")
        if asked in LANGUAGES:
            _remember(asked)
        else:
            asked = cookie("language")
        g.language = (
            asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
        )
    return cast("str", g.language)


@cache
def translator(language: str) -> Callable[..., str]:
    """What puts messages into this language; a page asks for it once and uses it for every line."""
    texts = catalogue(language)

    def translate(message: str, **values: object) -> str:
        text = texts.gettext(message) if message else message
        return escape(text) % values if values else text

    return translate


def translate(message: str, **values: object) -> str:
    """`message` (Dutch) in the language of this request, its named places filled with `values`.

    A filled message is HTML in which every value is escaped, as names are what somebody
    typed (threats: stored cross-site scripting); a value that is markup already, such as
    a name that a template set in bold, stays so.
    """
    return translator(language())(message, **values)


def _remember(asked: str) -> None:
    """Keep the language for this browser's session; the next page need not ask."""

    @after_this_request
    def keep(response: Response) -> Response:
        set_cookie(response, "language", asked)
        return response
