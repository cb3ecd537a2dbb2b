"""The data folder: made once, for its owner's eyes only, and never mended behind its owner's back."""

import base64
import json

import pytest

from demo.home import Home, HomeError
from demo.settings import DemoSettings, DemoSettingsError


@pytest.fixture(name="home")
def _home(tmp_path):
    home = Home(tmp_path / "data")
    home.prepare()
    return home


def contents(home):
    return {path.name: path.read_text() for path in home.folder.iterdir()}


def test_folder_and_secrets_are_for_their_owner_alone(home):
    assert home.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in home.folder.iterdir()} == {0o600}


def test_a_folder_that_was_open_to_others_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    Home(tmp_path).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_second_start_keeps_every_secret(home):
    before = contents(home)
    home.prepare()
    assert contents(home) == before


def test_two_homes_share_no_secret(home, tmp_path):
    other = Home(tmp_path / "other")
    other.prepare()
    assert not set(contents(home).values()) & set(contents(other).values())


def test_the_master_key_is_32_bytes(home):
    assert len(base64.b64decode(home.master_key.read_text(), validate=True)) == 32


@pytest.mark.parametrize("name", ["acm_client_jwks", "voucher_jwks"])
def test_published_keys_hold_no_private_part(home, name):
    (key,) = json.loads(getattr(home, name).read_text())["keys"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_a_database_without_its_master_key_is_refused_and_not_given_a_new_key(home):
    home.database.touch()
    home.master_key.unlink()
    with pytest.raises(HomeError, match=r"master\.key"):
        home.prepare()
    assert not home.master_key.exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="VOLMACHT_HOME"):
        Home(tmp_path / "file" / "data").prepare()


def test_settings_reach_the_children_unchanged(tmp_path):
    given = DemoSettings.from_env({"VOLMACHT_DEMO_PORT": "9100", "VOLMACHT_HOME": str(tmp_path)})
    read = DemoSettings.from_env(given.for_children())
    assert (read.issuer, read.acm_issuer, read.vouchers) == (
        "http://127.0.0.1:9100",
        "http://127.0.0.1:9101/op",
        "http://127.0.0.1:9102",
    )
    assert read.home.folder == tmp_path.resolve()


@pytest.mark.parametrize("port", ["80", "65534", "x", "8000.0", "-1"])
def test_a_port_that_leaves_no_room_for_three_is_refused(port):
    with pytest.raises(DemoSettingsError, match="VOLMACHT_DEMO_PORT"):
        DemoSettings.from_env({"VOLMACHT_DEMO_PORT": port})
