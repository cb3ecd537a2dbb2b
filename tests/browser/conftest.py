"""One village and one Chromium for a module; every person has a browser context of her own."""

import os
import tomllib

import pytest
from playwright.sync_api import sync_playwright

from browser.people import Person
from village_process import ROOT, Village

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root in a container, where Chromium's sandbox cannot start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def village():
    with Village() as running:
        yield running


@pytest.fixture(scope="session")
def chromium():
    executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def enter(village, chromium):
    """`enter("bram")`: this person with a fresh browser, closed after the test."""
    contexts = []

    def come_in(persona, **options):
        # Everything must work without script, so the browser runs none.
        context = chromium.new_context(
            locale="nl-BE", viewport={"width": 1200, "height": 800}, java_script_enabled=False, **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return Person(persona, village, context)

    yield come_in
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def numbers():
    """National number (synthetic) by key of the village."""
    people = tomllib.loads((ROOT / "demo" / "village.toml").read_text(encoding="utf-8"))["people"]
    return {key: person["insz"] for key, person in people.items()}
