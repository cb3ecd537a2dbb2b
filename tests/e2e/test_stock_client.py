"""A stock OpenID Connect client completes a login with the discovery document alone."""

import requests

from stock_client import StockClient, register


def test_authlibs_own_client_signs_in_asks_userinfo_and_refreshes(village):
    secret = register(village, "stock", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "stock", secret)
    token = client.tokens(client.authorize("an"))
    claims = client.id_token(token)
    assert claims["name"] == "An Peeters"
    assert claims["acr"] == "http://eidas.europa.eu/LoA/high"
    about = client.session.get(client.metadata["userinfo_endpoint"]).json()
    assert about == {"sub": claims["sub"], "name": "An Peeters"}
    fresh = client.session.refresh_token(client.metadata["token_endpoint"])
    assert fresh["access_token"] != token["access_token"]


def test_a_client_that_is_not_vetted_shows_one_page_at_first_use_and_never_again(village):
    secret = register(village, "newcomer", "--auth", "client_secret_basic")
    client = StockClient(village, "newcomer", secret)
    page_seen = client.authorize("an", choice="Voor mezelf")
    assert "code=" in page_seen
    assert "code=" in client.authorize(None), "she agreed before: no second page"


def test_a_public_client_signs_in_with_pkce_and_rotating_refresh_tokens(village):
    register(village, "public", "--auth", "none", "--vetted")
    client = StockClient(village, "public", None)
    token = client.tokens(client.authorize("an"))
    first = token["refresh_token"]
    second = client.session.refresh_token(client.metadata["token_endpoint"], refresh_token=first)
    assert second["refresh_token"] != first


def test_both_discovery_documents_are_the_same_and_name_the_issuer(village):
    oidc = requests.get(f"{village.broker}/.well-known/openid-configuration", timeout=10).json()
    oauth = requests.get(f"{village.broker}/.well-known/oauth-authorization-server", timeout=10).json()
    assert oidc == oauth
    assert oidc["issuer"] == village.broker


def test_who_is_registered_anew_or_goes_elsewhere_shows_the_page_again(village):
    options = ("--auth", "client_secret_basic")
    secret = register(village, "again", *options)
    assert "code=" in StockClient(village, "again", secret).authorize("an", choice="Voor mezelf")
    assert village.volmacht("clients", "remove", "again").returncode == 0
    secret = register(village, "again", *options)
    client = StockClient(village, "again", secret)
    assert "code=" in client.authorize("an", choice="Voor mezelf"), "the page was there"


def test_the_first_use_page_names_the_powers(village):
    register(
        village,
        "powers",
        *("--auth", "client_secret_basic", "--audience", f"{village.vouchers}/api/burgers"),
        scopes=("openid", "vouchers:order"),
    )
    from http_browser import Browser

    browser = Browser()
    query = (
        "response_type=code&client_id=powers&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback"
        "&scope=openid+vouchers%3Aorder&code_challenge_method=S256&code_challenge=" + "a" * 43
    )
    browser.open(f"{village.broker}/authorize?{query}")
    page = browser.sign_in("an")
    assert "Dienstencheques bestellen" in page.text


def test_a_client_that_proves_a_key_gets_tokens_that_are_worth_nothing_without_it(village):
    secret = register(village, "proving", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "proving", secret, dpop=True)
    token = client.tokens(client.authorize("an"))
    assert token["token_type"] == "DPoP"
    userinfo = client.metadata["userinfo_endpoint"]
    assert client.session.get(userinfo).json()["name"] == "An Peeters"
    stolen = requests.get(userinfo, headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=10)
    assert stolen.status_code == 401


def test_a_public_client_that_proves_a_key_keeps_its_refresh_token(village):
    register(village, "public-proving", "--auth", "none", "--vetted")
    client = StockClient(village, "public-proving", None, dpop=True)
    first = client.tokens(client.authorize("an"))
    endpoint = client.metadata["token_endpoint"]
    second = client.session.refresh_token(endpoint, refresh_token=first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert second.get("refresh_token", first["refresh_token"]) == first["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    stolen = requests.post(endpoint, data=form | {"client_id": "public-proving"}, timeout=10)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_dpop_proof")
