"""The demo's data folder: made at the first start, kept at every next one.

It holds the database and one file a secret, readable by their owner alone. A
file that exists is never made again: who loses `master.key` loses what was sealed
with it, so a folder with a database but without that key is refused, not mended.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from joserfc.jwk import ECKey, KeySet, KeySetSerialization, RSAKey


class HomeError(Exception):
    """The data folder cannot be used; the text says what to do."""

    code: ClassVar[str] = "unusable_home"


class Home:
    """Where the demo keeps its data. `prepare` makes what is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "volmacht.db"
        self.master_key = folder / "master.key"
        self.acm_signing_key = folder / "acm-signing.pem"
        self.acm_client_key = folder / "acm-client.pem"
        self.acm_client_jwks = folder / "acm-client.jwks.json"
        self.voucher_key = folder / "voucher-burgers.pem"
        self.voucher_jwks = folder / "voucher-burgers.jwks.json"
        self.companies_secret = folder / "voucher-ondernemingen.secret"

    def prepare(self) -> None:
        """Make the folder (0700) and every secret (0600) that is not there. Raise `HomeError`."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._make_secrets()
        except OSError as error:
            raise HomeError(f"{self.folder} cannot be used: {error.strerror}. Set VOLMACHT_HOME.") from error

    def write_environment(self, environ: Mapping[str, str]) -> None:
        """Let `volmacht` commands speak to this village: the broker's settings, a line each.

        Our secrets stay in their files and the lines name those; what the user set is kept as it was.
        """
        lines = [f"{name}={value}" for name, value in sorted(environ.items()) if "\n" not in value]
        _keep(self.folder / "broker.env", "\n".join(lines) + "\n")

    def _make_secrets(self) -> None:
        if self.database.exists() and not self.master_key.exists():
            raise HomeError(
                f"{self.database} exists but {self.master_key.name} beside it is gone, so nobody can read "
                "what was sealed. Put the key back, or move the folder away to start afresh."
            )
        if not self.master_key.exists():
            _keep(self.master_key, base64.b64encode(os.urandom(32)).decode("ascii"))
        if not self.acm_signing_key.exists():
            _keep(self.acm_signing_key, _pem(RSAKey.generate_key(2048)))
        if not self.acm_client_key.exists():
            _keep(self.acm_client_key, _pem(RSAKey.generate_key(2048)))
        if not self.voucher_key.exists():
            _keep(self.voucher_key, _pem(ECKey.generate_key("P-256")))
        if not self.companies_secret.exists():
            _keep(self.companies_secret, secrets.token_urlsafe(32))
        # Always written: the public halves follow from the private ones.
        _keep(self.acm_client_jwks, _public(RSAKey.import_key(self.acm_client_key.read_text()), "RS256"))
        _keep(self.voucher_jwks, _public(ECKey.import_key(self.voucher_key.read_text()), "ES256"))


def read_jwks(path: Path) -> KeySetSerialization:
    """The public key set of a file that `Home.prepare` wrote."""
    jwks: KeySetSerialization = json.loads(path.read_text(encoding="utf-8"))
    return jwks


def _pem(key: RSAKey | ECKey) -> str:
    return key.as_pem(private=True).decode("ascii")


def _public(key: RSAKey | ECKey, alg: str) -> str:
    return json.dumps(KeySet([key]).as_dict(private=False, use="sig", alg=alg), indent=1)


def _keep(path: Path, text: str) -> None:
    """Write whole or not at all, for the owner's eyes only from the first byte."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
