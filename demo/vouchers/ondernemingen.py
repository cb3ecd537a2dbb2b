"""The companies' side: performances of the represented company, and what it is paid."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from demo.vouchers.web import Page, SideWeb, principal_of_form, refuse_other_principal, whole_number


def add_pages(web: SideWeb) -> None:
    """Add `/ondernemingen/overzicht`, `/ondernemingen/prestaties` and `/ondernemingen/facturen`."""

    def submit() -> Response | Page:
        body = {
            "principal": principal_of_form(),
            "date": request.form.get("datum", "").strip(),
            "hours": whole_number("uren"),
        }
        answer = web.call("POST", "/performances", body)
        if answer.status == 409:
            return refuse_other_principal(web, "Er is niets ingediend")
        if answer.status == 400:
            fault = "Er is niets ingediend. Vul een datum in, en een geheel aantal uren van 1 tot 24."
            return _overview(web, fault, 400)
        web.session().notice = "De prestatie is ingediend."
        return redirect(url_for("ondernemingen.overview"), 303)

    def invoices() -> Page:
        return web.page("facturen.html", invoices=web.call("GET", "/invoices").body.get("invoices"))

    web.blueprint.add_url_rule("/overzicht", "overview", lambda: _overview(web))
    web.blueprint.add_url_rule("/prestaties", "submit", submit, methods=["POST"])
    web.blueprint.add_url_rule("/facturen", "invoices", invoices)


def _overview(web: SideWeb, error: str = "", status: int = 200) -> Page:
    performances = None
    # Asked even without any power, so that an ended sign-in is noticed here and not at the form.
    if _may(web, "performances:read") or not _may(web, "performances:submit"):
        performances = web.call("GET", "/performances").body.get("performances")
    return web.page(
        "ondernemingen.html",
        status,
        performances=performances,
        error=error,
        may_submit=_may(web, "performances:submit"),
        may_see_invoices=_may(web, "invoices:read"),
    )


def _may(web: SideWeb, power: str) -> bool:
    """Whether to show it. The API judges; this only keeps pages free of dead ends."""
    sign_in = web.session().sign_in
    return sign_in is not None and power in sign_in.powers
