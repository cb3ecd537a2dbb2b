"""The keys that guard what is stored are replaced from the command line, beside a running broker."""

import base64
import json
import os

import pytest

from config.settings import Settings, SettingsError
from stock_client import StockClient, register


@pytest.fixture(scope="module")
def client(village):
    secret = register(village, "vaulted", "--auth", "client_secret_basic", "--vetted")
    return StockClient(village, "vaulted", secret)


def subject(client):
    from attack_tools import claims_of

    return claims_of(client.tokens(client.authorize("an"))["access_token"])["sub"]


@pytest.mark.parametrize("use", ["vault", "index"])
def test_the_data_keys_are_replaced_and_people_stay_who_they_were(village, client, use):
    before = subject(client)
    done = village.volmacht("keys", f"rotate-{use}", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["moved"] > 0
    assert "moved" in done.stderr, "progress is told beside the answer"
    assert subject(client) == before
    assert village.volmacht("doctor").returncode == 0


def test_the_master_key_is_replaced_and_the_old_one_opens_nothing_more(village, client):
    before, plain = subject(client), village.broker_environ()
    new = {"VOLMACHT_MASTER_KEY": base64.b64encode(os.urandom(32)).decode()}
    wrong = village.volmacht("keys", "rotate-master", environ=plain | new)
    assert (wrong.returncode, "another VOLMACHT_MASTER_KEY" in wrong.stderr) == (1, True)
    both = plain | new | {"VOLMACHT_MASTER_KEY_PREVIOUS_FILE": plain["VOLMACHT_MASTER_KEY_FILE"]}
    looked = village.volmacht("doctor", environ=both)
    assert (looked.returncode, "keys rotate-master" in looked.stdout) == (1, True)
    for some in (True, False):  # the second time there is nothing left to do
        done = village.volmacht("keys", "rotate-master", "--json", environ=both)
        assert done.returncode == 0, done.stderr
        assert bool(json.loads(done.stdout)["changed"]) is some
    assert village.volmacht("doctor", environ=plain | new).returncode == 0
    old = village.volmacht("doctor")
    assert (old.returncode, "another VOLMACHT_MASTER_KEY" in old.stdout) == (1, True)
    assert subject(client) == before, "the running broker goes on"
    for done in (wrong, looked, old):
        assert new["VOLMACHT_MASTER_KEY"] not in done.stdout + done.stderr


def test_a_previous_master_key_that_is_none_is_refused_by_name(village):
    with pytest.raises(SettingsError, match="VOLMACHT_MASTER_KEY_PREVIOUS is not 32 random bytes"):
        Settings.from_env(village.broker_environ() | {"VOLMACHT_MASTER_KEY_PREVIOUS": "c2hvcnQ="})
    assert Settings.from_env(village.broker_environ()).master_key_previous is None
