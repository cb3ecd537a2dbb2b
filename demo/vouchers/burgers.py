"""The citizens' side: the balance of whoever is represented, and a form to order vouchers."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from demo.vouchers.web import Page, SideWeb, principal_of_form, refuse_other_principal, whole_number


def add_pages(web: SideWeb) -> None:
    """Add `/burgers/overzicht` and `/burgers/bestellen`."""

    def overview(error: str = "", status: int = 200) -> Page:
        balance = web.call("GET", "/vouchers").body.get("count")
        return web.page("burgers.html", status, balance=balance, error=error)

    def order() -> Response | Page:
        body = {"principal": principal_of_form(), "count": whole_number("aantal")}
        answer = web.call("POST", "/orders", body)
        if answer.status == 409:
            return refuse_other_principal(web, "Er is niets besteld")
        if answer.status == 400:
            return overview("Er is niets besteld. Vul bij aantal een geheel getal in van 1 tot 500.", 400)
        ordered = answer.body.get("ordered")
        web.session().notice = (
            f"Er {'is 1 dienstencheque' if ordered == 1 else f'zijn {ordered} dienstencheques'} besteld."
        )
        return redirect(url_for("burgers.overview"), 303)

    web.blueprint.add_url_rule("/overzicht", "overview", overview)
    web.blueprint.add_url_rule("/bestellen", "order", order, methods=["POST"])
