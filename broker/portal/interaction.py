"""From sign-in to the chooser and back to the service: one authorization request in one browser."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import browser, cookie, keep_browser, now, services, session, set_cookie
from broker.endpoints.headers import FORM_ACTION
from broker.errors import InteractionGoneError, LevelTooLowError, SessionEndedError
from broker.flows import authorize, choices, consents, sessions
from broker.flows.authorize import Interaction
from broker.oauth.authorization import code_location, error_location
from broker.portal.page import check_form, form_token, power_labels, render
from broker.records import Session
from mandates.model import Level

blueprint = Blueprint("interaction", __name__)


@blueprint.get("/login")
def login() -> BaseResponse:
    """Send a person to ACM, to come back to one of our own pages.

    Who is signed in goes straight there: a link from elsewhere must not be able to
    replace her session and end what stands on it (threats: class 14).
    """
    target = own_path(request.args.get("terug", ""))
    person = session()
    fresh = person is not None and not sessions.claims_are_old(person, now())
    return redirect(target, 303) if fresh else _to_upstream(target)


@blueprint.get("/login/acm/callback")
def callback() -> BaseResponse:
    """ACM's answer (OpenID Connect Core section 3.1.2.5)."""
    signed_in = sessions.finish(
        services(),
        browser=browser(),
        unverified_response=request.args.to_dict(),
        previous=cookie("session"),
        now=now(),
    )
    prefix = url_for("interaction.step", interaction="")
    if signed_in.return_to.startswith(prefix):
        # The session stands, also when the interaction waited too long: the next page says so.
        with suppress(InteractionGoneError):
            current = authorize.resume(services(), signed_in.return_to.removeprefix(prefix), browser())
            authorize.back(services(), current, signed_in)
    response = redirect(signed_in.return_to, 303)
    set_cookie(response, "session", signed_in.secret)
    return response


@blueprint.get("/interaction/<interaction>")
def step(interaction: str) -> BaseResponse:
    """The next step of a request: sign in, choose, or straight on."""
    current = authorize.resume(services(), interaction, browser())
    person = session()
    asked = current.request
    if person is not None and asked.wants_mandate and sessions.claims_are_old(person, now()):
        person = None  # ACM is asked again: what it said is too old to rest power on
    lacking = authorize.shortfall(current, person, now())
    if person is None or lacking is not None:
        return _signed_in_first(current, person, lacking or "login_required")
    current = authorize.attach(services(), current, person)
    with services().database.read() as uow:
        name, after = request.args.get("naam", ""), request.args.get("vanaf")
        offer = choices.offer(services(), uow, asked, person, now(), name=name, after=after)
        page = bool(name or after or offer.next) or (
            bool(offer.choices) and choices.needs_page(uow, asked, person, offer)
        )
    if not offer.choices and not page:
        return _nothing(current)
    if page or asked.prompts & {"consent", "select_account"}:
        silent = "none" in asked.prompts
        return _refused(current, "interaction_required") if silent else _chooser(current, offer)
    return _on_with(current, person, offer.choices[0].key)


@blueprint.post("/interaction/<interaction>")
def choose(interaction: str) -> BaseResponse:
    """The choice: bound to this interaction, this browser and this session, and judged again."""
    current = authorize.resume(services(), interaction, browser())
    person = session()
    if person is None:
        # Not on to ACM: browsers hold redirects after a form against `form-action`.
        raise SessionEndedError
    check_form(f"interaction:{interaction}")
    # Between page and button a login can have become too old for `max_age`.
    lacking = authorize.shortfall(current, person, now())
    if "refuse" in request.form or lacking is not None:
        authorize.refuse(services(), current)
        return _refused(current, lacking or "access_denied")
    return _on_with(current, person, request.form.get("choice", ""))


def own_path(target: str) -> str:
    """A path of ours, never another site's address (threats: class 33, open redirect)."""
    parts = urlsplit(target)
    fine = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return (
        target
        if fine and target.isprintable() and not parts.scheme and not parts.netloc
        else url_for("portal.home")
    )


def _signed_in_first(current: Interaction, person: Session | None, lacking: str) -> BaseResponse:
    """To ACM, with all that the request asks of a login; or back to the service with what it lacks.

    Who was sent to sign in afresh is not sent again: what still lacks then is not to be had.
    """
    asked = current.request
    if "none" in asked.prompts:
        return _refused(current, "login_required")
    if person is not None and current.forced and current.session == person.id:
        return _refused(current, lacking)
    force = person is not None or "login" in asked.prompts or asked.max_age is not None
    target = url_for("interaction.step", interaction=current.id)
    try:
        return _to_upstream(target, force=force, level=Level[asked.level], max_age=asked.max_age)
    except LevelTooLowError as error:
        return _refused(current, error.code)


def _to_upstream(return_to: str, **asked: Any) -> BaseResponse:
    """Send the browser to ACM; `asked` are those of `sessions.start`."""
    redirect_uri = services().settings.issuer + url_for("interaction.callback")
    url = sessions.start(
        services(), browser=browser(), return_to=return_to, redirect_uri=redirect_uri, **asked
    )
    response = redirect(url, 303)
    keep_browser(response)  # type: ignore[arg-type] -- a Flask redirect
    return response


def _on_with(current: Interaction, person: Session, key: str) -> BaseResponse:
    code = authorize.choose(services(), current, person, key, now())
    return redirect(code_location(services().settings.issuer, current.request, code), 303)


def _refused(current: Interaction, error: str) -> BaseResponse:
    asked = current.request
    return redirect(error_location(services().settings.issuer, asked.redirect_uri, error, asked.state), 303)


def _chooser(current: Interaction, offer: choices.Offer) -> BaseResponse:
    response = render(
        "chooser.html",
        labels=power_labels(),
        interaction=current.id,
        client=offer.client,
        audience=offer.audience,
        known=offer.parties,
        offered=offer.choices,
        told=consents.told(offer.client, {scope for one in offer.choices for scope in one.scopes}),
        next=offer.next,
        incomplete=offer.incomplete,
        types=services().catalogue().types,
        token=form_token(f"interaction:{current.id}"),
    )
    # Browsers hold redirects after a form against `form-action` too: name where this one may end.
    parts = urlsplit(current.request.redirect_uri)
    response.headers[FORM_ACTION] = f"{parts.scheme}://{parts.netloc}"
    return response


def _nothing(current: Interaction) -> BaseResponse:
    asked = current.request
    back = error_location(services().settings.issuer, asked.redirect_uri, "access_denied", asked.state)
    return render("nothing.html", 403, back=back)
