"""Files of requests for tests, and the way of one through the broker."""

import dataclasses
import io
import sqlite3

from broker.flows import bulk

EXECUTOR = "DienstenchequesVlaanderen-mandaatuitvoerder:0999000129"
MANAGER = "DienstenchequesVlaanderen-beheerder:0999000129"
COMPANY = "0999000228"


def insz(count):
    born = f"850730{count + 1:03}"
    return f"{born}{97 - int(born) % 97:02}"


def beneficiary(count, **changed):
    cells = {"sleutel": f"k{count}", "naam": f"Persoon {count}", "rijksregisternummer": insz(count)}
    return cells | {"bevoegdheden": "vouchers:read vouchers:order", "bewijsstuk": "gesprek"} | changed


def employee(count, **changed):
    cells = {"naam": f"Medewerker {count}", "rijksregisternummer": insz(count), "bevoegdheden": "alle"}
    return cells | changed


def csv(*rows):
    titles = list(dict.fromkeys(title for row in rows for title in row))
    lines = [titles, *([row.get(title, "") for title in titles] for row in rows)]
    return "\r\n".join(";".join(line) for line in lines).encode()


def bring(flow, session, *rows, kind="mandates", name="aanvragen.csv"):
    content = rows[0] if isinstance(rows[0], bytes) else csv(*rows)
    return bulk.start(
        flow.services, session, kind=kind, content=io.BytesIO(content), name=name, now=flow.now
    ).id


def validate(flow, session, job):
    bulk.validate(flow.services, session, job, flow.now)
    return verdicts(flow, job)


def apply(flow, session, job):
    """Validated and applied: verdict and code of each row."""
    bulk.validate(flow.services, session, job, flow.now)
    bulk.apply(flow.services, session, job, flow.now)
    return verdicts(flow, job)


def rows_of(flow, job):
    with flow.services.database.read() as uow:
        return uow.bulk.rows_after(job, 0, 1000)


def verdicts(flow, job):
    return [(row.verdict, row.code) if row.code else row.verdict for row in rows_of(flow, job)]


def made(flow, job):
    """The mandates that a job made, in the order of its rows."""
    ids = [row.mandate for row in rows_of(flow, job) if row.mandate]
    with flow.services.database.read() as uow:
        found = uow.mandates.get_many(ids)
    return [found[one] for one in ids]


def result(flow, session, job, file_format="csv", **options):
    out = io.BytesIO()
    bulk.result(flow.services, session, job, out, file_format, flow.now, **options)
    return [line.split(";") for line in out.getvalue().decode("utf-8-sig").splitlines()]


def contents(flow, *left_out):
    """Everything that is stored, table by table."""
    with sqlite3.connect(flow.file) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    return {name: found for name, found in rows.items() if name not in left_out}


def types_in_journal(flow):
    with flow.services.database.read() as uow:
        return [row.type for row in reversed(uow.journal.tail(1000))]


def person(flow, count, name="Ooit Getypt"):
    """Somebody who is recorded under a number, with another name than files type."""
    session = flow.officer()
    apply(flow, session, bring(flow, session, beneficiary(count, naam=name, sleutel="")))
    with flow.services.database.read() as uow:
        return next(
            uow.parties.get(one.principal)
            for one in uow.mandates.of_representatives([flow.ocmw.id])
            if one.evidence.typed_name == name
        )


def manager_of_company(flow):
    company = flow.organisation("Poetshulp", COMPANY, "recognised_company")
    session = dataclasses.replace(flow.sign_in("Els"), organisation=company.id)
    with flow.services.database.read() as uow:
        els = uow.parties.get(session.party)
    flow.give("company-manager", company, els)
    return company, session
