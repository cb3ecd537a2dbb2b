"""The `volmacht` command, against a running village."""

import json

import pytest

from keys.vault import Vault
from stock_client import register
from village_process import ROOT


def test_help_names_every_command_with_a_sentence(village):
    done = village.volmacht("--help")
    assert done.returncode == 0
    for command in ("demo", "serve", "doctor", "db", "keys", "clients", "catalogue", "journal"):
        assert f"\n  {command} " in done.stdout


def test_doctor_finds_a_running_village_healthy(village):
    done = village.volmacht("doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, findings
    assert {one["subject"] for one in findings} == {
        "configuration",
        "database",
        "ephemeral store",
        "keys",
        "catalogue",
        "upstream",
    }
    assert all(one["fine"] for one in findings)


def test_doctor_says_what_to_mend(village):
    environ = village.broker_environ()
    for changes, subject in (
        ({"VOLMACHT_ACM_ISSUER": "http://127.0.0.1:9/op"}, "upstream"),
        ({"VOLMACHT_DATABASE_URL": f"sqlite:///{village.home}/empty.db"}, "database"),
        ({"VOLMACHT_WORKERS": "3"}, "configuration"),
        ({"VOLMACHT_REDIS_URL": "redis://127.0.0.1:9/0"}, "ephemeral store"),
        ({"VOLMACHT_REDIS_URL": "nothing://here"}, "wiring"),
        ({"VOLMACHT_DATABASE_URL": "sqlite:///"}, "database"),
        ({"VOLMACHT_LOG_LEVEL": "LOUD"}, "configuration"),
        ({"VOLMACHT_ACM_PRIVATE_KEY": "junk"}, "wiring"),
    ):
        done = village.volmacht("doctor", "--json", environ=environ | changes)
        assert done.returncode == 1
        broken = [one for one in json.loads(done.stdout) if not one["fine"]]
        assert [one["subject"] for one in broken] == [subject]
        assert broken[0]["text"]


def test_a_wrong_master_key_is_noticed_and_never_shown(village):
    other = Vault.__name__.encode().ljust(32, b"\x01") + bytes(range(32))
    import base64

    environ = village.broker_environ() | {"VOLMACHT_MASTER_KEY": base64.b64encode(other).decode()}
    done = village.volmacht("doctor", environ=environ)
    assert done.returncode == 1
    assert "another VOLMACHT_MASTER_KEY" in done.stdout
    rotated = village.volmacht("keys", "rotate", "--now", environ=environ)
    assert rotated.returncode == 1, "a key that no broker can open must not retire the good one"
    assert "another VOLMACHT_MASTER_KEY" in rotated.stderr
    assert village.volmacht("doctor").returncode == 0
    assert base64.b64encode(other).decode() not in done.stdout + done.stderr


def test_clients_are_added_listed_and_removed(village, tmp_path):
    secret = register(
        village, "third", "--auth", "client_secret_basic", "--audience", "https://api.example.be"
    )
    assert secret
    listed = json.loads(village.volmacht("clients", "list", "--json").stdout)
    (third,) = [one for one in listed if one["id"] == "third"]
    assert third["audiences"] == ["https://api.example.be"]
    assert secret not in village.volmacht("clients", "list").stdout
    assert village.volmacht("clients", "remove", "third").returncode == 0
    gone = village.volmacht("clients", "remove", "third")
    assert gone.returncode == 1
    assert "not_found" in gone.stderr


def test_private_halves_and_missing_keys_are_refused_at_registration(village, tmp_path):
    from joserfc.jwk import ECKey

    command = [
        "clients",
        "add",
        "--id",
        "keyed",
        "--redirect-uri",
        "https://s.example/cb",
        "--scope",
        "openid",
    ]
    missing = village.volmacht(*command)
    assert (missing.returncode, "--jwks" in missing.stderr) == (2, True)
    private = tmp_path / "private.json"
    private.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    refused = village.volmacht(*command, "--jwks", str(private))
    assert (refused.returncode, "public halves" in refused.stderr) == (2, True)


def test_the_journal_can_be_read_and_an_edited_row_is_found(village):
    tail = json.loads(village.volmacht("journal", "tail", "-n", "5", "--json").stdout)
    assert 0 < len(tail) <= 5
    assert [row["seq"] for row in tail] == sorted(row["seq"] for row in tail)
    assert village.volmacht("journal", "verify").returncode == 0

    import sqlite3

    connection = sqlite3.connect(village.home / "volmacht.db")
    triggers = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal'"
    )
    names = [name for (name,) in triggers]
    with connection:
        # Somebody with the database's own password, who takes the rule away first.
        for name in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE journal SET type = 'mandate.approved' WHERE seq = ?", (tail[0]["seq"],))
    connection.close()
    verdict = village.volmacht("journal", "verify", "--json")
    assert verdict.returncode == 1
    assert any(f"row {tail[0]['seq']}" in fault for fault in json.loads(verdict.stdout)["faults"])


def test_a_command_without_settings_says_which_to_set(village):
    done = village.volmacht(
        "keys", "list", environ={"PYTHONPATH": village.environ["PYTHONPATH"], "PATH": "/usr/bin"}
    )
    assert done.returncode == 1
    assert "VOLMACHT_ISSUER is not set" in done.stderr


def test_an_existing_client_keeps_its_secret_and_its_audience_learns_new_scopes(village):
    options = ("--auth", "client_secret_basic", "--audience", "https://grows.example/api")
    first = register(village, "grows", *options, scopes=("openid", "things:read"))
    again = register(village, "grows", *options, scopes=("openid", "things:read", "obo:vouchers:read"))
    assert first
    assert again is None
    import sqlite3

    connection = sqlite3.connect(f"file:{village.home}/volmacht.db?mode=ro", uri=True)
    (row,) = connection.execute("SELECT scopes, delegation_aware FROM audiences WHERE uri LIKE '%grows%'")
    connection.close()
    assert "obo:vouchers:read" in row[0]
    assert row[1]


@pytest.mark.parametrize(
    "options",
    [
        ("--redirect-uri", "javascript:alert(1)"),
        ("--redirect-uri", "http://public.example/cb"),
        ("--redirect-uri", "https://s.example/cb#x"),
        ("--redirect-uri", "https://s.example/cb", "--mandate-type", "nonsense"),
        ("--redirect-uri", "https://s.example/cb", "--scope", "a b"),
    ],
)
def test_a_client_that_makes_no_sense_is_refused_with_what_would_mend_it(village, options):
    command = [
        "clients",
        "add",
        "--id",
        "odd",
        "--scope",
        "openid",
        "--auth",
        "client_secret_basic",
        *options,
    ]
    done = village.volmacht(*command)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "odd" not in village.volmacht("clients", "list").stdout


@pytest.mark.parametrize("content", ['{"keys": [1]}', '{"keys": []}', "[]", "not json"])
def test_a_key_set_that_is_none_is_refused(village, tmp_path, content):
    file = tmp_path / "jwks.json"
    file.write_text(content)
    done = village.volmacht(
        *("clients", "add", "--id", "odd", "--scope", "openid"),
        *("--redirect-uri", "https://s.example/cb", "--jwks", str(file)),
    )
    assert done.returncode == 2
    assert "--jwks" in done.stderr


def test_a_catalogue_that_drops_a_type_or_a_power_is_refused(village, tmp_path):
    text = (ROOT / "config" / "catalogue.toml").read_text()
    dropped = tmp_path / "catalogue.toml"
    dropped.write_text(text.replace('  "refunds:request",\n', ""))
    if dropped.read_text() == text:
        dropped.write_text(text.replace('"refunds:request", ', "").replace(', "refunds:request"', ""))
    assert dropped.read_text() != text
    done = village.volmacht("catalogue", "load", str(dropped))
    assert done.returncode == 1
    assert "refunds:request" in done.stderr


def test_in_the_folder_of_the_demo_a_command_needs_no_settings(village):
    bare = {
        "PYTHONPATH": village.environ["PYTHONPATH"],
        "PATH": "/usr/bin",
        "VOLMACHT_HOME": str(village.home),
    }
    done = village.volmacht("keys", "list", environ=bare)
    assert done.returncode == 0, done.stderr
    assert "tokens" in done.stdout
    assert "alembic" not in done.stderr
