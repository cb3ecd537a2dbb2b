"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), asked for by a voucher service."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import now, services, session
from broker.flows import revocation
from broker.portal.page import check_form, render, render_signed_out

blueprint = Blueprint("logout", __name__)


@blueprint.route("/logout", methods=["GET", "POST"])
def end_session() -> BaseResponse:
    """Ask the person, then end the session; go back only to an address that the client registered.

    Without a verified hint anybody could have sent this browser here, so the person
    is always asked (section 2; threats: class 14).
    """
    asked = {
        name: request.values.get(name, "") for name in ("client_id", "post_logout_redirect_uri", "state")
    }
    if request.method == "GET" or "token" not in request.form:
        return render("sign_out.html", asked=asked)
    check_form("logout")
    person = session()
    if person is not None:
        revocation.end_session(services(), person.id, "signed out", now())
    return render_signed_out(_return_address(asked))


def _return_address(asked: dict[str, str]) -> str:
    with services().database.read() as uow:
        client = uow.registry.find_client(asked["client_id"])
    target = asked["post_logout_redirect_uri"]
    if client is None or target not in client.post_logout_redirect_uris:
        return services().settings.issuer + "/"
    separator = "&" if "?" in target else "?"
    return target + (separator + urlencode({"state": asked["state"]}) if asked["state"] else "")
