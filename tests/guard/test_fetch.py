from __future__ import annotations

import gzip
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from volmacht_guard.fetch import FetchError, http_get


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            "/plain": (200, {"Cache-Control": "public, max-age=60"}, b"hello"),
            "/gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"hello" * 100)),
            "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(1 << 22))),
            "/moved": (302, {"Location": "/plain"}, b""),
            "/large": (200, {}, bytes(2000)),
            "/broken": (500, {}, b"hello"),
        }
        if self.path == "/drip":
            return self.drip()
        status, headers, body = answers[self.path]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        return self.wfile.write(body)

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)

    def log_message(self, *arguments):
        pass


@contextmanager
def served():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_document_is_fetched_plain_or_packed_with_its_age():
    with served() as base:
        plain = http_get(f"{base}/plain", "text/plain", 2.0, 1000)
        assert (plain.body, plain.max_age) == (b"hello", 60)
        packed = http_get(f"{base}/gzip", "text/plain", 2.0, 1000)
        assert (packed.body, packed.max_age) == (b"hello" * 100, None)


@pytest.mark.parametrize("path", ["/moved", "/large", "/bomb", "/broken"])
def test_redirects_and_what_is_too_large_or_broken_are_refused(path):
    with served() as base, pytest.raises(FetchError):
        http_get(base + path, "text/plain", 2.0, 1000)


def test_a_server_that_drips_does_not_outlast_the_timeout():
    with served() as base:
        start = time.monotonic()
        with pytest.raises(FetchError):
            http_get(f"{base}/drip", "text/plain", 0.2, 1000)
        assert time.monotonic() - start < 0.8


@pytest.mark.parametrize("url", ["http://example.be/", "file:///etc/hostname", "ftp://example.be/"])
def test_no_other_scheme_is_fetched(url):
    with pytest.raises(FetchError):
        http_get(url, "text/plain", 0.2, 1000)
