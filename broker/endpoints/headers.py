"""Headers that every answer has, whoever made it: a view, an error handler, or Flask itself.

Put on at the WSGI interface, as constants: through the response object they would cost the
token endpoint a tenth of its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORM_ACTION = "Volmacht-Form-Action"
"""A view names here where its form may end, beside us; the browser never sees this header."""
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {}; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class SafeHeaders:
    """Nobody frames us, nobody guesses types, no address leaks (RFC 9700 section 4.16)."""

    def __init__(self, app: WSGIApplication, *, secure: bool) -> None:
        self._app = app
        self._fixed = [
            ("Content-Security-Policy", _POLICY.format("'self'")),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
        if secure:
            self._fixed.append(("Strict-Transport-Security", "max-age=31536000"))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does, with the headers that it did not set itself."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said = dict(headers)
            if FORM_ACTION in said:
                headers = [pair for pair in headers if pair[0] != FORM_ACTION]
                headers.append(("Content-Security-Policy", _POLICY.format(f"'self' {said[FORM_ACTION]}")))
                said["Content-Security-Policy"] = ""
            headers.extend(pair for pair in self._fixed if pair[0] not in said)
            return start_response(status, headers, exc_info)

        return self._app(environ, start)
