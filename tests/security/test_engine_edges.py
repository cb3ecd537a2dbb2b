"""Classes 5, 7 and 16 at the doors of the engine: what is not hers, what nobody can be called, who is no person."""

from __future__ import annotations

import dataclasses
import io

import pytest

from api_world import API, PEOPLE
from broker.flows import bulk, parties, staff
from broker.flows.sessions import fingerprint
from broker.records import Session
from builders import DAY
from flow_world import OCMW, VOUCHERS
from mandates.model import Evidence, Level

FAR = "0999000327"
URN = "iso6523-actorid-upis::0208:"
NUMBER, UNKNOWN = "85073003328", "90010100121"


def post(api, path, body, caller):
    return api.http.post(f"/api/v1/{path}", json=body, headers=caller)


def get(api, path, caller):
    return api.http.get(f"/api/v1/{path}", headers=caller)


def signed_in_for(api, name, organisation) -> Session:
    """A session for another organisation than the one that the world's upstream knows."""
    person = api.party(name)
    session = Session(
        fingerprint(name), f"sid-{name}", person.id, Level.HIGH, "acm", name, api.now, api.now, api.now + 3600,
        api.now, organisation=organisation.id,
    )  # fmt: skip
    with api.services.database.write() as uow:
        uow.sessions.add(session)
        uow.commit()
    for kind in ("ocmw-executor", "ocmw-manager"):
        api.give(kind, organisation, person)
    return session


@pytest.fixture
def otto(api):
    """Executor and manager of another OCMW."""
    return api.person(signed_in_for(api, "Otto", api.organisation("OCMW Verre", FAR, "ocmw")))


@pytest.mark.parametrize(
    "path",
    [
        "bulk/%00",
        "bulk/a%00b/result",
        "mandates/%00",
        "mandates/m-%00/history",
        f"organisations/{URN}%00/delegates",
        "reviews?after=1.%00",
        "mandates?role=waiting&after=1.%00",
        "representatives?principal=p-%00",
        "representations?name=%00",
        "uses?after=999999999999999999.token.999999999999999999",
        "reviews?after=999999999999999.z",
    ],
)
def test_class_16_what_nothing_is_called_is_no_fault_of_ours(api, path):
    noor = api.party("Noor")
    staff.give(api.services, noor.id, "reviewer", by=api.party("Operator").id, now=api.now)
    answer = get(api, path, api.person(api.sign_in("Noor")))
    assert answer.status_code < 500, answer.json


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("reviews/%00/decide", {"outcome": "confirm", "grounds": "x"}),
        ("bulk/%00/apply", {}),
        ("parties/reports/undo", {"reference": "a\ud800"}),
        ("decisions", {"principal": f"{URN}\ud800"}),
        ("activation-codes/redeem", {"code": "\ud800" * 12}),
        (
            "mandates",
            {
                "type": "citizen-helper",
                "principal": {"me": True},
                "representative": {"insz": NUMBER, "name": "\ud800"},
                "powers": ["vouchers:read"],
            },
        ),
    ],
)
def test_class_16_half_a_character_or_none_is_no_fault_of_ours(api, path, body):
    noor = api.party("Noor")
    staff.give(api.services, noor.id, "reviewer", by=api.party("Operator").id, now=api.now)
    answer = post(api, path, body, api.person(api.sign_in("Noor")))
    assert 400 <= answer.status_code < 500, answer.json


def test_class_16_the_name_of_a_file_is_not_stored_with_what_no_database_takes(api):
    form = {"kind": "mandates", "file": (io.BytesIO(b"insz;naam;bevoegdheden;bewijsstuk;sleutel\n1;2;3;4;5\n"), "a\ud800\x01.csv".encode("utf-8", "surrogatepass").decode("latin-1"))}  # fmt: skip
    answer = api.http.post(
        "/api/v1/bulk", data=form, headers=api.person(api.officer()), content_type="multipart/form-data"
    )
    assert answer.status_code < 500
    assert "\x01" not in answer.json.get("name", "")


def test_class_5_an_organisation_is_nobody_at_a_keyboard(api):
    """A service that asks about "the OCMW" itself hears no: it acts through people."""
    api.machine("asker", "decisions:evaluate", audiences=(API,), sector="desk")
    maria = api.services.vault.pseudonym("p-", "desk", api.beneficiary("Maria").principal)
    ocmw = f"{URN}{OCMW}"
    questions = [
        {"actor": ocmw, "principal": principal, "level": "high", **power}
        for principal in (maria, ocmw)
        for power in ({}, {"power": "vouchers:order"})
    ]
    answer = post(
        api, "decisions/evaluate", {"questions": questions}, api.program("asker", "decisions:evaluate")
    )
    assert [one["permitted"] for one in answer.json["decisions"]] == [False] * 4


def test_class_5_another_organisation_sees_and_changes_nothing_of_this_one(api, otto):
    bram, given = api.officer(), api.beneficiary("Maria", evidence=Evidence("form"))
    executor = api.give("ocmw-executor", api.ocmw, api.party("Bea"), whole=False)
    text = b"insz;naam;bevoegdheden;tot en met;bewijsstuk;sleutel\n85.07.30-033.28;M;vouchers:read;31/12/2026;f;r\n"
    job = bulk.start(api.services, bram, kind="mandates", content=io.BytesIO(text), name="f.csv", now=api.now)
    bulk.validate(api.services, bram, job.id, api.now)
    called = api.services.vault.pseudonym
    m, x = called("m-", "desk", given.id), called("m-", "desk", executor.id)
    p = called("p-", "desk", given.principal)
    looks = [
        f"mandates/{m}", f"mandates/{m}/history", f"mandates/{m}/receipt", f"mandates/{m}/preview",
        f"mandates/{x}", f"mandates/{x}/caseload", f"bulk/{job.id}", f"bulk/{job.id}/result",
        f"organisations/{URN}{OCMW}/delegates", f"representatives?principal={URN}{OCMW}",
        f"representatives?principal={p}",
    ]  # fmt: skip
    assert {(path, get(api, path, otto).status_code) for path in looks} == {(path, 404) for path in looks}
    acts = {
        **{f"mandates/{m}/{act}": {} for act in ("end", "suspend", "resume", "approve", "refuse", "cancel", "renew")},
        f"mandates/{m}/powers/vouchers:read/end": {},
        f"mandates/{m}/pass-on": {"representative": {"kbo": FAR}, "powers": ["vouchers:read"], "evidence": "f"},
        f"bulk/{job.id}/apply": {},
        "reviews": {"mandate": m, "text": "x"},
        "activation-codes": {"mandate": m, "capacity": "principal"},
    }  # fmt: skip
    assert {(path, post(api, path, body, otto).status_code) for path, body in acts.items()} == {
        (path, 404) for path in acts
    }
    put = api.http.put(f"/api/v1/mandates/{x}/caseload", json={"principals": [p]}, headers=otto)
    assert put.status_code == 404
    asked = post(api, "decisions", {"principal": p, "explain": True}, otto).json
    assert ([one["code"] for one in asked["reasons"]], asked["considered"]) == (["no_mandate"], [])


@pytest.mark.parametrize("kind", ["known", "dead", "protected", "unknown"])
def test_class_7_the_desk_hears_the_same_of_every_number(api, kind):
    bram = api.person(api.officer())
    if kind != "unknown":
        with api.services.database.write() as uow:
            found = parties.find_or_add_person(api.services, uow, NUMBER, "Echte Naam", api.now)
            if kind == "dead":
                uow.parties.save(dataclasses.replace(found, deceased_at=api.now - DAY), api.now)
            uow.commit()
        if kind == "protected":
            api.give("court-administrator", found, api.party("Advocaat"))
    body = {
        "type": "ocmw-beneficiary",
        "principal": {"insz": NUMBER, "name": "Gok"},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read"],
        "evidence": "form",
    }
    answer = post(api, "mandates", body, bram)
    told = {key: value for key, value in answer.json.items() if key not in {"identifier", "principal"}}
    assert (answer.status_code, told["state"], told["may"], told["approvals"]) == (
        201, "awaiting", ["cancel"], [],
    )  # fmt: skip
    assert answer.json["principal"]["name"] == "Gok"


def test_class_5_a_client_reads_no_reference_of_another_and_makes_none_of_its_own(api):
    api.client("other", scopes=PEOPLE | {"openid"}, audiences=(API,), sector="other")
    given = api.beneficiary("Maria")
    maria = api.sign_in("Maria")
    called = api.services.vault.pseudonym
    caller = api.person(maria)
    for sector in ("other", "vouchers", VOUCHERS):
        assert get(api, f"mandates/{called('m-', sector, given.id)}", caller).status_code == 404
    assert get(api, f"mandates/{called('p-', 'desk', given.id)}", caller).status_code == 404
    assert get(api, f"mandates/{given.id}", caller).status_code == 404


def test_class_27_what_is_typed_into_an_address_makes_no_line_of_the_log(api, monkeypatch, caplog):
    def broken(*_args):
        raise RuntimeError(NUMBER)

    caller = api.person(api.officer())
    monkeypatch.setattr(bulk, "find", broken)
    answer = get(api, f"bulk/{NUMBER} error_id=forged", caller)
    assert answer.status_code == 500
    assert "error_id=" in caplog.text
    assert not {word for word in (NUMBER, "forged") if word in caplog.text.replace("RuntimeError", "")}
    assert NUMBER not in answer.text
