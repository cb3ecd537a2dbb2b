"""`/brief`: what the code of a letter does for somebody who has no card to sign in with.

She refuses, pauses or ends, and reads one sentence, the same whatever happened: whoever finds
a letter on the doormat learns nothing from it (mandates.md section 6).
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import now, services
from broker.errors import TooManyTriesError, answer_to
from broker.flows import activation
from broker.portal.page import render
from mandates.endings import CodeAct

blueprint = Blueprint("letter", __name__)
ACTS = ("refuse", "suspend", "end")


@blueprint.get("/brief")
def form() -> BaseResponse:
    """The form: a code and three choices. It needs no session."""
    return render("letter.html", acts=ACTS)


@blueprint.post("/brief")
def act() -> BaseResponse:
    """Do it, if the code can.

    The form carries no token of a browser: the code is all that it takes, and whoever knows the
    code needs nobody else's browser to send it.
    """
    chosen = request.form.get("act", "")
    if chosen not in ACTS:
        return render("letter.html", 400, acts=ACTS, faults={"act": True})
    typed, address = request.form.get("code", ""), request.remote_addr or ""
    try:
        activation.act_without_login(services(), typed, cast("CodeAct", chosen), address, now())
    except TooManyTriesError as error:
        answer = answer_to(error)
        refused = render("message.html", answer.status, text=answer.text, code=error.code)
        refused.headers["Retry-After"] = str(error.retry_after)
        return refused
    return redirect(url_for("letter.done"), 303)


@blueprint.get("/brief/verwerkt")
def done() -> BaseResponse:
    """The one sentence."""
    return render("letter_done.html")
