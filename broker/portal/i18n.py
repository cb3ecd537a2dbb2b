"""Message catalogues: Dutch is the text in the templates, French and English are `.po` files.

A message that a catalogue lacks is shown in Dutch; a test sees to it that none lacks.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import g, request

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
        asked = request.args.get("taal") or request.cookies.get("volmacht_taal")
        g.language = (
            asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
        )
    return cast("str", g.language)


def translate(message: str) -> str:
    """`message` (Dutch) in the language of this request."""
    return catalogue(language()).gettext(message) if message else message
