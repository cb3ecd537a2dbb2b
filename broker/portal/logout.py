"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), asked for by a voucher service."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import now, services, session
from broker.flows import logout, revocation
from broker.flows.logout import LogoutRequest
from broker.portal.page import check_form, render, render_signed_out

blueprint = Blueprint("logout", __name__)
SAID = ("client_id", "post_logout_redirect_uri", "state")


@blueprint.get("/logout")
def end_session() -> BaseResponse:
    """End the session that a verified hint names, or ask the person (section 2)."""
    kept = request.args.get("vervolg")
    asked = logout.handed_over(services(), kept) if kept else _asked(request.args)
    return _ended(asked) if asked.names(session()) else render("sign_out.html", asked=_said(asked))


@blueprint.post("/logout")
def end_session_by_form() -> BaseResponse:
    """The person's own answer; or a service's form, which is read again as a navigation.

    Our cookies are `SameSite=Lax`, so a form of another site comes without them: only the
    navigation after it shows whose browser this is. The hint does not go into that address.
    """
    asked = _asked(request.form)
    if "token" in request.form:
        check_form("logout")
        return _ended(asked)
    query = {"vervolg": logout.hand_over(services(), asked)} if asked.sid else _said(asked)
    return redirect(url_for("logout.end_session", **query), 303)


def _asked(sent: MultiDict[str, str]) -> LogoutRequest:
    said = {name: sent.get(name, "") for name in SAID}
    return logout.understood(services(), **said, unverified_hint=sent.get("id_token_hint", ""), now=now())


def _said(asked: LogoutRequest) -> dict[str, str]:
    return {name: getattr(asked, name) for name in SAID}


def _ended(asked: LogoutRequest) -> BaseResponse:
    person = session()
    if person is not None:
        revocation.end_session(services(), person.id, "signed out", now())
    return render_signed_out(_onward(asked))


def _onward(asked: LogoutRequest) -> str:
    target = logout.return_address(services(), asked)
    if target is None:
        return services().settings.issuer + "/"
    separator = "&" if "?" in target else "?"
    return target + (separator + urlencode({"state": asked.state}) if asked.state else "")
