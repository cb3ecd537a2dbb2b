"""The citizens' story in a real browser. The last test ends the mandate that the first one uses."""

import os
import re

import pytest
from playwright.sync_api import expect

from village_process import ROOT

pytestmark = pytest.mark.browser


def test_bram_orders_for_an_and_switches_to_jos_and_the_old_tab_orders_nothing(enter):
    bram = enter("bram")
    bram.sign_in_at_service("burgers", "An Peeters")
    bram.sees_acting("Bram Claes handelt namens An Peeters via OCMW Voorbeeld")
    bram.order(10)
    expect(bram.page.locator("#gelukt")).to_contain_text("10")
    assert bram.balance() == "10"

    for_an = bram.page
    bram.open_tab()
    bram.page.goto(f"{bram.village.vouchers}/burgers/overzicht")
    bram.switch_to("Jos Maes")
    bram.sees_acting("Bram Claes handelt namens Jos Maes via OCMW Voorbeeld")

    for_jos, bram.page = bram.page, for_an
    bram.sees_acting("Bram Claes handelt namens An Peeters via OCMW Voorbeeld")
    with for_an.expect_response(re.compile("/bestellen$")) as sent:
        bram.order(7)
    assert sent.value.status == 409
    expect(for_an.get_by_role("heading", level=1)).to_contain_text("Er is niets besteld")
    expect(for_an.locator("#fout")).to_contain_text("gemaakt voor een andere persoon")
    bram.page = for_jos
    assert bram.balance() == "0"
    bram.switch_to("An Peeters")
    assert bram.balance() == "10"


def test_karel_is_in_the_chooser_only_after_bea_approved_what_bram_asked(enter, numbers):
    bram, iris, bea = enter("bram"), enter("iris"), enter("bea")
    bram.sign_in_at_portal()
    ask_for_karel(bram, numbers["karel"])
    card = bram.page.locator("[data-mandate]", has_text="Karel Willems")
    expect(card).to_contain_text("wacht op goedkeuring")
    expect(card.get_by_role("button", name="Goedkeuren")).to_have_count(0)
    expect(bram.page.locator("body")).not_to_contain_text(numbers["karel"])
    bram.page.goto(bram.village.portal)
    expect(bram.page.locator("#vertegenwoordigt")).to_contain_text("Jos Maes")
    expect(bram.page.locator("#vertegenwoordigt")).not_to_contain_text("Karel")

    iris.sign_in_at_portal()
    iris.go("Toezicht")
    expect(iris.page.locator("#wachtrij")).to_contain_text("Karel Willems")

    bea.sign_in_at_portal()
    bea.go("Aanvragen")
    bea.page.locator("[data-mandate]", has_text="Karel Willems").get_by_role(
        "button", name="Goedkeuren"
    ).click()
    expect(bea.page.locator("body")).not_to_contain_text("Karel Willems")

    bram.sign_in_at_service_again("burgers", "Karel Willems")
    bram.sees_acting("Bram Claes handelt namens Karel Willems via OCMW Voorbeeld")

    iris.page.reload()
    expect(iris.page.locator("#wachtrij")).not_to_contain_text("Karel Willems")
    approved = iris.page.locator("#logboek tr[data-type='mandate.approved']", has_text="Karel Willems")
    expect(approved).to_contain_text("Bea Martens")
    requested = iris.page.locator("#logboek tr[data-type='mandate.requested']", has_text="Karel Willems")
    expect(requested).to_contain_text("Bram Claes")


def ask_for_karel(officer, number):
    """The online form: first with a mistake, to meet what says so, then well."""
    officer.go("Begunstigde toevoegen")
    form = officer.page.locator("#begunstigde")
    officer.page.get_by_label("Naam").fill("Karel Willems")
    officer.page.get_by_label("Rijksregisternummer").fill(number[:-1] + str((int(number[-1]) + 1) % 10))
    officer.page.get_by_label("Waarop steunt").fill("Ondertekend formulier, dossier 2026/0200")
    form.get_by_role("button", name="Volmacht aanvragen").click()
    officer.page.locator("#fout a").click()
    field = officer.page.get_by_label("Rijksregisternummer")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("Dit nummer klopt niet"))
    expect(officer.page).to_have_title(re.compile("^Fout: "))
    field.fill(number)
    form.get_by_role("button", name="Volmacht aanvragen").click()
    expect(officer.page.get_by_role("heading", level=1)).to_have_text("Aanvragen")


def test_the_chooser_says_who_you_are_and_looks_as_in_the_readme(enter):
    bram = enter("bram")
    bram.page.goto(f"{bram.village.vouchers}/burgers/")
    bram.page.locator("#aanmelden button").click()
    bram.say_who()
    expect(bram.page.locator("#wie")).to_have_text("U bent Bram Claes, via OCMW Voorbeeld")
    expect(bram.page.locator("#keuze button[name=choice]").first).to_contain_text("Voor mezelf")
    if os.environ.get("VOLMACHT_SCREENSHOT") == "1":
        bram.page.screenshot(path=ROOT / "docs" / "images" / "portal.png")


def test_signing_out_at_the_service_leads_back_to_it_and_ends_the_session_everywhere(enter):
    bram = enter("bram")
    bram.sign_in_at_service("burgers", "Jos Maes")
    bram.page.locator("#afmelden button").click()
    bram.page.get_by_role("button", name="Afmelden").last.click()
    bram.page.wait_for_url(f"{bram.village.vouchers}/burgers/")
    bram.page.goto(bram.village.portal)
    expect(bram.page.get_by_text("U bent niet aangemeld.")).to_be_visible()


def test_an_ends_it_and_bram_is_refused_for_her_but_still_orders_for_jos(enter):
    for_an, for_jos, an = enter("bram"), enter("bram"), enter("an")
    for_an.sign_in_at_service("burgers", "An Peeters")
    for_jos.sign_in_at_service("burgers", "Jos Maes")
    before = int(for_jos.balance())
    for_an.balance()

    an.sign_in_at_portal()
    card = an.page.locator("[data-mandate]", has_text="OCMW Voorbeeld")
    an.end(card, "Volmacht stopzetten", grounds="Ik doe het weer zelf")
    expect(card).to_contain_text("stopgezet door de gever")
    expect(card.get_by_text("Volmacht stopzetten", exact=True)).to_have_count(0)

    overview = f"{for_an.village.vouchers}/burgers/overzicht"
    for_an.is_refused_within_reach(lambda: for_an.page.goto(overview))
    expect(for_an.page.locator("#fout")).to_contain_text(
        "Uw volmacht voor An Peeters is beëindigd door An Peeters"
    )

    for_jos.balance()
    for_jos.order(3)
    assert for_jos.balance() == str(before + 3)

    iris = enter("iris")
    iris.sign_in_at_portal()
    iris.go("Toezicht")
    ended = iris.page.locator("#logboek tr[data-type='mandate.revoked']")
    expect(ended).to_contain_text("Ik doe het weer zelf")
    expect(ended).to_contain_text("An Peeters")
