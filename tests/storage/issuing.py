"""What tests of issuing share: a village, issues as somebody judged them, and things that run beside."""

import dataclasses
import threading

from broker.port_errors import PortError
from broker.records import Basis, Client, Issue
from mandates.events import Event
from mandates.model import Ending
from storage.records import NOW, grant, mandate, populate

API = "https://vouchers.example.be/api"
CHAIN = ("m1", "x1")


def basis(key="g0", audience=API, **facts):
    plain = Basis(key, "voucher-web", audience, *CHAIN)
    return dataclasses.replace(plain, **facts)


def event(key="g0"):
    return Event("token.exchanged", NOW, "bram", mandate="m1", principal="maria", detail={"grant": key})


def fill(database):
    """Maria and Jozef gave to the OCMW, for which Bram acts; eighty grants of his."""
    populate(database)
    with database.write() as unit:
        unit.mandates.add(mandate("m1", "maria", "ocmw"), NOW)
        unit.mandates.add(mandate("m2", "jozef", "ocmw"), NOW)
        unit.mandates.add(mandate("x1", "ocmw", "bram"), NOW)
        unit.registry.put_client(Client("voucher-web", "Vouchers", "fapi", "private_key_jwt"))
        for number in range(80):
            unit.grants.add(grant(f"g{number}"))
        unit.commit()


def judged(database, key="g0", chain=CHAIN, **facts):
    """An issue as somebody judges it at this moment."""
    with database.read() as unit:
        revision, registrations = unit.mandates.revision(), unit.registry.version()
    plain = Issue(basis(key), NOW + 300, chain, revision, registrations, event(key))
    return dataclasses.replace(plain, **facts)


def journal(database):
    with database.read() as unit:
        return [
            one.body["detail"]["grant"] for one in unit.journal.tail(1000) if one.type == "token.exchanged"
        ]


def entry(database, found):
    with database.read() as unit:
        return unit.status.entry(found.list, found.index)


def attempt(database, issue):
    try:
        return database.issue(issue, NOW)
    except PortError as error:
        return error


class Running(threading.Thread):
    """Something that runs beside the test, and what came of it."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self._work, self.answer = work, None
        self.start()

    def run(self):
        self.answer = self._work()

    def waits(self):
        self.join(0.3)
        return self.is_alive()

    def result(self):
        self.join(20)
        assert not self.is_alive()
        return self.answer


def ended(one):
    over = {"ended_at": NOW, "ending": Ending.REVOKED, "ended_by": "maria"}
    return dataclasses.replace(one, version=one.version + 1, **over)


def run_together(count, work):
    together = threading.Barrier(count)

    def run(number):
        together.wait()
        return work(number)

    threads = [Running(lambda number=number: run(number)) for number in range(count)]
    return [one.result() for one in threads]
