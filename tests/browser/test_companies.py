"""The companies' story in a real browser: an administrator gives, a clerk works, the administrator takes back."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_dina_who_may_do_nothing_reads_what_she_can_do_about_it(enter):
    dina = enter("dina")
    dina.page.goto(f"{dina.village.vouchers}/ondernemingen/")
    dina.page.locator("#aanmelden button").click()
    dina.say_who()
    expect(dina.page.get_by_role("heading", level=1)).to_have_text("U kunt hier namens niemand handelen")
    expect(dina.page.locator("#fout")).to_contain_text("om u een volmacht te geven")


def test_what_cem_gives_dina_outlives_his_session_and_ends_when_he_withdraws_it(enter, numbers):
    cem, dina = enter("cem"), enter("dina")
    cem.sign_in_at_portal()
    give_dina_a_year(cem, numbers["dina"])

    dina.sign_in_at_service("ondernemingen", "Poetsbedrijf Voorbeeld BV")
    dina.sees_acting("Dina Haddad handelt namens Poetsbedrijf Voorbeeld BV")
    dina.submit_performance("2026-11-20", 4)
    expect(dina.page.locator("#gelukt")).to_have_text("De prestatie is ingediend.")
    refused = dina.page.goto(f"{dina.village.vouchers}/ondernemingen/facturen")
    assert refused.status == 403
    expect(dina.page.locator("#fout")).to_contain_text("Dit mag u hier niet doen")

    cem.sign_out()
    dina.submit_performance("2026-11-21", 5)
    expect(dina.page.locator("#gelukt")).to_have_text("De prestatie is ingediend.")

    cem.sign_in_at_portal()
    cem.go("Medewerkers")
    card = cem.page.locator("[data-mandate]", has_text="Dina Haddad")
    cem.end(card, "Toegang intrekken", grounds="Uit dienst")
    expect(card).to_contain_text("ingetrokken")
    dina.is_refused_within_reach(lambda: dina.submit_performance("2026-11-22", 6))
    expect(dina.page.locator("#fout")).to_contain_text(
        "Uw volmacht voor Poetsbedrijf Voorbeeld BV is ingetrokken"
    )


def give_dina_a_year(manager, number):
    """One power, until the same day of next year."""
    manager.go("Medewerkers")
    expect(manager.page.locator("#wie")).to_have_text("U bent Cem Yilmaz, via Poetsbedrijf Voorbeeld BV")
    form = manager.page.locator("#medewerker")
    form.get_by_label("Naam").fill("Dina Haddad")
    form.get_by_label("Rijksregisternummer").fill(number)
    form.get_by_role("button", name="Toegang geven").click()
    expect(manager.page.locator("#fout")).to_contain_text("Kies minstens één bevoegdheid")
    form.get_by_label("Prestaties indienen").check()
    last = datetime.now(ZoneInfo("Europe/Brussels")).date() + timedelta(days=364)
    form.get_by_label("Laatste dag").fill(last.isoformat())
    form.get_by_role("button", name="Toegang geven").click()
    card = manager.page.locator("[data-mandate]", has_text="Dina Haddad")
    expect(card).to_contain_text(f"actief, tot en met {last:%d/%m/%Y}")
    expect(card.locator(".powers li")).to_have_text(["Prestaties indienen"])
