"""What all pages share: who is signed in, the form token, rendering, words for codes."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import browser, drop_cookie, keep_browser, now, services, session
from broker.errors import FormExpiredError
from broker.portal.i18n import language, translate
from broker.records import Session
from mandates.model import Party

View = Callable[..., BaseResponse]


def form_token(purpose: str) -> str:
    """A token that only this session (or this browser, before sign-in) can have for this purpose."""
    person = session()
    owner = person.id if person else browser()
    return services().vault.index(f"{purpose}:{owner}", "form")


def check_form(purpose: str) -> None:
    """Raise `FormExpiredError` unless the posted form carries its token."""
    given = request.form.get("token", "")
    if not hmac.compare_digest(given.encode(), form_token(purpose).encode()):
        raise FormExpiredError


def render(template: str, status: int = 200, **values: Any) -> Response:
    """A page, never cached, with the language and the signed-in person at hand."""
    person = session()
    through = organisation_of(person)
    text = render_template(
        template,
        _=translate,
        language=language(),
        person=party_of(person),
        through=through,
        kinds=through.kinds_at(now()) if through else frozenset(),
        staff=person.staff if person else frozenset(),
        form_token=form_token,
        **values,
    )
    response = Response(text, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language()
    return keep_browser(response)


def render_signed_out(onward: str) -> Response:
    """Say that the session is over and lead on to `onward`, an address that we chose.

    Not a redirect: browsers hold every hop after a form against the `form-action` of the
    page that it stood on (CSP Level 3 section 6.4.1), and would go nowhere.
    """
    g.session = None
    response = render("signed_out.html", onward=onward)
    drop_cookie(response, "session")
    return response


def party_of(person: Session | None) -> Party | None:
    """The party that is signed in."""
    if person is None:
        return None
    with services().database.read() as uow:
        return uow.parties.get(person.party)


def organisation_of(person: Session | None) -> Party | None:
    """The organisation that the person signed in for."""
    if person is None or person.organisation is None:
        return None
    with services().database.read() as uow:
        return uow.parties.get(person.organisation)


def signed_in(view: View) -> View:
    """Only for people who are signed in; others are asked to, and come back here."""

    @wraps(view)
    def guarded(**values: Any) -> BaseResponse:
        person = session()
        if person is None:
            return redirect(url_for("portal.sign_in", terug=request.path), 303)
        return view(person, **values)

    return guarded


def label(kind_labels: Any) -> str:
    """A label of the catalogue in the language of this request."""
    return str(kind_labels[language()])
