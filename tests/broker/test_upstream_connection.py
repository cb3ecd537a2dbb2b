"""What travels to an upstream, and what does not, seen by a server of this test."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from broker.errors import UpstreamError
from broker.upstream.connection import MAX_BYTES, UpstreamConnection


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], str, int]]

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.seen.append((self.command, self.path, dict(self.headers), body, self.client_address[1]))
        answers = {"/away": (302, b"{}"), "/large": (200, b'"' + b"x" * MAX_BYTES + b'"'), "/list": (200, b"[]"),
                   "/broken": (500, b"{}")}  # fmt: skip
        status, answer = answers.get(self.path, (200, json.dumps({"path": self.path}).encode()))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Set-Cookie", "whose=ours")
        self.send_header("Cache-Control", "max-age=77")
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls


@pytest.fixture
def upstream():
    handler = type("Handler", (Upstream,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.seen
    server.shutdown()
    server.server_close()


def test_one_connection_is_kept_and_no_cookie_goes_back(upstream):
    address, seen = upstream
    connection = UpstreamConnection(2)
    assert connection.get(f"{address}/keys") == ({"path": "/keys"}, 77)
    assert connection.post(f"{address}/token", {"code": "a&b"}, None) == {"path": "/token"}
    (_, _, _, _, first), (method, _, headers, body, second) = seen
    assert (method, parse_qs(body), first) == ("POST", {"code": ["a&b"]}, second)
    assert "Cookie" not in headers
    assert "Authorization" not in headers


def test_credentials_travel_when_they_are_given_and_a_netrc_never_speaks(upstream, tmp_path, monkeypatch):
    address, seen = upstream
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    connection = UpstreamConnection(1)
    connection.get(f"{address}/keys")
    connection.post(f"{address}/token", {}, ("volmacht", "s"))
    assert [one[2].get("Authorization") for one in seen] == [None, "Basic dm9sbWFjaHQ6cw=="]


def test_a_redirect_is_not_followed(upstream):
    address, seen = upstream
    UpstreamConnection(1).get(f"{address}/away")
    assert [one[1] for one in seen] == ["/away"]


@pytest.mark.parametrize("path", ["/large", "/list", "/broken"])
def test_what_is_no_answer_is_an_error_and_the_next_one_is_heard(upstream, path):
    address, _ = upstream
    connection = UpstreamConnection(1)
    with pytest.raises(UpstreamError):
        connection.get(f"{address}{path}")
    assert connection.get(f"{address}/keys")[0] == {"path": "/keys"}
