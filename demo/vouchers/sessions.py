"""The web sessions of one side, on the server: the browser holds a random id and nothing else."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock, RLock

from joserfc.jwk import ECKey

from demo.vouchers.client import PendingSignIn
from demo.vouchers.dpop import new_key
from demo.vouchers.sign_in import SignIn

IDLE_SECONDS = 8 * 3600
PENDING_SECONDS = 600
PENDING_MOST = 10
"""Tabs that may be signing in at once; the oldest gives way."""


@dataclass(slots=True)
class WebSession:
    """One browser at one side."""

    id: str
    csrf: str
    last_seen_at: int
    pending: dict[str, PendingSignIn] = field(default_factory=dict)
    """Authorization requests on their way, by `state`."""
    sign_in: SignIn | None = None
    key: ECKey = field(default_factory=new_key)
    """What this session's tokens are bound to (RFC 9449); it never leaves the server."""
    dossiers: dict[str, str] = field(default_factory=dict)
    """Mandates that this person acted under here: reference, and the principal's name."""
    notice: str = ""
    """Said once, on the next page."""
    anonymous: bool = True
    """Until the first sign-in of this session."""
    lock: RLock = field(default_factory=RLock)
    """Held while tokens change, so that two tabs refresh once."""

    def remember(self, pending: PendingSignIn) -> None:
        """Wait for the answer to this request."""
        if len(self.pending) >= PENDING_MOST:
            self.pending.pop(next(iter(self.pending)))
        self.pending[pending.state] = pending

    def take_pending(self, state: str, now: int) -> PendingSignIn | None:
        """The request with this `state`, once, and within ten minutes."""
        pending = self.pending.pop(state, None)
        return pending if pending and now - pending.started_at <= PENDING_SECONDS else None

    def keep_dossier(self, sign_in: SignIn) -> None:
        """Remember whom she acts for now; forget it all when somebody else sits down."""
        if self.sign_in is None or self.sign_in.human.sub != sign_in.human.sub:
            self.dossiers = {}
        if sign_in.reference:
            self.dossiers[sign_in.reference] = sign_in.principal_name

    def take_notice(self) -> str:
        notice, self.notice = self.notice, ""
        return notice


class SessionStore:
    """Sessions in memory: after a restart people sign in again."""

    def __init__(self) -> None:
        self._sessions: dict[str, WebSession] = {}
        self._lock = Lock()

    def find(self, session_id: str, now: int) -> WebSession | None:
        with self._lock:
            for old in [key for key, s in self._sessions.items() if now - s.last_seen_at > IDLE_SECONDS]:
                del self._sessions[old]
            session = self._sessions.get(session_id)
            if session is not None:
                session.last_seen_at = now
            return session

    def start(self, now: int) -> WebSession:
        session = WebSession(secrets.token_urlsafe(32), secrets.token_urlsafe(24), now)
        with self._lock:
            self._sessions[session.id] = session
        return session

    def sign_in(self, session: WebSession, sign_in: SignIn) -> None:
        """Keep this sign-in under a new id: an id planted before it is worth nothing after it.

        The form token changes at the first sign-in only. At a switch it stays, so that a
        form of another tab arrives and is refused for its true reason: the other principal.
        """
        with session.lock, self._lock:
            self._sessions.pop(session.id, None)
            session.id = secrets.token_urlsafe(32)
            if session.anonymous:
                session.csrf = secrets.token_urlsafe(24)
            session.anonymous = False
            session.keep_dossier(sign_in)
            session.sign_in = sign_in
            self._sessions[session.id] = session

    def drop(self, session: WebSession) -> None:
        """Forget it, tokens included."""
        with session.lock, self._lock:
            self._sessions.pop(session.id, None)
            session.sign_in = None
