"""The two sides of the service as values: which client each is, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass

from joserfc.jwk import ECKey

MANDATE = "urn:volmacht:mandate"


@dataclass(frozen=True, slots=True)
class Side:
    """One confidential client of the broker, with its pages under `/<key>/`."""

    key: str
    title: str
    client_id: str
    scopes: tuple[str, ...]
    base: str
    """Address of the service, without final slash."""
    private_key: ECKey | None = None
    """Then: `private_key_jwt` and pushed requests (profile `fapi`)."""
    secret: str | None = None
    """Then: `client_secret_basic` and plain requests (profile `compatible`)."""

    @property
    def home(self) -> str:
        """Where people start, and return to after signing out."""
        return f"{self.base}/{self.key}/"

    @property
    def redirect_uri(self) -> str:
        return f"{self.base}/{self.key}/callback"

    @property
    def audience(self) -> str:
        """The API of this side."""
        return f"{self.base}/api/{self.key}"

    @property
    def cookie(self) -> str:
        return f"{self.key}_session"


def citizens(base: str, private_key: ECKey) -> Side:
    """The citizens' side: they order vouchers for themselves, or somebody does it for them."""
    return Side(
        key="burgers",
        title="Dienstencheques voor burgers",
        client_id="voucher-burgers",
        scopes=(
            "openid",
            "profile",
            "vouchers:read",
            "vouchers:order",
            "mandate:use",
            "obo:vouchers:read",
            "obo:vouchers:order",
        ),
        base=base,
        private_key=private_key,
    )


def companies(base: str, secret: str) -> Side:
    """The companies' side: people always act for a company here, never for themselves."""
    return Side(
        key="ondernemingen",
        title="Dienstencheques voor ondernemingen",
        client_id="voucher-ondernemingen",
        scopes=("openid", "profile", "obo:performances:submit", "obo:performances:read", "obo:invoices:read"),
        base=base,
        secret=secret,
    )
