"""Whole logins a second: PAR, ACM, chooser, code, tokens, on one gunicorn core.

The broker's one worker is held to the first core; PostgreSQL (durable), Valkey, the simulated ACM
and the load share the other one. Each login is a new browser of bram, who has a live session at ACM,
chooses An, and whose service redeems the code, with `private_key_jwt` and DPoP: ten requests, eight of
them to the broker. The other core may be the slower one: the worker's CPU a login is printed as well.
The run is bounded: VOLMACHT_BENCH_SECONDS (10), eight browsers at a time.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "guard"), str(ROOT / "tests"), str(ROOT / "bench")]

from authlib.common.security import generate_token  # noqa: E402
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: E402
from joserfc import jwt  # noqa: E402
from joserfc.jwk import ECKey  # noqa: E402
from shared.places import figure  # noqa: E402
from shared.serving import cpu  # noqa: E402

from http_browser import Browser  # noqa: E402
from provers import Prover  # noqa: E402
from servers import postgres, postgres_database, valkey  # noqa: E402
from village_process import Village  # noqa: E402

SECONDS = float(os.environ.get("VOLMACHT_BENCH_SECONDS", "10"))
BROWSERS = 8
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_FIELD = re.compile(r'name="token" value="([^"]+)"')
CHOICE = re.compile(r'name="choice" value="(m-[^"]+)"')


class Wire:
    """One browser: a kept connection and a cookie jar per origin, no redirects followed."""

    def __init__(self, connections: dict[str, http.client.HTTPConnection]) -> None:
        self.connections = connections
        self.cookies: dict[str, dict[str, str]] = {}
        self.nonce: str | None = None

    def send(
        self, method: str, url: str, form: dict[str, str] | None = None, proof: str | None = None
    ) -> tuple[int, str, str]:
        parts = urlsplit(url)
        connection = self.connections.setdefault(
            parts.netloc, http.client.HTTPConnection(parts.netloc, timeout=20)
        )
        jar = self.cookies.setdefault(parts.netloc, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        if proof is not None:
            headers["DPoP"] = proof
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";", 1)[0].partition("=")
            jar[name] = value
        return answer.status, answer.headers.get("Location", ""), text


class Load:
    """One thread's logins."""

    def __init__(self, village: Village, acm_cookies: dict[str, str]) -> None:
        self.village = village
        self.acm = urlsplit(village.acm).netloc
        self.acm_cookies = acm_cookies
        self.key = ECKey.import_key((village.home / "voucher-burgers.pem").read_text())
        self.key_id = json.loads((village.home / "voucher-burgers.jwks.json").read_text())["keys"][0].get(
            "kid"
        )
        self.redirect_uri = f"{village.vouchers}/burgers/callback"
        self.connections: dict[str, http.client.HTTPConnection] = {}
        self.prover = Prover()
        self.taken: list[float] = []

    def authenticated(self, form: dict[str, str]) -> dict[str, str]:
        now = int(time.time())
        header = {"alg": "ES256", **({"kid": self.key_id} if self.key_id else {})}
        claims = {
            "iss": "voucher-burgers",
            "sub": "voucher-burgers",
            "aud": self.village.broker,
            "iat": now,
            "exp": now + 60,
            "jti": generate_token(24),
        }
        assertion = jwt.encode(header, claims, self.key, algorithms=["ES256"])
        return {**form, "client_assertion_type": ASSERTION, "client_assertion": assertion}

    def login(self) -> None:
        broker, browser, verifier = self.village.broker, Wire(self.connections), generate_token(48)
        browser.cookies[self.acm] = dict(self.acm_cookies)
        asked = {
            "response_type": "code",
            "client_id": "voucher-burgers",
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile obo:vouchers:read obo:vouchers:order",
            "authorization_details": '[{"type":"urn:volmacht:mandate"}]',
            "state": generate_token(16),
            "nonce": generate_token(16),
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        status, _, text = self.prove(browser, f"{broker}/par", asked)
        expect(status == 201, text)
        query = urlencode({"client_id": "voucher-burgers", "request_uri": json.loads(text)["request_uri"]})
        _, interaction, _ = browser.send("GET", f"{broker}/authorize?{query}")
        _, upstream, _ = browser.send("GET", broker + interaction)
        _, callback, text = browser.send("GET", upstream)
        expect("/login/acm/callback" in callback, text)
        _, back, _ = browser.send("GET", callback)
        status, _, page = browser.send("GET", broker + back)
        expect(status == 200, page)
        choice = {"token": TOKEN_FIELD.findall(page)[-1], "choice": CHOICE.findall(page)[0]}
        status, location, text = browser.send("POST", broker + back, choice)
        expect(status == 303, text)
        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        status, _, text = self.prove(browser, f"{broker}/token", form)
        expect(status == 200 and "authorization_details" in text, text)

    def prove(self, browser: Wire, url: str, form: dict[str, str]) -> tuple[int, str, str]:
        """Send as the service, once more if the broker has a newer nonce."""
        for _ in range(2):
            answer = browser.send("POST", url, self.authenticated(form), self.prover.proof("POST", url))
            self.prover.nonce = browser.nonce or self.prover.nonce
            if "use_dpop_nonce" not in answer[2]:
                break
        return answer

    def run(self, until: float) -> None:
        while time.monotonic() < until:
            begun = time.perf_counter()
            self.login()
            self.taken.append(time.perf_counter() - begun)


def expect(condition: bool, text: str) -> None:
    """A benchmark that measures errors measures nothing."""
    if not condition:
        raise SystemExit(f"not the expected answer: {text[:300]}")


def sign_in_at_acm(village: Village) -> dict[str, str]:
    """A live ACM session of bram, made as a person makes it."""
    browser = Browser()
    browser.submit(browser.open(f"{village.vouchers}/burgers/").form("aanmelden"))
    browser.sign_in("bram")
    return {cookie.name: cookie.value for cookie in browser.session.cookies if cookie.name.startswith("acm")}


def pin(village: Village) -> psutil.Process:
    """The broker on the first core, everything else on the second; returns the broker's worker."""
    assert village.process is not None
    cores, worker = sorted(os.sched_getaffinity(0)), None
    for process in psutil.Process(village.process.pid).children(recursive=True):
        is_broker = process.cmdline()[-1] == "wsgi:app"
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {cores[0] if is_broker else cores[-1]})
        if is_broker and not process.children():
            worker = process
    assert worker is not None
    return worker


def measure(village: Village) -> None:
    cookies = sign_in_at_acm(village)
    worker = pin(village)
    loads = [Load(village, cookies) for _ in range(BROWSERS)]
    for one in loads:
        one.login()
    before, begun = cpu(worker), time.monotonic()
    threads = [threading.Thread(target=load.run, args=(begun + SECONDS,)) for load in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, spent = time.monotonic() - begun, cpu(worker) - before
    taken = sorted(one for load in loads for one in load.taken)
    figure("login_per_s", len(taken) / seconds, "1/s")
    figure("login_cpu", spent / len(taken) * 1000, "ms")
    figure("login_per_cpu_s", len(taken) / spent, "1/s")
    figure("login_median", statistics.median(taken) * 1000, "ms")
    figure("login_p99", taken[int(len(taken) * 0.99)] * 1000, "ms")


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})  # what is started from here stays there
    with postgres(durable=True) as server, postgres_database(server) as url, valkey() as redis:
        os.sched_setaffinity(0, cores)
        environ = {"VOLMACHT_DATABASE_URL": url, "VOLMACHT_REDIS_URL": redis, "VOLMACHT_THREADS": "8"}
        with Village(**environ) as village:
            measure(village)


if __name__ == "__main__":
    main()
