"""The broker refuses to start when unsafe or incomplete, and says what to set."""

import base64
import os

import pytest

from config.settings import Settings, SettingsError

GOOD = {
    "VOLMACHT_ISSUER": "https://id.example.be",
    "VOLMACHT_DATABASE_URL": "postgresql://db/volmacht",
    "VOLMACHT_MASTER_KEY": base64.b64encode(bytes(range(100, 132))).decode(),
    "VOLMACHT_ACM_ISSUER": "https://authenticatie.vlaanderen.be/op",
    "VOLMACHT_ACM_CLIENT_ID": "client",
    "VOLMACHT_ACM_CLIENT_SECRET": "secret",
}


def faults(**changes):
    environ = {name: value for name, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    return caught.value.faults


def test_a_complete_environment_starts_with_safe_defaults():
    settings = Settings.from_env(GOOD)
    assert settings.secure
    assert not settings.demo
    assert (settings.workers, settings.threads, settings.bind) == (1, 4, "127.0.0.1:8000")
    assert (settings.status_ttl, settings.status_exp, settings.access_token_seconds) == (10, 600, 300)
    with pytest.raises(AttributeError):
        settings.issuer = "https://evil.example"


@pytest.mark.parametrize(
    "name",
    [
        "VOLMACHT_ISSUER",
        "VOLMACHT_DATABASE_URL",
        "VOLMACHT_MASTER_KEY",
        "VOLMACHT_ACM_ISSUER",
        "VOLMACHT_ACM_CLIENT_ID",
    ],
)
def test_a_missing_setting_is_named(name):
    (fault,) = faults(**{name: None})
    assert name in fault


def test_every_fault_is_told_at_once():
    assert len(faults(VOLMACHT_ISSUER=None, VOLMACHT_ACM_CLIENT_SECRET=None, VOLMACHT_WORKERS="many")) == 3


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"VOLMACHT_ISSUER": "http://id.example.be"}, "VOLMACHT_ISSUER"),
        ({"VOLMACHT_ISSUER": "http://id.example.be", "VOLMACHT_ENV": "demo"}, "VOLMACHT_ISSUER"),
        ({"VOLMACHT_ISSUER": "http://127.0.0.1:8000"}, "VOLMACHT_ENV"),
        ({"VOLMACHT_ISSUER": "https://id.example.be/"}, "final slash"),
        ({"VOLMACHT_ISSUER": "id.example.be"}, "VOLMACHT_ISSUER"),
        ({"VOLMACHT_ACM_ISSUER": "http://acm.example.be/op"}, "VOLMACHT_ACM_ISSUER"),
        ({"VOLMACHT_ACM_CLIENT_SECRET": None}, "VOLMACHT_ACM_PRIVATE_KEY"),
        ({"VOLMACHT_WORKERS": "4"}, "VOLMACHT_REDIS_URL"),
        ({"VOLMACHT_WORKERS": "0"}, "VOLMACHT_WORKERS"),
        ({"VOLMACHT_DATABASE_URL": "mysql://db/volmacht"}, "VOLMACHT_DATABASE_URL"),
        ({"VOLMACHT_MASTER_KEY": "c2hvcnQ="}, "VOLMACHT_MASTER_KEY"),
        ({"VOLMACHT_MASTER_KEY": base64.b64encode(b"a" * 32).decode()}, "VOLMACHT_MASTER_KEY"),
        ({"VOLMACHT_MASTER_KEY": "not base64 at all!"}, "VOLMACHT_MASTER_KEY"),
        ({"VOLMACHT_ACCESS_TOKEN_SECONDS": "3600"}, "VOLMACHT_ACCESS_TOKEN_SECONDS"),
    ],
)
def test_what_is_unsafe_is_refused_with_what_would_mend_it(changes, about):
    assert any(about in fault for fault in faults(**changes))


def test_several_workers_start_once_redis_is_there():
    assert (
        Settings.from_env(GOOD | {"VOLMACHT_WORKERS": "4", "VOLMACHT_REDIS_URL": "redis://r/0"}).workers == 4
    )


def test_http_on_loopback_is_for_the_demo():
    settings = Settings.from_env(GOOD | {"VOLMACHT_ENV": "demo", "VOLMACHT_ISSUER": "http://127.0.0.1:8000"})
    assert not settings.secure


def test_a_secret_may_come_from_a_file_and_never_shows_in_a_fault(tmp_path):
    secret = base64.b64encode(os.urandom(32)).decode()
    file = tmp_path / "master.key"
    file.write_text(secret + "\n")
    environ = {**GOOD, "VOLMACHT_MASTER_KEY_FILE": str(file)}
    del environ["VOLMACHT_MASTER_KEY"]
    assert Settings.from_env(environ).master_key == base64.b64decode(secret)
    shown = " ".join(faults(VOLMACHT_MASTER_KEY=secret[:20]))
    assert secret[:20] not in shown
