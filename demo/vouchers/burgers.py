"""The citizens' side: the balance of whoever is represented, and forms to order vouchers."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from demo.vouchers import words
from demo.vouchers.client import RefusedError
from demo.vouchers.web import Page, SideWeb, principal_of_form, refuse_other_principal, whole_number

NOT_A_COUNT = "Er is niets besteld. Vul bij aantal een geheel getal in van 1 tot 500."


def add_pages(web: SideWeb) -> None:
    """Add `/burgers/overzicht`, `/burgers/bestellen` and `/burgers/dossier`."""

    def order() -> Response | Page:
        body = {"principal": principal_of_form(), "count": whole_number("aantal")}
        answer = web.call("POST", "/orders", body)
        if answer.status == 409:
            return refuse_other_principal(web, "Er is niets besteld")
        if answer.status == 400:
            return _overview(web, NOT_A_COUNT, 400)
        return _ordered(web, answer.body.get("ordered"), "")

    web.blueprint.add_url_rule("/overzicht", "overview", lambda: _overview(web))
    web.blueprint.add_url_rule("/bestellen", "order", order, methods=["POST"])
    web.blueprint.add_url_rule("/dossier", "order_for", lambda: _order_for(web), methods=["POST"])


def _order_for(web: SideWeb) -> Response | Page:
    """Order for a principal who is absent: a token is exchanged for this one order.

    The form names the mandate itself, so that no other tab can change for whom it is.
    """
    reference = request.form.get("dossier", "")
    name = web.session().dossiers.get(reference)
    if name is None:
        return web.message("Er is niets besteld", words.UNKNOWN_DOSSIER, 400)
    try:
        answer = web.call_under(reference, "vouchers:order", "/orders", {"count": whole_number("aantal")})
    except RefusedError as error:
        return web.message("Er is niets besteld", words.refused_dossier(name, error.reason), 403)
    if answer.status == 400:
        return web.message("Er is niets besteld", NOT_A_COUNT, 400)
    return _ordered(web, answer.body.get("ordered"), f" voor {name}")


def _overview(web: SideWeb, error: str = "", status: int = 200) -> Page:
    balance = web.call("GET", "/vouchers").body.get("count")
    return web.page("burgers.html", status, balance=balance, error=error)


def _ordered(web: SideWeb, ordered: object, for_whom: str) -> Response:
    what = "Er is 1 dienstencheque" if ordered == 1 else f"Er zijn {ordered} dienstencheques"
    web.session().notice = f"{what} besteld{for_whom}."
    return redirect(url_for("burgers.overview"), 303)
