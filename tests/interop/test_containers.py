"""The container files, as far as they can be checked without building an image."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from village_process import ROOT

pytestmark = pytest.mark.interop

DOCKER = ROOT / "docker"
NODE = Path(__file__).parent / "node"
LINT = NODE / "node_modules" / ".bin" / "dockerfile-utils"
TO_JSON = "import('yaml').then(({ parse }) => console.log(JSON.stringify(parse(require('fs').readFileSync(0, 'utf8')))))"
SET = {
    "VOLMACHT_HOST": "id.example.be",
    "VOLMACHT_ACM_ISSUER": "https://acm.example.be/op",
    "VOLMACHT_ACM_CLIENT_ID": "broker",
    "VOLMACHT_MASTER_KEY_FILE": "/srv/volmacht/master.key",
    "VOLMACHT_ACM_PRIVATE_KEY_FILE": "/srv/volmacht/acm.pem",
    "VOLMACHT_TLS_FOLDER": "/srv/volmacht/tls",
    "POSTGRES_PASSWORD": "made-for-this-test",
}


def config(folder, **environ):
    """`docker-compose config` with these variables and no others of ours."""
    nothing = folder / "empty.env"
    nothing.touch()
    command = ["docker-compose", "--env-file", str(nothing), "-f", str(DOCKER / "compose.yaml"), "config"]
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, env=clean | environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    done = config(tmp_path_factory.mktemp("compose"), **SET)
    assert done.returncode == 0, done.stderr
    parsed = subprocess.run(
        ["node", "-e", TO_JSON],
        cwd=NODE,
        input=done.stdout,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(parsed.stdout)["services"]


def test_the_compose_file_starts_broker_postgresql_valkey_and_nginx(services):
    assert set(services) == {"broker", "postgres", "valkey", "nginx"}


@pytest.mark.parametrize("missing", sorted(SET))
def test_no_secret_and_no_address_has_a_default(missing, tmp_path):
    done = config(tmp_path, **{name: value for name, value in SET.items() if name != missing})
    assert done.returncode != 0
    assert f"set {missing}" in done.stderr


def test_only_nginx_can_be_reached_from_outside(services):
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]


def test_the_broker_of_the_compose_file_accepts_its_own_settings(services):
    from config.settings import Settings

    environ = {name: str(value) for name, value in services["broker"]["environment"].items()}
    # The files are mounted; here their contents stand in for them.
    environ.pop("VOLMACHT_MASTER_KEY_FILE")
    environ.pop("VOLMACHT_ACM_PRIVATE_KEY_FILE")
    # Empty, as no master key is being replaced.
    assert environ["VOLMACHT_MASTER_KEY_PREVIOUS_FILE"] == "/run/secrets/master_key_previous"
    environ["VOLMACHT_MASTER_KEY_PREVIOUS_FILE"] = "/dev/null"
    key = "3q2+796tvu/erb7v3q2+796tvu/erb7vABEiM0RVZneImaq7zN3u/w=="
    settings = Settings.from_env(
        environ | {"VOLMACHT_MASTER_KEY": key, "VOLMACHT_ACM_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----"}
    )
    assert settings.secure
    assert not settings.demo
    assert settings.workers > 1


def test_valkey_evicts_nothing_and_keeps_nothing(services):
    command = services["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--save") + 1] == ""


def test_nginx_fills_in_every_name_of_its_template_and_no_other(services):
    template = (DOCKER / "nginx.conf").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+)\}", template))
    environ = services["nginx"]["environment"]
    assert asked == {name for name in environ if name.startswith("PROXY_")}
    assert environ["NGINX_ENVSUBST_FILTER"] == "^PROXY_"


def test_the_dockerfile_has_no_findings():
    done = subprocess.run(
        [LINT, "lint", DOCKER / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_linter_would_say_so(tmp_path):
    broken = tmp_path / "Dockerfile"
    broken.write_text((DOCKER / "Dockerfile").read_text() + "\nHEALTHCHECK --intervall=1s CMD true\n")
    done = subprocess.run([LINT, "lint", broken], capture_output=True, text=True, timeout=60, check=False)
    assert "--intervall" in done.stdout + done.stderr


def test_the_image_runs_as_nobody_and_installs_by_hash_only():
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    (user,) = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert int(user) > 0
    installs = [line for line in lines if "pip install" in line and not line.startswith("#")]
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)


def test_everything_that_the_dockerfile_copies_passes_the_dockerignore():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        source
        for line in (DOCKER / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from=" not in line
        for source in line.split()[1:-1]
    }
    assert copied == allowed
    # README.md and the rest must be there, or the build fails.
    assert [one for one in sorted(copied) if not (ROOT / one).exists()] == []
