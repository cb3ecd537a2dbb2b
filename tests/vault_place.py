"""A broker whose vault the tests look into."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from broker import wiring
from broker.flows import parties
from flow_world import AnsweringUpstream, settings
from storage.records import NOW

ROOT = Path(__file__).parents[1]
MASTER, OTHER = bytes(range(32)), bytes(range(100, 132))
PARTY = "6f1c2c1e-7a53-4d0a-9d53-0a1f4a3b2c1d"


def number(seq):
    """A national number whose check digits agree; seq from 0 to 27,000."""
    base = int(f"70{seq // 900 % 12 + 1:02}{seq // 30 % 28 + 1:02}{seq % 30 + 1:03}")
    return f"{base:09}{97 - base % 97:02}"


class Place:
    """A broker on this database: its own services, its own vault, its own idea of the keys."""

    def __init__(self, url, master=MASTER, previous=None):
        self.now = NOW
        plain = settings(Path("unused.db"), database_url=url, master_key=master, master_key_previous=previous)
        self.services = wiring.build(plain, lambda: self.now, AnsweringUpstream())
        self.database = self.services.database

    def add(self, *seqs):
        with self.database.write() as uow:
            found = [
                parties.find_or_add_person(self.services, uow, number(seq), f"Person {seq}", self.now).id
                for seq in seqs
            ]
            uow.commit()
        return found

    def find(self, seq):
        with self.database.read() as uow:
            found = uow.parties.find_by_insz_index(*parties.insz_indexes(self.services, uow, number(seq)))
            return found and found.id

    def number_of(self, party):
        with self.database.read() as uow:
            sealed = uow.parties.insz_sealed(party)
        return self.services.vault.open(sealed, f"insz:{party}").decode()

    def keys(self, use):
        with self.database.read() as uow:
            return [one for one in uow.vault_keys.all() if one.use == use]

    def rows(self, statement):
        with self.database._engines.read.begin() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def pseudonym(self):
        return self.services.vault.pseudonym("p-", "vouchers", PARTY)
