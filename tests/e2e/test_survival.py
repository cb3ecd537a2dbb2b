"""SIGKILL at any moment loses nothing that was acknowledged: neither a mandate, nor a grant, nor an end."""

import random
import threading
import time
from contextlib import contextmanager, nullcontext

import pytest
import requests

import servers
from http_browser import Browser
from stock_client import StockClient, register
from village_process import Village

CLERK = "93011999210"


class Writer(threading.Thread):
    """Cem grants and withdraws, over and over; keeps what the broker acknowledged."""

    def __init__(self, village, browser):
        super().__init__(daemon=True)
        self.village, self.browser = village, browser
        self.granted: set[str] = set()
        self.withdrawn: set[str] = set()
        self.failure: Exception | None = None

    def run(self):
        try:
            while True:
                self.once()
        except requests.RequestException:
            return  # the power cut
        except Exception as error:  # noqa: BLE001 -- reported by the test
            self.failure = error

    def once(self):
        page = self.browser.open(f"{self.village.portal}medewerkers")
        page = self.browser.submit(
            page.form("medewerker"), name="Dina Haddad", insz=CLERK, powers=["performances:submit"]
        )
        assert page.status == 200, page.text
        open_ones = [form for form in page.forms if "/einde" in form.attributes.get("action", "")]
        found = {form.attributes["action"].split("/")[-2] for form in open_ones}
        self.granted |= found
        page = self.browser.submit(open_ones[-1], grounds="proef")
        assert page.status == 200, page.text
        self.withdrawn.add(open_ones[-1].attributes["action"].split("/")[-2])


def sign_in(village, persona):
    browser = Browser()
    page = browser.open(village.portal)
    link = next(href for href, _ in page.links if "/login" in href)
    browser.open(village.broker + link)
    browser.sign_in(persona)
    return browser


@contextmanager
def production_like():
    """As in production: the power cut takes the broker's two workers; its stores have their own."""
    with servers.postgres() as server, servers.postgres_database(server) as url, servers.valkey() as redis:
        yield {"VOLMACHT_DATABASE_URL": url, "VOLMACHT_REDIS_URL": redis, "VOLMACHT_WORKERS": "2"}


@pytest.mark.parametrize(
    ("seed", "stores"),
    [(1, lambda: nullcontext({})), (2, lambda: nullcontext({})), (3, production_like)],
    ids=["embedded, one moment", "embedded, another moment", "postgresql and valkey"],
)
def test_a_power_cut_loses_nothing_that_was_acknowledged(seed, stores):
    moment = random.Random(seed)
    with stores() as environ, Village(**environ) as village:
        secret = register(village, "stock", "--auth", "client_secret_basic", "--vetted")
        client = StockClient(village, "stock", secret)
        token = client.tokens(client.authorize("an"))
        cem = sign_in(village, "cem")
        writer = Writer(village, cem)
        writer.start()
        time.sleep(0.4 + moment.random())
        village.kill()
        writer.join(20)
        assert writer.failure is None
        assert writer.granted, "nothing was acknowledged before the cut"
        village.start()

        page = cem.open(f"{village.portal}medewerkers")
        assert page.by_id("wie"), "the session itself survives"
        for mandate in writer.granted:
            page = cem.open(f"{village.portal}volmachten/{mandate}")
            assert page.status == 200
            if mandate in writer.withdrawn:
                assert "ingetrokken" in page.text
        fresh = client.session.refresh_token(
            client.metadata["token_endpoint"], refresh_token=token["refresh_token"]
        )
        assert fresh["access_token"]
        verdict = village.volmacht("journal", "verify")
        assert verdict.returncode == 0, verdict.stdout
