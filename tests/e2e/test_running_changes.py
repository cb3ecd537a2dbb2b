"""What the command line changes reaches a running broker through SQL."""

import json
import sqlite3
import time

import requests
from joserfc import jws

from stock_client import StockClient, register
from village_process import ROOT


def eventually(check, seconds=5.0):
    """Within a second the registry's version is read again; a slow machine gets a few."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "the change did not arrive"
        time.sleep(0.1)


def kid(token):
    return jws.extract_compact(token.encode()).headers()["kid"]


def test_an_emergency_rotation_signs_with_the_new_key_and_keeps_the_old_one_published(village):
    secret = register(village, "rotating", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "rotating", secret)
    old = client.tokens(client.authorize("an"))
    done = village.volmacht("keys", "rotate", "--now", "--json")
    assert done.returncode == 0, done.stderr

    def rotated():
        token = client.session.refresh_token(
            client.metadata["token_endpoint"], refresh_token=old["refresh_token"]
        )
        return kid(token["access_token"]) != kid(old["access_token"])

    eventually(rotated)
    published = {key["kid"] for key in requests.get(client.metadata["jwks_uri"], timeout=5).json()["keys"]}
    assert kid(old["access_token"]) in published
    about = requests.get(
        client.metadata["userinfo_endpoint"],
        headers={"Authorization": f"Bearer {old['access_token']}"},
        timeout=5,
    )
    assert about.status_code == 200, "a token of before the rotation stays good"


def test_a_planned_rotation_publishes_the_new_key_before_it_signs(village):
    before = json.loads(village.volmacht("keys", "list", "--json").stdout)
    assert village.volmacht("keys", "rotate", "--purpose", "status").returncode == 0
    after = json.loads(village.volmacht("keys", "list", "--json").stdout)
    new = [key for key in after if key["kid"] not in {old["kid"] for old in before}]
    assert [key["state"] for key in new] == ["pending"]
    jwks = f"{village.broker}/jwks"
    eventually(lambda: new[0]["kid"] in {key["kid"] for key in requests.get(jwks, timeout=5).json()["keys"]})


def test_a_removed_client_can_refresh_nothing_more(village):
    secret = register(village, "leaving", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "leaving", secret)
    token = client.tokens(client.authorize("an"))

    def refused():
        answer = requests.post(
            client.metadata["token_endpoint"],
            data={"grant_type": "refresh_token", "refresh_token": token["refresh_token"]},
            auth=("leaving", secret),
            timeout=5,
        )
        return answer.status_code, answer.json()["error"]

    assert village.volmacht("clients", "remove", "leaving").returncode == 0
    # At once it gets nothing; within the second in which registrations are compared, nobody knows it.
    assert refused() in {(400, "invalid_grant"), (401, "invalid_client")}
    eventually(lambda: refused() == (401, "invalid_client"))


def test_a_catalogue_with_one_more_type_is_in_force_without_a_restart(village, tmp_path):
    text = (ROOT / "config" / "catalogue.toml").read_text()
    changed = tmp_path / "catalogue.toml"
    changed.write_text(text.replace('nl = "Dienstencheques bestellen"', 'nl = "Cheques bestellen"', 1))
    assert changed.read_text() != text, "the label stands in the catalogue"
    done = village.volmacht("catalogue", "load", str(changed))
    assert done.returncode == 0, done.stderr
    from http_browser import Browser

    bram = Browser()
    page = bram.open(village.portal)
    link = next(href for href, _ in page.links if "/login" in href)
    bram.open(village.broker + link)
    bram.sign_in("bram")
    eventually(lambda: "Cheques bestellen" in bram.open(f"{village.portal}begunstigden/nieuw").text)


def test_a_broken_catalogue_is_refused_and_the_old_one_stays(village, tmp_path):
    broken = tmp_path / "catalogue.toml"
    broken.write_text("[types.nonsense]\nlabel = 1\n")
    done = village.volmacht("catalogue", "load", str(broken))
    assert done.returncode == 1
    assert "nonsense" in done.stderr or "powers" in done.stderr


def test_a_leaked_key_is_withdrawn_with_all_that_it_signed(village):
    secret = register(village, "leaked", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "leaked", secret)
    old = client.tokens(client.authorize("an"))
    assert village.volmacht("keys", "rotate", "--leaked").returncode == 0

    def ask():
        headers = {"Authorization": f"Bearer {old['access_token']}"}
        return requests.get(client.metadata["userinfo_endpoint"], headers=headers, timeout=5).status_code

    eventually(lambda: ask() == 401)
    fresh = client.session.refresh_token(
        client.metadata["token_endpoint"], refresh_token=old["refresh_token"]
    )
    assert kid(fresh["access_token"]) != kid(old["access_token"])


def test_a_refresh_for_another_audience_is_refused_not_ignored(village):
    secret = register(village, "narrow", "--auth", "client_secret_basic", "--vetted")
    client = StockClient(village, "narrow", secret)
    token = client.tokens(client.authorize("an"))
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    for resource, status in ((village.broker, 200), ("https://other.example/api", 400)):
        answer = requests.post(
            client.metadata["token_endpoint"],
            data=form | {"resource": resource},
            auth=("narrow", secret),
            timeout=5,
        )
        assert answer.status_code == status
    assert answer.json()["error"] == "invalid_target"


def test_a_running_broker_gives_every_row_its_leaf_and_signs_the_head(village):
    """Nobody runs a command here: the housekeeper does it, within some seconds."""

    def sealed():
        connection = sqlite3.connect(f"file:{village.home}/volmacht.db?mode=ro", uri=True)
        rows, leaves, head = (
            connection.execute(f"SELECT {what}").fetchone()[0]
            for what in (
                "count(*) FROM journal",
                "count(*) FROM journal_leaves",
                "coalesce(max(size), 0) FROM journal_checkpoints",
            )
        )
        connection.close()
        return rows > 0 and rows == leaves == head

    eventually(sealed, seconds=15)
