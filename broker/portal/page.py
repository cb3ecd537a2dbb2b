"""What all pages share: who is signed in, the form token, rendering, words for codes."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import Response, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import browser, drop_cookie, keep_browser, now, services, session
from broker.errors import FormExpiredError
from broker.portal.i18n import language, translator
from broker.records import Session
from mandates.model import Party

View = Callable[..., BaseResponse]
NOBODY: Mapping[str, Party] = MappingProxyType({})


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


def render(
    template: str, status: int = 200, *, known: Mapping[str, Party] = NOBODY, **values: Any
) -> Response:
    """A page, never cached, with the language and the signed-in person at hand.

    `known` are parties that the view has read already.
    """
    person, spoken = session(), language()
    people = _people(person, known)
    through = people.get(person.organisation) if person and person.organisation else None
    text = render_template(
        template,
        _=translator(spoken),
        language=spoken,
        person=people.get(person.party) if person else None,
        through=through,
        kinds=through.kinds_at(now()) if through else frozenset(),
        staff=person.staff if person else frozenset(),
        form_token=form_token,
        **values,
    )
    response = Response(text, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = spoken
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


def organisation_of(person: Session) -> Party | None:
    """The organisation that the person signed in for."""
    return _people(person).get(person.organisation) if person.organisation else None


def _people(person: Session | None, known: Mapping[str, Party] = NOBODY) -> Mapping[str, Party]:
    """Who is signed in, and the organisation for which, by id: one look for both, or none."""
    wanted = {person.party, person.organisation or person.party} if person else set()
    if wanted <= known.keys():
        return known
    with services().database.read() as uow:
        return uow.parties.get_many(wanted)


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


def power_labels() -> dict[str, str]:
    """Every power of the catalogue in the language of this request."""
    kinds, spoken = services().catalogue().types.values(), language()
    return {name: power.label[spoken] for kind in kinds for name, power in kind.powers.items()}
