"""The story that Volmacht must tell, over HTTP, step after step in one village."""

import time
import tomllib
from contextlib import ExitStack

import pytest

import servers
from http_browser import Browser
from village_process import ROOT, Village

KAREL = tomllib.loads((ROOT / "demo" / "village.toml").read_text())["people"]["karel"]
people: dict[str, Browser] = {}


@pytest.fixture(scope="module", params=["embedded", "postgresql and valkey, two workers"])
def village(request):
    """The whole story on both sets of stores: SQLite in one process, and as in production."""
    people.clear()
    with ExitStack() as stack:
        environ = {}
        if request.param != "embedded":
            server = stack.enter_context(servers.postgres())
            url = stack.enter_context(servers.postgres_database(server))
            redis = stack.enter_context(servers.valkey())
            environ = {"VOLMACHT_DATABASE_URL": url, "VOLMACHT_REDIS_URL": redis, "VOLMACHT_WORKERS": "2"}
        yield stack.enter_context(Village(**environ))


def at_vouchers(village, persona, principal, side="burgers"):
    """Sign in at the voucher service and choose on whose behalf; the browser is kept."""
    browser = people.setdefault(f"{persona}@{side}", Browser())
    page = browser.open(f"{village.vouchers}/{side}/")
    browser.submit(page.form("aanmelden"))
    page = browser.sign_in(persona)
    if principal:
        assert "Namens wie handelt u?" in page.text
        page = browser.submit(page.form("keuze"), press=principal)
    return browser, page


def at_portal(village, persona):
    browser = people.setdefault(f"{persona}@portal", Browser())
    page = browser.open(village.portal)
    if page.by_id("wie"):
        return browser, page
    link = next(href for href, _ in page.links if "/login" in href)
    browser.open(village.broker + link)
    return browser, browser.sign_in(persona)


def switch(browser, principal):
    page = browser.submit(browser.page.form("wisselen"))
    assert "Namens wie handelt u?" in page.text, page.text[:400]
    return browser.submit(page.form("keuze"), press=principal)


def test_1_bram_orders_for_an_who_is_absent(village):
    browser, page = at_vouchers(village, "bram", "An Peeters")
    assert page.by_id("handelend") == "Bram Claes handelt namens An Peeters via OCMW Voorbeeld"
    assert page.by_id("saldo") == "0"
    page = browser.submit(page.form("bestellen"), aantal="10")
    assert page.by_id("saldo") == "10"


def test_2_a_form_opened_for_an_orders_nothing_after_the_switch_to_jos(village):
    browser = people["bram@burgers"]
    old_page = browser.page
    page = switch(browser, "Jos Maes")
    assert page.by_id("handelend") == "Bram Claes handelt namens Jos Maes via OCMW Voorbeeld"
    page = browser.submit(old_page.form("bestellen"), on=old_page, aantal="7")
    assert page.status == 409
    assert "niets" in page.by_id("fout").lower()
    overview = browser.open(f"{village.vouchers}/burgers/overzicht")
    assert overview.by_id("saldo") == "0"


def test_3_karel_appears_once_a_second_officer_approved(village):
    bram, _ = at_portal(village, "bram")
    page = bram.open(f"{village.portal}begunstigden/nieuw")
    page = bram.submit(
        page.form("begunstigde"),
        name="Karel Willems",
        insz=KAREL["insz"],
        evidence="Formulier in het dossier",
    )
    assert "Karel Willems" in page.text
    assert "Goedkeuren" not in page.text
    assert KAREL["insz"] not in page.text
    page = bram.open(village.portal)
    assert "Karel" not in page.by_id("vertegenwoordigt")

    iris, _ = at_portal(village, "iris")
    assert "Karel Willems" in iris.open(f"{village.portal}toezicht").by_id("wachtrij")

    bea, _ = at_portal(village, "bea")
    page = bea.open(f"{village.portal}aanvragen")
    page = bea.submit(page.form(action="/goedkeuren"))
    assert "Karel" not in page.text
    chooser = people["bram@burgers"]
    page = chooser.open(f"{village.vouchers}/burgers/overzicht")
    page = switch(chooser, "Karel Willems")
    assert page.by_id("handelend") == "Bram Claes handelt namens Karel Willems via OCMW Voorbeeld"


def test_4_an_ends_it_and_bram_is_refused_within_fifteen_seconds(village):
    bram = people["bram@burgers"]
    page = switch(bram, "An Peeters")
    assert page.by_id("saldo") == "10"
    an, page = at_portal(village, "an")
    assert "OCMW Voorbeeld" in page.text
    page = an.submit(page.form(action="/einde"))
    ended = time.monotonic()
    assert "stopgezet door de gever" in page.text
    while True:
        page = bram.open(f"{village.vouchers}/burgers/overzicht")
        if page.by_id("fout"):
            break
        assert time.monotonic() - ended < 15, "the revocation did not reach the service"
        time.sleep(0.5)
    assert "beëindigd" in page.by_id("fout")
    # Nothing else of his is touched: no new login, and Jos is still his to act for.
    page = bram.open(f"{village.vouchers}/burgers/")
    page = bram.submit(page.form("aanmelden"))
    assert "An Peeters" not in page.text
    page = bram.submit(page.form("keuze"), press="Jos Maes")
    page = bram.submit(page.form("bestellen"), aantal="3")
    assert page.by_id("saldo") == "3"


def test_5_dina_submits_for_the_company_until_cem_withdraws(village):
    cem, _ = at_portal(village, "cem")
    page = cem.open(f"{village.portal}medewerkers")
    dina_number = tomllib.loads((ROOT / "demo" / "village.toml").read_text())["people"]["dina"]["insz"]
    page = cem.submit(
        page.form("medewerker"), name="Dina Haddad", insz=dina_number, powers=["performances:submit"]
    )
    assert page.status == 200
    assert "Dina Haddad" in page.text

    dina, page = at_vouchers(village, "dina", "Poetsbedrijf", side="ondernemingen")
    assert page.by_id("handelend") == "Dina Haddad handelt namens Poetsbedrijf Voorbeeld BV"
    page = dina.submit(page.form("prestatie"), datum="2026-11-20", uren="4")
    assert page.status == 200
    assert not page.by_id("fout")
    page = dina.open(f"{village.vouchers}/ondernemingen/facturen")
    assert page.status == 403
    assert page.by_id("fout")

    page = cem.open(village.portal)
    cem.submit(page.form(action="/afmelden"))
    page = dina.open(f"{village.vouchers}/ondernemingen/overzicht")
    page = dina.submit(page.form("prestatie"), datum="2026-11-21", uren="5")
    assert not page.by_id("fout"), "her grant must outlive the session of who gave it"

    people.pop("cem@portal")
    cem, _ = at_portal(village, "cem")
    page = cem.open(f"{village.portal}medewerkers")
    cem.submit(page.form(action="/einde"), grounds="uit dienst")
    ended = time.monotonic()
    while True:
        page = dina.open(f"{village.vouchers}/ondernemingen/overzicht")
        if "prestatie" not in [form.attributes.get("id") for form in page.forms]:
            break
        page = dina.submit(page.form("prestatie"), datum="2026-11-22", uren="6")
        if page.by_id("fout"):
            break
        assert time.monotonic() - ended < 15, "the withdrawal did not reach the service"
        time.sleep(0.5)
    assert page.by_id("fout")


def test_6_iris_sees_the_journal_of_what_happened(village):
    iris, _ = at_portal(village, "iris")
    journal = iris.open(f"{village.portal}toezicht").by_id("logboek")
    for line in (
        "Volmacht gevraagd",
        "Volmacht goedgekeurd",
        "Volmacht stopgezet door de gever",
        "Volmacht ingetrokken",
        "Gebruikt bij een dienst",
    ):
        assert line in journal
    assert "Bram Claes" in journal


@pytest.mark.parametrize("persona", ["bram", "cem", "an"])
def test_only_reviewers_see_the_review_page(village, persona):
    browser, _ = at_portal(village, persona)
    assert browser.open(f"{village.portal}toezicht").status == 404


def test_the_journal_of_the_whole_story_verifies(village):
    verdict = village.volmacht("journal", "verify")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert "agree" in verdict.stdout


def test_no_number_code_or_token_reached_a_log(village):
    log = village.log.read_text()
    numbers = [
        person["insz"]
        for person in tomllib.loads((ROOT / "demo" / "village.toml").read_text())["people"].values()
    ]
    assert not [number for number in numbers if number in log]
    assert "code=" not in log
    assert "eyJ" not in log
