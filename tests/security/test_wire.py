"""Classes 16, 17, 21, 31: what is not a request, or is two, or too much of one."""

import re
import socket
import time

import pytest
from joserfc.jwk import ECKey

from attack_tools import claims_of, header_of, plain_session, sign_raw


@pytest.mark.parametrize(
    "path",
    [
        "//portal//",
        "/portal/../healthz",
        "/%2e%2e/wsgi.py",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/portal/%2e%2e/portal/toezicht",
        "//evil.example/%2e%2e",
        "/portal/toezicht/",
        "/PORTAL/TOEZICHT",
        "/portal;/toezicht",
    ],
)
def test_class_21_an_odd_path_opens_nothing(village, path):
    host, port = "127.0.0.1", village.port
    text = raw(
        host, port, f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = text.partition("\r\n\r\n")
    assert "Wat er gebeurde" not in body
    assert "import " not in body
    location = re.search(r"(?im)^location: (.*)$", head)
    assert location is None or not location[1].startswith(("//", "/\\"))
    assert " 500 " not in head.splitlines()[0]


def raw(host, port, data):
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            pass
    return received.decode("utf-8", "replace")


SMUGGLED = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\tchunked\r\nTransfer-Encoding: x",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: +5",
    "Content-Length: 5, 5",
    "X: y\r\n Content-Length: 3",
]


@pytest.mark.parametrize("headers", SMUGGLED)
def test_class_31_a_request_of_two_lengths_is_not_two_requests(village, headers):
    inner = "GET /portal/aanmelden HTTP/1.1\r\nHost: x\r\n\r\n"
    data = f"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n0\r\n\r\n{inner}"
    text = raw("127.0.0.1", village.port, data.encode())
    assert text.count("HTTP/1.1 ") <= 1, "the broker answered twice"
    assert "Aanmelden via ACM" not in text


def test_class_16_a_long_line_and_many_headers_are_refused(village):
    long = raw("127.0.0.1", village.port, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    many = raw(
        "127.0.0.1",
        village.port,
        b"GET / HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"X-%d: y\r\n" % number for number in range(500))
        + b"\r\n",
    )
    assert long.startswith("HTTP/1.1 4")
    assert many.startswith("HTTP/1.1 4")


def test_class_16_many_parameters_are_bounded(village, apps):
    started = time.monotonic()
    answer = plain_session().post(
        f"{village.broker}/token", data={f"p{number}": "x" for number in range(20_000)}
    )
    assert answer.status_code in {400, 401, 413}
    assert time.monotonic() - started < 3


def test_class_17_random_kids_fetch_nothing_and_stay_fast(village, apps, citizen):
    token, mine = apps.basic.tokens(citizen)["access_token"], ECKey.generate_key("P-256")
    started = time.monotonic()
    for number in range(25):
        forged = sign_raw(header_of(token) | {"kid": f"k{number}"}, claims_of(token), mine)
        answer = plain_session().get(
            f"{village.vouchers}/api/burgers/vouchers", headers={"Authorization": f"Bearer {forged}"}
        )
        assert answer.status_code == 401
    assert time.monotonic() - started < 5
