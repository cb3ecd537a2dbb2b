"""`volmacht serve` in production's clothes, behind the nginx configuration that ships, with TLS."""

import base64
import datetime as dt
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from demo.acm.app import create_acm
from demo.acm.relying_party import RelyingParty
from demo.village import load_village
from village_process import ROOT, Village, free_ports

pytestmark = pytest.mark.interop

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TEMPLATE = ROOT / "docker" / "nginx.conf"
MAIN = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{}}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def certify(folder: Path) -> None:
    """A certificate of one day for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(hours=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.key").write_bytes(private)


def fill_in(template: str, values: dict[str, str]) -> str:
    """As envsubst of the nginx image does it: these names only, everything else stays."""
    return re.sub(r"\$\{(PROXY_[A-Z]+)\}", lambda found: values[found[1]], template)


class Production:
    """Simulated ACM on loopback, the broker with production settings, nginx with TLS in front."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        base = free_ports(4)
        self.plain, self.acm_port, self.http_port, self.https_port = range(base, base + 4)
        self.issuer = f"https://localhost:{self.https_port}"
        self.behind = f"http://127.0.0.1:{self.plain}"
        self.certificate = str(folder / "tls.crt")
        self.children: list[subprocess.Popen[bytes]] = []

    def __enter__(self):
        certify(self.folder)
        self.start_acm()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VOLMACHT_")}
        path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'guard'}"}
        self.log = (self.folder / "log").open("wb")
        self.start([sys.executable, "-m", "broker.cli", "serve"], clean | path | self.environ())
        self.start_nginx()
        self.wait()
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(20)
        self.acm.shutdown()
        self.log.close()

    def environ(self):
        return {
            "VOLMACHT_ISSUER": self.issuer,
            "VOLMACHT_DATABASE_URL": f"sqlite:///{self.folder / 'volmacht.db'}",
            "VOLMACHT_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "VOLMACHT_BIND": f"127.0.0.1:{self.plain}",
            "VOLMACHT_ACM_ISSUER": f"http://127.0.0.1:{self.acm_port}/op",
            "VOLMACHT_ACM_CLIENT_ID": "broker",
            "VOLMACHT_ACM_CLIENT_SECRET": self.secret,
        }

    def start_acm(self):
        self.secret = secrets.token_urlsafe(24)
        party = RelyingParty(
            client_id="broker",
            redirect_uris=(f"{self.issuer}/login/acm/callback",),
            scopes=frozenset({"openid", "profile", "rrn", "vo", "dienstencheques"}),
            mechanisms=frozenset({"urn:be:vlaanderen:authmech:eid"}),
            secret=self.secret,
        )
        issuer = f"http://127.0.0.1:{self.acm_port}/op"
        app = create_acm(issuer, load_village(), [party], RSAKey.generate_key(2048))
        self.acm = make_server("127.0.0.1", self.acm_port, app, threaded=True)
        threading.Thread(target=self.acm.serve_forever, daemon=True).start()

    def start_nginx(self):
        values = {
            "PROXY_ISSUER": self.issuer,
            "PROXY_HOST": "localhost",
            "PROXY_HTTP": f"127.0.0.1:{self.http_port}",
            "PROXY_HTTPS": f"127.0.0.1:{self.https_port}",
            "PROXY_BROKER": f"127.0.0.1:{self.plain}",
            "PROXY_TLS": str(self.folder),
        }
        (self.folder / "site.conf").write_text(fill_in(TEMPLATE.read_text(), values))
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder))
        self.start([NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")], dict(os.environ))

    def start(self, command, environ):
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=self.log, stderr=self.log)
        self.children.append(child)

    def wait(self):
        until = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > until or any(child.poll() is not None for child in self.children):
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)

    def answers(self):
        try:
            return self.get("/healthz").status_code == 200
        except requests.RequestException:
            return False

    def browser(self):
        session = requests.Session()
        # Or else a bundle of certificates named in the environment would win from ours.
        session.trust_env = False
        session.verify = self.certificate
        return session

    def get(self, path, **options):
        with self.browser() as browser:
            return browser.get(self.issuer + path, allow_redirects=False, timeout=10, **options)


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    with Production(tmp_path_factory.mktemp("production")) as running:
        yield running


@pytest.fixture(scope="module")
def sign_in(production):
    """Every answer of one sign-in at the portal, in order."""
    browser = production.browser()
    to_acm = browser.get(production.issuer + "/login", allow_redirects=False, timeout=10)
    page = browser.get(to_acm.headers["Location"], timeout=10)
    transaction = re.search(r'name="transaction" value="([^"]+)"', page.text)[1]
    form = {"transaction": transaction, "persona": "an"}
    back = browser.post(page.url, form, allow_redirects=False, timeout=10)
    signed_in = browser.get(back.headers["Location"], allow_redirects=False, timeout=10)
    home = browser.get(production.issuer + "/portal/", timeout=10)
    return [to_acm, signed_in, home]


def cookie_lines(answer):
    return [one for name, one in answer.raw.headers.items() if name == "Set-Cookie"]


def attributes_of(line):
    return {part.strip().lower() for part in line.split(";")[1:]}


def test_a_person_signs_in_through_nginx_and_sees_her_own_page(sign_in):
    assert sign_in[-1].status_code == 200
    assert "An Peeters" in sign_in[-1].text


def test_every_cookie_is_host_only_secure_and_out_of_reach_of_scripts(sign_in):
    lines = [line for answer in sign_in[:2] for line in cookie_lines(answer)]
    assert {line.split("=")[0] for line in lines} == {"__Host-volmacht_browser", "__Host-volmacht_session"}
    for line in lines:
        # `__Host-` asks: Secure, Path=/ and no Domain; the rest is ours.
        assert attributes_of(line) == {"secure", "httponly", "path=/", "samesite=lax"}


def test_on_plain_http_on_loopback_cookies_have_bare_names_as_browsers_refuse_others():
    with Village() as village:
        answer = requests.get(f"{village.broker}/login", allow_redirects=False, timeout=10)
    (line,) = cookie_lines(answer)
    assert line.startswith("volmacht_browser=")
    assert attributes_of(line) == {"httponly", "path=/", "samesite=lax"}


def test_all_addresses_in_the_metadata_are_https_at_the_issuer(production):
    metadata = production.get("/.well-known/openid-configuration").json()
    addresses = {
        name: value
        for name, value in metadata.items()
        if isinstance(value, str) and (name == "issuer" or name.endswith(("_endpoint", "_uri")))
    }
    assert len(addresses) >= 8
    assert [name for name, value in addresses.items() if not value.startswith(production.issuer)] == []


FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": "host=evil.example;proto=http",
}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/login", "/portal/", "/nowhere"])
def test_forged_host_headers_change_no_link_even_for_one_who_reaches_the_broker_itself(production, path):
    answer = requests.get(production.behind + path, headers=FORGED, allow_redirects=False, timeout=10)
    assert answer.status_code in {200, 303, 404}
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)


def test_forged_forwarding_headers_change_nothing_through_nginx(production):
    forged = {name: value for name, value in FORGED.items() if name != "Host"}
    honest = production.get("/.well-known/openid-configuration").json()
    assert production.get("/.well-known/openid-configuration", headers=forged).json() == honest
    assert "evil.example" not in production.get("/login", headers=forged).headers["Location"]


def test_another_host_name_gets_none_of_our_pages(production):
    answer = production.get("/portal/", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "volmacht" not in answer.text.lower()


def test_plain_http_is_sent_to_the_issuer_without_its_query_whatever_host_says(production):
    plain = f"http://127.0.0.1:{production.http_port}/portal/?code=secret"
    answer = requests.get(plain, headers={"Host": "evil.example"}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{production.issuer}/portal/")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_below_1_2_is_refused(production):
    context = ssl.create_default_context(cafile=production.certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    # Without this OpenSSL itself would refuse, and nginx would not be asked.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", production.https_port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_answers_keep_to_https_and_do_not_name_the_version_of_the_server(production):
    headers = production.get("/healthz").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["Server"] == "nginx"


def test_a_body_of_more_than_256_kb_is_refused(production):
    body = {"token": "x" * 300_000}
    answer = requests.post(production.issuer + "/token", body, verify=production.certificate, timeout=10)
    assert answer.status_code == 413


def test_the_log_of_the_proxy_tells_paths_but_no_queries(production):
    production.get("/login", params={"terug": "/portal/", "code": "very-secret"})
    until = time.monotonic() + 5
    log = production.folder / "log"
    while '"GET /login"' not in log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    assert '"GET /login"' in log.read_text()
    assert "very-secret" not in log.read_text()


def test_people_are_slowed_down_but_services_are_not(production):
    with production.browser() as http:
        for_people = [
            http.get(f"{production.issuer}/static/none", timeout=10).status_code for _ in range(120)
        ]
        for_services = [http.get(f"{production.issuer}/jwks", timeout=10).status_code for _ in range(120)]
    assert 429 in for_people
    assert set(for_services) == {200}
