"""The portal: what citizens, officers, administrators and reviewers see of their mandates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker import days
from broker.endpoints.context import now, services
from broker.errors import FlowError, NotFoundHereError, answer_to
from broker.flows import consents, lists, mandates, revocation, seen
from broker.flows.mandates import Asked
from broker.flows.naming import MY_ORGANISATION, Named
from broker.portal.forms import FormError, last_day_of, load_grounds, load_mandate_form
from broker.portal.page import (
    check_form,
    organisation_of,
    power_labels,
    render,
    render_signed_out,
    signed_in,
)
from broker.records import Session, Wanted
from mandates.errors import MandateError
from mandates.mandate_type import MandateType
from mandates.model import PartyKind

blueprint = Blueprint("portal", __name__)
OFFICER, EMPLOYEE = "ocmw-beneficiary", "company-employee"
ACTS = "mandate"
CONSENTS = "consent"
LINES = 100
"""Names on one page of a list."""


@blueprint.get("/")
def front() -> BaseResponse:
    """The front door leads to the portal."""
    return redirect(url_for("portal.home"), 303)


@blueprint.get("/portal/aanmelden")
def sign_in() -> BaseResponse:
    """A page that says what will happen, with one button."""
    return render("sign_in.html", back=request.args.get("terug", ""))


@blueprint.get("/portal/")
@signed_in
def home(person: Session) -> BaseResponse:
    """Whom may I represent, and who can act for me."""
    wanted = Wanted(name=request.args.get("naam", ""))
    may = lists.reach(services(), person, wanted, request.args.get("vanaf"), LINES, now())
    given = seen.who_can_act_for(services(), person, now())
    return render("home.html", may=may, given=given, types=services().catalogue().types, **_words())


@blueprint.get("/portal/volmachten/<mandate>")
@signed_in
def mandate_page(person: Session, mandate: str) -> BaseResponse:
    """One mandate with its life, for those who have a part in it."""
    row = seen.find(services(), person, mandate, now())
    journal, parties = seen.journal_of(services(), 50, mandate)
    # Names as this viewer may read them, in the journal too.
    parties |= {row.principal.id: row.principal, row.representative.id: row.representative}
    return render("mandate.html", row=row, journal=journal, parties=parties, **_words())


@blueprint.post("/portal/volmachten/<mandate>/einde")
@signed_in
def end_mandate(person: Session, mandate: str) -> BaseResponse:
    """End a mandate; whoever acted under it is stopped within seconds."""
    check_form(ACTS)
    mandates.end(services(), person, mandate, now(), grounds=load_grounds(request.form, services().numbers))
    return redirect(own_return("portal.home"), 303)


@blueprint.get("/portal/aanvragen")
@signed_in
def waiting(person: Session) -> BaseResponse:
    """Requests that wait, with what this person may do about them."""
    return render("waiting.html", rows=seen.waiting_for(services(), person, now()), **_words())


@blueprint.post("/portal/aanvragen/<mandate>/goedkeuren")
@signed_in
def approve(person: Session, mandate: str) -> BaseResponse:
    """Approve a request of somebody else."""
    check_form(ACTS)
    mandates.approve(services(), person, mandate, now())
    return redirect(url_for("portal.waiting"), 303)


@blueprint.post("/portal/aanvragen/<mandate>/weigeren")
@signed_in
def refuse(person: Session, mandate: str) -> BaseResponse:
    """Refuse a request, with grounds."""
    check_form(ACTS)
    mandates.refuse(
        services(), person, mandate, now(), grounds=load_grounds(request.form, services().numbers)
    )
    return redirect(url_for("portal.waiting"), 303)


@blueprint.route("/portal/begunstigden/nieuw", methods=["GET", "POST"])
@signed_in
def new_beneficiary(person: Session) -> BaseResponse:
    """The online form of the second phase: the OCMW now also manages this person."""
    return _mandate_form(person, OFFICER, "beneficiary.html", "portal.waiting")


@blueprint.route("/portal/medewerkers", methods=["GET", "POST"])
@signed_in
def staff(person: Session) -> BaseResponse:
    """Who may do what for the company, and the form to give a clerk access."""
    rows = seen.of_organisation(services(), person, now())
    return _mandate_form(person, EMPLOYEE, "staff.html", "portal.staff", rows=rows)


@blueprint.get("/portal/toezicht")
@signed_in
def review(person: Session) -> BaseResponse:
    """For reviewers at the voucher issuer: what waits, and what happened."""
    if "reviewer" not in person.staff:
        raise NotFoundHereError
    rows = seen.waiting_for(services(), person, now())
    journal, parties = seen.journal_of(services(), 100)
    return render("review.html", rows=rows, journal=journal, parties=parties, **_words())


@blueprint.get("/portal/diensten")
@signed_in
def my_services(person: Session) -> BaseResponse:
    """The services that this person let in, since when and for what."""
    agreed = consents.services_of(services(), person)
    return render("services.html", agreed=agreed, labels=power_labels(), **_words())


@blueprint.post("/portal/diensten/<client>/intrekken")
@signed_in
def withdraw_consent(person: Session, client: str) -> BaseResponse:
    """Take back what was agreed for one service; whatever it had open stops within seconds."""
    check_form(CONSENTS)
    consents.withdraw(services(), person, client, now())
    return redirect(url_for("portal.my_services"), 303)


@blueprint.post("/portal/afmelden")
@signed_in
def sign_out(person: Session) -> BaseResponse:
    """End our own session and what lives in it first; then ACM's, by a browser navigation."""
    check_form("sign_out")
    return leave(person)


def leave(person: Session | None) -> BaseResponse:
    """End the session of this browser and go where ACM ends its own."""
    if person is not None:
        revocation.end_session(services(), person.id, "signed out", now())
    back = services().settings.issuer + url_for("portal.front")
    try:
        address = services().upstream.logout_url(back, "")
    except FlowError:
        address = None
    return render_signed_out(address or back)


def own_return(endpoint: str) -> str:
    """Back to the page that the form stood on, if that is one of ours."""
    return url_for(endpoint if request.form.get("from") != "staff" else "portal.staff")


def _mandate_form(person: Session, kind: str, template: str, done: str, **values: Any) -> BaseResponse:
    organisation = organisation_of(person)
    wanted = services().catalogue().type(kind)
    kinds = wanted.representative_org_kinds | wanted.principal_org_kinds
    if organisation is None or not kinds & organisation.kinds_at(now()):
        raise NotFoundHereError
    faults: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        check_form(ACTS)
        try:
            mandates.ask(services(), person, _asked(wanted), now())
            return redirect(url_for(done), 303)
        except FormError as error:
            faults, status = error.faults, 400
        except (FlowError, MandateError) as error:
            faults, status = {_field_of(error): answer_to(error).text}, answer_to(error).status
    return render(
        template,
        status,
        kind=wanted,
        organisation=organisation,
        faults=faults,
        typed=request.form,
        **values,
        **_words(),
    )


def _asked(kind: MandateType) -> Asked:
    """The form as a request: the person who was typed on one side, our organisation on the other."""
    loaded = load_mandate_form(request.form)
    until = last_day_of(loaded)
    person = Named(insz=loaded["insz"], name=loaded["name"])
    gives = kind.principal_kind is PartyKind.PERSON
    return Asked(
        type=kind.key,
        principal=person if gives else MY_ORGANISATION,
        representative=MY_ORGANISATION if gives else person,
        powers=tuple(loaded["powers"]),
        valid_from=now(),
        valid_until=days.after_last_instant(until) if until else None,
        evidence=loaded["evidence"],
    )


FIELDS = {
    "invalid_number": "insz",
    "invalid_powers": "powers",
    "invalid_period": "until",
    "evidence_required": "evidence",
}


def _field_of(error: Exception) -> str:
    """The field that an engine's refusal is about, so that the page can point at it."""
    return FIELDS.get(getattr(error, "code", ""), "form")


def _words() -> dict[str, Any]:
    return {"moment": days.moment, "last_day": days.last_day}
