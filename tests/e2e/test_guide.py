"""The guide for voucher services tells the truth: its snippets are run, in its order, as they stand."""

import json
import re
import shlex

import pytest
from joserfc.jwk import ECKey

from attack_tools import claims_of
from http_browser import Browser
from stock_client import CALLBACK, wait_until_known
from village_process import ROOT

GUIDE = ROOT / "docs" / "voucher-services.md"
SNIPPET = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ACCOUNTING = "https://accounting.example.be/api"


def snippets(kind, places):
    """The snippets of this kind, with the guide's places replaced by those of the village."""
    guide = GUIDE.read_text()
    for there, here in places.items():
        assert there in guide, "the guide no longer names this place"
        guide = guide.replace(there, here)
    return [text for found, text in SNIPPET.findall(guide) if found == kind]


@pytest.fixture(scope="module")
def story(village, tmp_path_factory):
    """The variables of the guide after its last snippet; the browser's part is played between them."""
    folder = tmp_path_factory.mktemp("guide")
    key = ECKey.generate_key("P-256", {"kid": "guide-1", "alg": "ES256", "use": "sig"})
    (folder / "public.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    (folder / "private.json").write_text(json.dumps(key.as_dict(private=True)))
    places = {
        "https://id.example.be": village.broker,
        "https://vouchers.example.be/callback": CALLBACK,
        "https://vouchers.example.be/api": f"{village.vouchers}/api/burgers",
        "public-keys.json": str(folder / "public.json"),
        "private-key.json": str(folder / "private.json"),
    }
    for command in snippets("sh", places):
        done = village.volmacht(*shlex.split(command.replace("\\\n", " "))[1:])
        assert done.returncode == 0, done.stderr
    wait_until_known(village, "my-service")
    told, browser = {}, Browser()
    for snippet in snippets("python", places):
        exec(compile(snippet, str(GUIDE), "exec"), told)
        if "def sign_in" in snippet:
            told["callback"] = back(browser, told["address"], "Jos Maes")
        elif "def redeem" in snippet:
            address, kept = told["sign_in"](scope="openid vouchers:read mandate:use")
            told["officer"] = told["redeem"](back(browser, address, "Voor mezelf"), kept)
    return told


def back(browser, address, choice):
    """Walk from the broker's address to the callback, where nobody listens, as Bram."""
    import requests

    try:
        page = browser.open(address)
        if any(form.attributes.get("id") == "aanmelden" for form in page.forms):
            page = browser.sign_in("bram")
        for _ in range(3):
            page = browser.submit(page.form("keuze"), press=choice)
    except requests.ConnectionError as error:
        return error.request.url
    raise AssertionError(f"never came back: {page.url} {page.text[:300]}")


def test_people_sign_in_and_act_for_another(story):
    claims = claims_of(story["tokens"]["access_token"])
    assert claims["sub"] == story["mandate"]["principal"] != claims["act"]["sub"]
    assert story["answer"].status_code == 200
    assert story["answer"].json()["principal"] == claims["sub"]


def test_a_refresh_may_ask_for_less(story):
    assert claims_of(story["fresh"]["access_token"])["scope"] == "obo:vouchers:read"


def test_an_officer_acts_in_the_back_end(story):
    claims = claims_of(story["order"]["access_token"])
    assert claims["act"]["sub"] == claims_of(story["officer"]["access_token"])["sub"]
    assert claims["scope"] == "obo:vouchers:order"


def test_a_token_is_passed_on_to_another_service(story):
    assert claims_of(story["narrowed"]["access_token"])["aud"] == ACCOUNTING


def test_a_step_up_is_a_new_request(story, village):
    assert story["address"].startswith(f"{village.broker}/authorize?client_id=my-service&request_uri=")


def test_a_token_is_known_until_it_is_revoked(story):
    assert story["known"]["active"] is True
    assert story["known"]["act"]["sub"] == claims_of(story["officer"]["access_token"])["sub"]
    assert story["gone"] == {"active": False}
