"""The one door for configuration: `Settings.from_env`.

Settings are frozen, complete and checked together, so that the broker refuses to
start rather than run unsafe. Every refusal says which variable to set, and how.
A value may come from a file: `NAME_FILE` names it (for secrets mounted by an
orchestrator), and a file wins over nothing, never over a value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_ACR = (
    "urn:be:vlaanderen:authmech:eid urn:be:vlaanderen:authmech:itsme urn:be:vlaanderen:authmech:csamtotp"
)
DEFAULT_SCOPES = "openid profile rrn vo dienstencheques"


class SettingsError(Exception):
    """The environment is unsafe or incomplete. The text lists every fault with its mend."""

    code: ClassVar[str] = "invalid_settings"

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("Volmacht does not start:\n" + "\n".join(f"  - {fault}" for fault in faults))


@dataclass(frozen=True)
class Settings:
    """Everything that differs between two installations. Periods are in seconds."""

    demo: bool
    issuer: str
    database_url: str
    redis_url: str | None
    master_key: bytes
    acm_issuer: str
    acm_client_id: str
    acm_client_secret: str | None
    acm_private_key: str | None
    """PEM; then `private_key_jwt` is used and the secret is not."""
    acm_acr_values: str
    acm_scopes: str
    bind: str = "127.0.0.1:8000"
    workers: int = 1
    threads: int = 4
    access_token_seconds: int = 300
    status_ttl: int = 10
    status_exp: int = 600
    session_seconds: int = 8 * 3600
    idle_seconds: int = 30 * 60
    dpop_nonce_seconds: int = 300
    """How long one DPoP nonce is given out; it is accepted for as long again. 0: none is demanded."""
    log_level: str = "INFO"
    upstreams_file: Path = ROOT / "config" / "upstreams.toml"
    catalogue_file: Path = ROOT / "config" / "catalogue.toml"
    master_key_previous: bytes | None = field(default=None, repr=False)
    """Set while the master key is being replaced (`volmacht keys rotate-master`)."""

    @property
    def secure(self) -> bool:
        """Whether people reach the broker over https; cookies follow it."""
        return self.issuer.startswith("https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read, check and freeze. Raise `SettingsError` naming every fault at once."""
        reader = _Reader(environ)
        settings = cls(
            demo=reader.text("VOLMACHT_ENV", "production") == "demo",
            issuer=reader.required("VOLMACHT_ISSUER", "the https address people see, without a final slash"),
            database_url=reader.required(
                "VOLMACHT_DATABASE_URL", "sqlite:////var/lib/volmacht/volmacht.db or postgresql://…"
            ),
            redis_url=reader.text("VOLMACHT_REDIS_URL", "") or None,
            master_key=reader.master_key(),
            master_key_previous=reader.previous_master_key(),
            acm_issuer=reader.required("VOLMACHT_ACM_ISSUER", "ACM's issuer, from your integration dossier"),
            acm_client_id=reader.required(
                "VOLMACHT_ACM_CLIENT_ID", "the client id of your integration dossier"
            ),
            acm_client_secret=reader.secret("VOLMACHT_ACM_CLIENT_SECRET"),
            acm_private_key=reader.secret("VOLMACHT_ACM_PRIVATE_KEY"),
            acm_acr_values=reader.text("VOLMACHT_ACM_ACR_VALUES", DEFAULT_ACR),
            acm_scopes=reader.text("VOLMACHT_ACM_SCOPES", DEFAULT_SCOPES),
            bind=reader.text("VOLMACHT_BIND", cls.bind),
            workers=reader.number("VOLMACHT_WORKERS", cls.workers, 1, 64),
            threads=reader.number("VOLMACHT_THREADS", cls.threads, 1, 64),
            access_token_seconds=reader.number(
                "VOLMACHT_ACCESS_TOKEN_SECONDS", cls.access_token_seconds, 10, 300
            ),
            dpop_nonce_seconds=reader.number("VOLMACHT_DPOP_NONCE_SECONDS", cls.dpop_nonce_seconds, 0, 3600),
            status_ttl=reader.number("VOLMACHT_STATUS_TTL", cls.status_ttl, 1, 60),
            status_exp=reader.number("VOLMACHT_STATUS_EXP", cls.status_exp, 60, 3600),
            log_level=reader.text("VOLMACHT_LOG_LEVEL", cls.log_level),
        )
        faults = reader.faults + _unsafe(settings)
        if faults:
            raise SettingsError(faults)
        return settings


class _Reader:
    """Reads variables and collects faults, so that one start shows them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def required(self, name: str, meaning: str) -> str:
        value = self.text(name, "")
        if not value:
            self.faults.append(f"{name} is not set: give it {meaning}.")
        return value

    def secret(self, name: str) -> str | None:
        value = self.text(name, "")
        path = self.text(f"{name}_FILE", "")
        if value or not path:
            return value or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            self.faults.append(f"{name}_FILE cannot be read: name a text file that this user may read.")
            return None

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and least <= int(value) <= most:
            return int(value)
        self.faults.append(f"{name} must be a whole number from {least} to {most}.")
        return default

    def master_key(self) -> bytes:
        mend = (
            "make one with `python -c 'import base64,os;print(base64.b64encode(os.urandom(32)).decode())'`."
        )
        value = self.secret("VOLMACHT_MASTER_KEY")
        if value is None:
            self.faults.append(f"VOLMACHT_MASTER_KEY (or VOLMACHT_MASTER_KEY_FILE) is not set: {mend}")
            return b""
        return self._key("VOLMACHT_MASTER_KEY", value, mend)

    def previous_master_key(self) -> bytes | None:
        name = "VOLMACHT_MASTER_KEY_PREVIOUS"
        value = self.secret(name)
        return (
            None if value is None else self._key(name, value, "give the one that was replaced, or unset it.")
        )

    def _key(self, name: str, value: str, mend: str) -> bytes:
        try:
            key = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        # A key typed by hand or copied from a manual repeats itself; 32 random bytes do not.
        if len(key) < 32 or len(set(key)) < 16:
            self.faults.append(f"{name} is not 32 random bytes in base64: {mend}")
        return key


def _unsafe(settings: Settings) -> list[str]:
    faults = _issuer_faults(settings)
    if settings.acm_issuer.startswith("http://") and not _is_loopback(settings.acm_issuer):
        faults.append(
            "VOLMACHT_ACM_ISSUER is http on a public address: only https keeps ACM's answers whole."
        )
    if settings.acm_client_id and not (settings.acm_client_secret or settings.acm_private_key):
        faults.append(
            "VOLMACHT_ACM_PRIVATE_KEY_FILE (or VOLMACHT_ACM_CLIENT_SECRET) is not set: ACM must know us."
        )
    if settings.workers > 1 and not settings.redis_url:
        faults.append(
            "VOLMACHT_WORKERS is more than 1 without VOLMACHT_REDIS_URL: codes and replay marks live in one "
            "process. Set VOLMACHT_REDIS_URL, or VOLMACHT_WORKERS=1."
        )
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        faults.append("VOLMACHT_LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    if settings.database_url and not settings.database_url.startswith(
        ("sqlite:///", "postgresql://", "postgresql+psycopg://")
    ):
        faults.append("VOLMACHT_DATABASE_URL must start with sqlite:/// or postgresql://.")
    return faults


def _issuer_faults(settings: Settings) -> list[str]:
    issuer = settings.issuer
    if not issuer:
        return []
    parts = urlsplit(issuer)
    faults = []
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        faults.append("VOLMACHT_ISSUER must be an address such as https://id.example.be.")
    if issuer.endswith("/") or parts.query or parts.fragment or parts.path:
        faults.append(
            "VOLMACHT_ISSUER must have no path, query or final slash: services compare it as plain text."
        )
    if parts.scheme == "http" and not _is_loopback(issuer):
        faults.append("VOLMACHT_ISSUER is http on a public address: put TLS in front and use https.")
    if parts.scheme == "http" and not settings.demo:
        faults.append(
            "VOLMACHT_ISSUER is http outside the demo: use https, or set VOLMACHT_ENV=demo on loopback."
        )
    return faults


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
