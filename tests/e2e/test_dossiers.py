"""An officer signed in as herself orders for beneficiaries who are absent: token exchange, as people see it."""

import pytest

from http_browser import Browser


@pytest.fixture(scope="module")
def bram(village):
    """At the citizens' side: he acted for Jos and for An, and is himself again."""
    browser = Browser()
    page = browser.open(f"{village.vouchers}/burgers/")
    browser.submit(page.form("aanmelden"))
    page = browser.sign_in("bram")
    browser.submit(page.form("keuze"), press="Jos Maes")
    for choice in ("An Peeters", "Voor mezelf"):
        page = browser.submit(browser.page.form("wisselen"))
        page = browser.submit(page.form("keuze"), press=choice)
    assert page.by_id("handelend") == "Bram Claes handelt voor zichzelf"
    return browser


def dossier(page, name):
    """The form that orders for this person."""
    return next(one for one in page.forms if any(name in text for _, _, text in one.buttons))


def overview(village, browser):
    return browser.open(f"{village.vouchers}/burgers/overzicht")


def test_the_officer_orders_for_jos_without_switching(village, bram):
    page = overview(village, bram)
    assert page.by_id("saldo") == "0"
    page = bram.submit(dossier(page, "Jos Maes"), aantal="3")
    assert page.by_id("gelukt") == "Er zijn 3 dienstencheques besteld voor Jos Maes."
    assert page.by_id("handelend") == "Bram Claes handelt voor zichzelf"
    assert page.by_id("saldo") == "0", "the cheques are Jos's, not Bram's"
    page = bram.submit(page.form("wisselen"))
    page = bram.submit(page.form("keuze"), press="Jos Maes")
    assert page.by_id("saldo") == "3"
    page = bram.submit(page.form("wisselen"))
    bram.submit(page.form("keuze"), press="Voor mezelf")


def test_a_count_that_is_none_orders_nothing(village, bram):
    page = bram.submit(dossier(overview(village, bram), "Jos Maes"), aantal="veel")
    assert (page.status, "Er is niets besteld" in page.by_id("fout")) == (400, True)


def test_a_reference_that_this_person_did_not_act_under_here_is_not_tried(village, bram):
    form = dossier(overview(village, bram), "Jos Maes")
    page = bram.submit(form, dossier="m-AAAAAAAAAAAAAAAAAAAAAA", aantal="3")
    assert page.status == 400
    assert "dossier" in page.by_id("fout")


def test_when_an_ends_her_mandate_nothing_more_is_ordered_for_her(village, bram):
    form = dossier(overview(village, bram), "An Peeters")
    page_before = bram.page
    an = Browser()
    page = an.open(village.portal)
    an.open(village.broker + next(href for href, _ in page.links if "/login" in href))
    page = an.sign_in("an")
    an.submit(page.form(action="/einde"))
    page = bram.submit(form, on=page_before, aantal="3")
    assert page.status == 403
    assert page.by_id("fout").startswith("Uw volmacht voor An Peeters is beëindigd door An Peeters.")
    assert "Er is niets besteld" in page.by_id("fout")
    page = bram.submit(dossier(overview(village, bram), "Jos Maes"), aantal="1")
    assert page.by_id("gelukt") == "Er is 1 dienstencheque besteld voor Jos Maes."
