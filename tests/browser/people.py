"""What a person does with her hands and sees with her eyes, in one browser context."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from village_process import Village

REACH = 15
"""Seconds within which the end of a mandate must reach every service."""


class Person:
    """`page` is the tab in front of her."""

    def __init__(self, persona: str, village: Village, context: BrowserContext) -> None:
        self.persona = persona
        self.village = village
        self.context = context
        self.page: Page = context.new_page()

    def open_tab(self) -> Page:
        """A second tab of the same browser, now in front."""
        self.page = self.context.new_page()
        return self.page

    def sign_in_at_portal(self) -> None:
        self.page.goto(self.village.portal)
        self.page.get_by_role("link", name="Aanmelden via ACM").click()
        self.say_who()
        expect(self.page.locator("#wie")).to_be_visible()

    def sign_out(self) -> None:
        """Here and at ACM; the next sign-in asks again who she is."""
        self.page.locator("header").get_by_role("button", name="Afmelden").click()
        self.page.wait_for_url(re.compile("/portal/aanmelden"))
        expect(self.page.get_by_text("U bent niet aangemeld.")).to_be_visible()

    def sign_in_at_service(self, side: str, principal: str) -> None:
        self.page.goto(f"{self.village.vouchers}/{side}/")
        self.page.locator("#aanmelden button").click()
        self.say_who()
        self.choose(principal)

    def sign_in_at_service_again(self, side: str, principal: str) -> None:
        """At a service, with a session at the broker already: no sign-in page on the way."""
        self.page.goto(f"{self.village.vouchers}/{side}/")
        self.page.locator("#aanmelden button").click()
        self.choose(principal)

    def switch_to(self, principal: str) -> None:
        """Act for somebody else; meeting a sign-in page on the way fails."""
        self.page.locator("#wisselen button").click()
        self.choose(principal)

    def choose(self, principal: str) -> None:
        expect(self.page.get_by_role("heading", name="Namens wie handelt u?")).to_be_visible()
        self.page.locator("#keuze button[name=choice]", has_text=principal).click()

    def sees_acting(self, line: str) -> None:
        expect(self.page.locator("#handelend")).to_have_text(line)

    def order(self, count: int) -> None:
        self.page.locator("#aantal").fill(str(count))
        self.page.locator("#bestellen button").click()

    def balance(self) -> str:
        self.page.goto(f"{self.village.vouchers}/burgers/overzicht")
        return self.page.locator("#saldo").inner_text()

    def submit_performance(self, day: str, hours: int) -> None:
        self.page.goto(f"{self.village.vouchers}/ondernemingen/overzicht")
        self.page.locator("#datum").fill(day)
        self.page.locator("#uren").fill(str(hours))
        self.page.locator("#prestatie button").click()

    def go(self, place: str) -> None:
        """Follow a link of the portal's menu."""
        self.page.goto(self.village.portal)
        self.page.get_by_role("navigation", name="Menu").get_by_role("link", name=place).click()

    def end(self, card: Any, word: str, grounds: str = "") -> None:
        """Open what asks for confirmation, then confirm."""
        confirm = card.get_by_role("button", name="Ja, ik ben zeker")
        expect(confirm).to_be_hidden()
        card.get_by_text(word, exact=True).click()
        card.get_by_label("Waarom?").fill(grounds)
        confirm.click()

    def is_refused_within_reach(self, attempt: Callable[[], object]) -> None:
        """Attempt it again and again until the page refuses. Fail after `REACH`."""
        began = time.monotonic()
        while time.monotonic() - began < REACH:
            attempt()
            self.page.wait_for_load_state()
            if self.page.locator("#fout").count():
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(f"still served after {REACH} seconds: {self.page.url}")

    def say_who(self) -> None:
        """On the page of the simulated ACM."""
        self.page.locator(f"#persona-{self.persona}").check()
        self.page.locator("#aanmelden button").click()
