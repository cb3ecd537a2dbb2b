"""Keys that a client publishes (`jwks_uri`): threats class 11 (what an address may reach) and 17 (how often)."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from broker.errors import ClientKeysError
from broker.records import Client
from broker.upstream import guarded_fetch
from broker.upstream.client_keys import ClientKeySets
from broker.upstream.guarded_fetch import Fetched, FetchError, GuardedFetcher, is_public

NOW = 1_795_420_000
HOST = "keys.example"
KEY = ECKey.generate_key("P-256").as_dict(private=False, kid="one")
JWKS = {"keys": [KEY]}


# --- a real server with a certificate of its own authority ---


class Answers(BaseHTTPRequestHandler):
    """One path, one kind of server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.hosts.append(self.headers["Host"])
        getattr(self, self.path.partition("?")[0].strip("/"))()

    def send(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def jwks(self):
        self.send(json.dumps(JWKS).encode(), Cache_Control="public, max-age=600")

    def chunked(self):
        body = json.dumps(JWKS).encode()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (body[:7], body[7:], b""):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def moved(self):
        self.send(b"", 302, Location="/jwks")

    def missing(self):
        self.send(json.dumps(JWKS).encode(), 404)

    def large(self):
        self.send(json.dumps(JWKS | {"padding": "x" * 70_000}).encode())

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 65_536)
        except OSError:
            pass

    def dripping(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def silent(self):
        time.sleep(1)

    def packed(self):
        self.send(b"\x1f\x8b", Content_Encoding="gzip")

    def short(self):
        self.send_response(200)
        self.send_header("Content-Length", "500")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def certificate(folder, name):
    """A server certificate for `name`, signed by an authority that only this test trusts."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of this test")])
    now = dt.datetime.now(dt.UTC)

    def build(subject, public):
        plain = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
        return (
            plain.serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
        )

    root = build(issuer, authority.public_key()).add_extension(x509.BasicConstraints(True, None), True)
    root = root.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), False
    ).add_extension(
        x509.KeyUsage(True, False, False, False, False, True, True, False, False), True
    ).sign(authority, hashes.SHA256())  # fmt: skip
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    leaf = build(subject, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name)]), False
    ).sign(authority, hashes.SHA256())  # fmt: skip
    pem = leaf.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.pem").write_bytes(pem)
    trust = ssl.create_default_context(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    return folder / f"{name}.pem", trust


class Site:
    """A server, what it is trusted by, and how often it was asked."""

    def __init__(self, folder, name, *, tls=True):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.hosts = []
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.trust = None
        if tls:
            pem, self.trust = certificate(folder, name)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fetch(self, path, host=HOST, *, scheme="https", demo=True):
        return GuardedFetcher(demo=demo, context=self.trust)(f"{scheme}://{host}:{self.port}/{path}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    found = Site(tmp_path_factory.mktemp("site"), HOST)
    yield found
    found.close()


@pytest.fixture
def names(monkeypatch):
    """What the resolver says of a name; an address is its own answer, as always."""
    real, said, asked = socket.getaddrinfo, {HOST: ["127.0.0.1"]}, []

    def resolver(host, port, *rest, **named):
        if host not in said:
            return real(host, port, *rest, **named)
        asked.append(host)
        answers = said[host]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in answers
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    said["asked"] = asked
    return said


def test_a_set_is_fetched_over_tls(site, names):
    site.server.hosts.clear()
    fetched = site.fetch("jwks")
    assert json.loads(fetched.body) == JWKS
    assert "max-age=600" in fetched.cache_control
    assert site.server.hosts == [f"{HOST}:{site.port}"]


def test_an_answer_in_pieces_is_put_together(site, names):
    assert json.loads(site.fetch("chunked").body) == JWKS


def test_the_connection_goes_to_the_address_that_was_checked(site, names):
    """A name that says something else a moment later (rebinding) is not asked a second time."""
    site.fetch("jwks")
    assert names["asked"] == [HOST]


def test_tls_vouches_for_the_name_and_not_for_the_address(site, names, tmp_path):
    names["other.example"] = ["127.0.0.1"]
    with pytest.raises(FetchError):
        site.fetch("jwks", "other.example")
    with pytest.raises(FetchError):
        site.fetch("jwks", "127.0.0.1")
    stranger = GuardedFetcher(demo=True)
    with pytest.raises(FetchError):
        stranger(f"https://{HOST}:{site.port}/jwks")


@pytest.mark.parametrize("path", ["moved", "missing", "large", "endless", "packed", "short", "unknown"])
def test_an_answer_that_is_no_plain_document_is_refused(site, names, path):
    before = len(site.server.hosts)
    with pytest.raises(FetchError):
        site.fetch(path)
    assert len(site.server.hosts) == before + 1, "a redirect was followed"


def test_an_answer_without_end_is_left_as_soon_as_it_is_too_large(site, names):
    started = time.monotonic()
    with pytest.raises(FetchError):
        site.fetch("endless")
    assert time.monotonic() - started < guarded_fetch.SECONDS - 1


@pytest.mark.parametrize("path", ["dripping", "silent"])
def test_a_slow_server_is_left(site, names, path, monkeypatch):
    monkeypatch.setattr(guarded_fetch, "SECONDS", 0.4)
    started = time.monotonic()
    with pytest.raises(FetchError):
        site.fetch(path)
    assert time.monotonic() - started < 0.9


def test_a_slow_resolver_is_left(site, names, monkeypatch):
    monkeypatch.setattr(guarded_fetch, "SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    started = time.monotonic()
    with pytest.raises(FetchError):
        site.fetch("jwks")
    assert time.monotonic() - started < 0.9


def test_no_proxy_of_the_environment_is_asked(site, names, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert site.fetch("jwks").body


# --- what an address may reach ---

PUBLIC = ["8.8.8.8", "193.190.1.1", "2001:4860:4860::8888", "2a02:1800::1"]
NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1", "2001::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1",
    "2002:808:808::1", "2001:0:4136:e378::1", "100::1", "fec0::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_global_unicast_address_is_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_is_not_and_is_never_connected_to(names, monkeypatch, address):
    assert not is_public(ipaddress.ip_address(address))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    names[HOST] = [address]
    with pytest.raises(FetchError):
        GuardedFetcher()(f"https://{HOST}/jwks")


def test_one_private_address_among_public_ones_refuses_the_name(names, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    names[HOST] = ["8.8.8.8", "10.0.0.1"]
    with pytest.raises(FetchError):
        GuardedFetcher()(f"https://{HOST}/jwks")


def test_an_address_of_a_local_zone_is_not_public(names, monkeypatch):
    names[HOST] = ["2a02:1800::1%eth0"]
    with pytest.raises(FetchError):
        GuardedFetcher()(f"https://{HOST}/jwks")


def test_a_name_without_addresses_or_with_many_is_refused(site, names):
    names[HOST] = ["127.0.0.1"] * 16
    assert site.fetch("jwks").body
    for answers in ([], ["127.0.0.1"] * 17):
        names[HOST] = answers
        with pytest.raises(FetchError):
            site.fetch("jwks")


ODD = [
    "http://keys.example/jwks", "ftp://keys.example/jwks", "file:///etc/passwd", "//keys.example/jwks", "keys.example",
    "https:///jwks", "https://me@keys.example/jwks", "https://me:secret@keys.example/jwks",
    "https://keys.example/jwks#part", "https://keys.example:0/jwks", "https://keys.example:99999/jwks",
    "https://keys.example/jw ks", "https://keys.example/jwks\r\nX: y", "https://keys.ex\u00e4mple/jwks", "https://[::1/jwks",
]  # fmt: skip


@pytest.mark.parametrize("url", ODD)
def test_an_address_that_is_not_plain_https_is_not_even_looked_up(names, url):
    with pytest.raises(FetchError):
        GuardedFetcher()(url)
    assert names["asked"] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "localhost"])
def test_another_spelling_of_this_machine_is_this_machine(monkeypatch, host):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(FetchError):
        GuardedFetcher()(f"https://{host}/jwks")


def test_plain_http_is_for_a_demo_on_this_machine(names, tmp_path, monkeypatch):
    plain = Site(tmp_path, HOST, tls=False)
    assert plain.fetch("jwks", scheme="http").body
    with pytest.raises(FetchError):
        plain.fetch("jwks", scheme="http", demo=False)
    plain.close()
    names[HOST] = ["8.8.8.8"]
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(FetchError):
        GuardedFetcher(demo=True)(f"http://{HOST}/jwks")


def test_a_refusal_names_no_address(names):
    names[HOST] = ["10.1.2.3"]
    with pytest.raises(FetchError) as refused:
        GuardedFetcher()(f"https://{HOST}/jwks?key=secret")
    assert not any(word in str(refused.value) for word in (HOST, "secret", "10.1"))


# --- when a set is fetched, and how long it serves ---


class Publisher:
    """A server in one line: what it answers next, and how often it was asked."""

    def __init__(self):
        self.kids, self.header, self.fails, self.asked = ["one"], "", False, 0
        self.body = None

    def __call__(self, url):
        self.asked += 1
        if self.fails:
            raise FetchError("away")
        keys = [KEY | {"kid": kid} for kid in self.kids]
        body = json.dumps({"keys": keys}).encode() if self.body is None else self.body
        return Fetched(body, self.header)


CLIENT = Client("one", "one", "fapi", "private_key_jwt", jwks_uri="https://keys.example/jwks")


@pytest.fixture
def publisher():
    return Publisher()


@pytest.fixture
def keys(publisher):
    return ClientKeySets(publisher)


def kids(keys, kid="one", now=NOW):
    return [key["kid"] for key in keys.keys_of(CLIENT, kid, now)["keys"]]


def test_a_registered_set_is_not_fetched(keys, publisher):
    client = Client("two", "two", "fapi", "private_key_jwt", jwks=JWKS)
    assert keys.keys_of(client, "unknown", NOW) == JWKS
    with pytest.raises(ClientKeysError):
        keys.keys_of(Client("three", "three", "public", "none"), None, NOW)
    assert publisher.asked == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 300),
        ("no-store", 300),
        ("max-age=600", 600),
        ("public, max-age=600, immutable", 600),
        ("max-age=5", 60),
        ("max-age=0", 60),
        ("max-age=999999", 86_400),
        ("s-maxage=600", 300),
    ],
)
def test_a_copy_is_fresh_as_long_as_its_server_says_within_bounds(keys, publisher, header, seconds):
    publisher.header = header
    kids(keys)
    kids(keys, now=NOW + seconds - 1)
    assert publisher.asked == 1
    kids(keys, now=NOW + seconds)
    assert publisher.asked == 2


def test_a_new_key_is_fetched_when_it_is_first_used(keys, publisher):
    kids(keys)
    publisher.kids = ["one", "two"]
    assert kids(keys, "two", NOW + 30) == ["one", "two"]
    assert publisher.asked == 2


def test_invented_names_of_keys_fetch_at_most_twice_a_minute(keys, publisher):
    for second in range(60):
        kids(keys, f"invented-{second}", NOW + second)
    assert publisher.asked == 2


def test_a_failure_is_remembered_a_while(keys, publisher):
    publisher.fails = True
    for second in range(20):
        with pytest.raises(ClientKeysError):
            kids(keys, now=NOW + second)
    assert publisher.asked == 2


def test_an_old_copy_serves_while_its_server_is_away_but_a_day_at_most(keys, publisher):
    kids(keys)
    publisher.fails = True
    assert kids(keys, now=NOW + 86_399) == ["one"]
    with pytest.raises(ClientKeysError):
        kids(keys, now=NOW + 86_400)
    publisher.fails = False
    assert kids(keys, now=NOW + 86_420) == ["one"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys":[]}', b"[" * 9000, b"\xff", json.dumps({"keys": [KEY | {"d": "AA"}]}).encode(), json.dumps({"keys": [KEY, KEY]}).encode()]
)  # fmt: skip
def test_what_is_no_set_of_public_keys_is_a_failure(keys, publisher, body):
    publisher.body = body
    with pytest.raises(ClientKeysError):
        kids(keys)
    publisher.body = None
    assert kids(keys, now=NOW + 10) == ["one"]


def test_a_set_gone_wrong_does_not_replace_a_good_one(keys, publisher):
    kids(keys)
    publisher.body = b"{}"
    assert kids(keys, now=NOW + 400) == ["one"]


def test_one_thread_fetches_and_all_get_what_it_got(publisher):
    begun, go_on = threading.Event(), threading.Event()

    def slow(url):
        begun.set()
        assert go_on.wait(5)
        return publisher(url)

    keys, found = ClientKeySets(slow), []
    threads = [threading.Thread(target=lambda: found.append(kids(keys))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert begun.wait(5)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert found == [["one"]] * 8
    assert publisher.asked == 1


def test_who_comes_while_an_old_copy_is_renewed_does_not_wait(publisher):
    begun, go_on = threading.Event(), threading.Event()

    def slow(url):
        if publisher.asked:
            begun.set()
            assert go_on.wait(5)
        return publisher(url)

    keys = ClientKeySets(slow)
    kids(keys)
    renewing = threading.Thread(target=lambda: kids(keys, now=NOW + 400))
    renewing.start()
    assert begun.wait(5)
    assert kids(keys, now=NOW + 400) == ["one"]
    go_on.set()
    renewing.join(5)
    assert publisher.asked == 2
