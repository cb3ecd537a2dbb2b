"""The story with a power cut after every step: what the broker acknowledged is there when it is back."""

import json
import tomllib

import pytest

from http_browser import Browser
from village_process import ROOT, Village

PEOPLE = tomllib.loads((ROOT / "demo" / "village.toml").read_text())["people"]


class Cut:
    """A village in which nothing lives longer than one step but what is stored."""

    def __init__(self, village):
        self.village = village
        self.portals: dict[str, Browser] = {}

    def power(self):
        self.village.kill()
        self.village.start()

    def portal(self, persona):
        """The portal in this person's browser: her session survives, so she signs in once."""
        browser = self.portals.get(persona)
        if browser is None:
            browser = self.portals[persona] = Browser()
            page = browser.open(self.village.portal)
            link = next(href for href, _ in page.links if "/login" in href)
            browser.open(self.village.broker + link)
            browser.sign_in(persona)
        page = browser.open(self.village.portal)
        assert page.by_id("wie"), "the session is gone"
        return browser

    def chooser(self, persona, side):
        """Everybody whom this person may choose at the voucher service; she signs in there anew."""
        browser = Browser()
        page = browser.open(f"{self.village.vouchers}/{side}/")
        browser.submit(page.form("aanmelden"))
        page = browser.sign_in(persona)
        return browser, page


@pytest.fixture(scope="module")
def cut():
    with Village() as village:
        yield Cut(village)


def test_what_bram_asked_still_waits(cut):
    bram = cut.portal("bram")
    page = bram.open(f"{cut.village.portal}begunstigden/nieuw")
    page = bram.submit(
        page.form("begunstigde"), name="Karel Willems", insz=PEOPLE["karel"]["insz"], evidence="Formulier"
    )
    assert page.status == 200
    cut.power()
    assert "Karel Willems" in cut.portal("bram").open(f"{cut.village.portal}aanvragen").text


def test_what_bea_approved_is_in_the_chooser(cut):
    bea = cut.portal("bea")
    page = bea.open(f"{cut.village.portal}aanvragen")
    assert bea.submit(page.form(action="/goedkeuren")).status == 200
    cut.power()
    browser, page = cut.chooser("bram", "burgers")
    assert "Karel Willems" in page.text
    page = browser.submit(page.form("keuze"), press="Karel Willems")
    assert page.by_id("handelend") == "Bram Claes handelt namens Karel Willems via OCMW Voorbeeld"


def test_what_an_ended_stays_ended(cut):
    an = cut.portal("an")
    page = an.open(cut.village.portal)
    assert an.submit(page.form(action="/einde")).status == 200
    cut.power()
    assert "stopgezet door de gever" in cut.portal("an").open(cut.village.portal).text.lower()
    _, page = cut.chooser("bram", "burgers")
    assert "Jos Maes" in page.text
    assert "An Peeters" not in page.text


def test_what_cem_gave_works_and_what_he_withdrew_does_not(cut):
    cem = cut.portal("cem")
    page = cem.open(f"{cut.village.portal}medewerkers")
    page = cem.submit(
        page.form("medewerker"),
        name="Dina Haddad",
        insz=PEOPLE["dina"]["insz"],
        powers=["performances:submit"],
    )
    assert page.status == 200
    cut.power()
    dina, page = cut.chooser("dina", "ondernemingen")
    page = dina.submit(page.form("keuze"), press="Poetsbedrijf")
    page = dina.submit(page.form("prestatie"), datum="2026-11-20", uren="4")
    assert not page.by_id("fout")
    cem = cut.portal("cem")
    page = cem.open(f"{cut.village.portal}medewerkers")
    assert cem.submit(page.form(action="/einde")).status == 200
    cut.power()
    _, page = cut.chooser("dina", "ondernemingen")
    assert "Poetsbedrijf" not in page.by_id("keuze")
    assert page.by_id("fout")


def test_the_journal_tells_all_of_it_and_verifies(cut):
    rows = json.loads(cut.village.volmacht("journal", "tail", "-n", "1000", "--json").stdout)
    told = [row["type"] for row in rows]
    for step in ("mandate.requested", "mandate.approved", "mandate.revoked", "mandate.withdrawn"):
        assert step in told
    assert cut.village.volmacht("journal", "verify").returncode == 0
