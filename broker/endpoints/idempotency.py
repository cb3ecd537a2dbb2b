"""The same POST twice is done once (draft-ietf-httpapi-idempotency-key-header).

A caller that heard no answer sends its request again, with the same `Idempotency-Key`: the
answer of the first time comes back, sealed until then because it may hold names. The same key
with another body is refused, and so is a second request while the first still runs.

All of this may be lost, so it stands in the ephemeral store: what a forgotten key would let
happen twice is stopped by the rules themselves (one mandate of a type between two parties,
one use per token, one row per row key). A request that was refused changed nothing, and its key
is free again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from broker.endpoints.context import services
from broker.endpoints.problems import problem

P = ParamSpec("P")

HEADER = "Idempotency-Key"
REMEMBERED = 24 * 3600
"""Seconds that an answer is kept."""
RUNNING = 120
"""Seconds after which a request that never answered is taken for dead."""
MARK, ANSWER = "idempotency_mark", "idempotency_answer"
KEPT = ("Content-Type", "ETag", "Location")
_KEY = re.compile(r"[!-~]{8,200}")


def once(caller: Callable[[], str]) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Decorate a view that creates; `caller` says who asks, so that nobody meets another's keys."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            sent = request.headers.get(HEADER)
            if sent is None:
                return make_response(view(*args, **kwargs))
            if not _KEY.fullmatch(sent):
                return problem(400, "invalid_idempotency_key")
            key = _digest(caller(), request.method, request.path, sent)
            return _run(key, lambda: make_response(view(*args, **kwargs)))

        return guarded

    return decorate


def _run(key: str, act: Callable[[], Response]) -> Response:
    store = services().ephemeral
    body = hashlib.sha256(request.full_path.encode() + b"\0" + request.get_data(cache=True)).hexdigest()
    before = _answered(key, body)
    if before is not None:
        return before
    if not store.claim(MARK, key, RUNNING):
        return problem(409, "idempotency_in_flight")
    try:
        # Between the first look and the claim, the one that held it may have answered.
        before = _answered(key, body)
        if before is not None:
            return before
        response = act()  # a refusal is raised, and leaves nothing behind
        _remember(key, body, response)
        return response
    finally:
        store.take(MARK, key)


def _answered(key: str, body: str) -> Response | None:
    stored = services().ephemeral.get(ANSWER, key)
    if stored is None:
        return None
    if stored["body"] != body:
        return problem(422, "idempotency_mismatch")
    text = services().vault.open(stored["sealed"], f"{ANSWER}:{key}")
    response = Response(text, stored["status"], headers=stored["headers"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _remember(key: str, body: str, response: Response) -> None:
    value: dict[str, Any] = {
        "body": body,
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in KEPT if name in response.headers},
        "sealed": services().vault.seal(response.get_data(), f"{ANSWER}:{key}"),
    }
    services().ephemeral.put(ANSWER, key, value, REMEMBERED)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
