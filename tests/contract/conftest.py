"""One officer, one beneficiary, and a token of every kind that the broker gives about them."""

from __future__ import annotations

import pytest

from exchange_world import ExchangeWorld


class Roads(ExchangeWorld):
    """Bram of the OCMW acts for Maria, by code, refresh, exchange and narrowing; and for himself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bram = self.officer()
        self.given = self.beneficiary("Maria")
        self.maria = self.stored(self.given.principal)

    def own(self):
        """Token responses of Bram for himself, by the road on which they came."""
        code = self.tokens(self.web, self.bram)
        return {
            "code": code,
            "refresh": self.refresh(self.web, code),
            "narrowed": self.narrow(code["access_token"]),
        }

    def acting(self):
        """The same of Bram for Maria."""
        code = self.tokens(self.web, self.bram, self.key_of(self.web, self.given))
        exchanged = self.act(self.given, self.self_token(self.bram))
        return {
            "code": code,
            "refresh": self.refresh(self.web, code),
            "narrowed": self.narrow(code["access_token"]),
            "exchanged": exchanged,
        }

    def called(self, party: str, sector: str) -> str:
        return self.services.vault.pseudonym("p-", sector, party)


@pytest.fixture
def roads(tmp_path):
    world = Roads(tmp_path)
    yield world
    world.close()
