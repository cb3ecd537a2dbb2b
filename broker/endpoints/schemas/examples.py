"""One example for each request and answer: shown in the document, and sent through the schemas by a test."""

from __future__ import annotations

from typing import Any

PERSON, OFFICER = "p-s8KAexample", "p-dwkyexample"
OCMW = "iso6523-actorid-upis::0208:0999000129"
MANDATE, OLDER = "m-5e1dexample", "m-77Zxexample"
NOW, LATER = 1_795_420_000, 1_798_671_600

REASON: dict[str, Any] = {
    "code": "mandate_expired",
    "since": 1_795_400_000,
    "needs": [],
    "title": "De volmacht is verlopen.",
    "mend": "Vraag een nieuwe volmacht.",
}
PARTY = {"identifier": PERSON, "kind": "person", "name": "Maria Peeters"}
ORGANISATION = {"identifier": OCMW, "kind": "organisation", "name": "OCMW Dorp"}
ASK = {
    "type": "ocmw-beneficiary",
    "principal": {"insz": "85.07.30-033.28", "name": "Maria Peeters"},
    "representative": {"my_organisation": True},
    "powers": ["vouchers:read", "vouchers:order"],
    "first_day": "2026-12-01",
    "last_day": "2027-11-30",
    "evidence": "Ondertekend formulier van 23 november 2026",
}
SEEN: dict[str, Any] = {
    "identifier": MANDATE,
    "type": "ocmw-beneficiary",
    "state": "active",
    "since": NOW,
    "principal": PARTY,
    "representative": ORGANISATION,
    "powers": ["vouchers:read", "vouchers:order"],
    "ended_powers": [],
    "valid_from": NOW,
    "valid_until": LATER,
    "requested_at": NOW,
    "source": "stored",
    "whole": True,
    "approvals": ["second_officer"],
    "replaces": None,
    "passed_on_from": None,
    "version": 2,
    "may": ["end", "suspend"],
}
PAGE = {"mandates": [SEEN], "next": None}
DOCUMENT = {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
GROUNDS = {"grounds": "Mevrouw woont nu in een andere gemeente."}
RENEW = {"last_day": "2028-11-30"}
RENEWAL = {
    "mandate": {
        **SEEN,
        "identifier": OLDER,
        "state": "awaiting",
        "replaces": MANDATE,
        "approvals": [],
        "version": 1,
    },
    "replaces": SEEN,
    "waits_for": [["principal", "second_officer"]],
}
PASS_ON = {
    "representative": {"insz": "85.07.30-033.28", "name": "Bea Martens"},
    "powers": ["vouchers:read"],
    "evidence": "Vervangt mij in december.",
}
HISTORY = {
    "history": [
        {
            "at": NOW,
            "event": "mandate.activated",
            "by": {**PARTY, "identifier": OFFICER, "name": "Bea Martens"},
            "grounds": "",
        }
    ],
    "next": None,
}
LINK = {
    "identifier": MANDATE,
    "mandate_type": "ocmw-beneficiary",
    "principal": PERSON,
    "representative": OCMW,
    "executor": False,
}
HAND = {
    **LINK,
    "identifier": OLDER,
    "mandate_type": "ocmw-executor",
    "principal": OCMW,
    "representative": OFFICER,
    "executor": True,
}
REPRESENTATIONS = {
    "representations": [
        {
            "identifier": MANDATE,
            "mandate_type": "ocmw-beneficiary",
            "principal": PERSON,
            "principal_name": "Maria Peeters",
            "representative": OCMW,
            "actions": ["vouchers:read", "vouchers:order"],
            "not_after": LATER,
        }
    ],
    "next": None,
    "incomplete": [],
}
REPRESENTATIVES = {
    "representatives": [
        {
            "person": {**PARTY, "identifier": OFFICER, "name": "Bram Claes"},
            "actions": ["vouchers:read"],
            "not_after": LATER,
            "path": [LINK, HAND],
        }
    ],
    "organisations": [
        {"organisation": ORGANISATION, "actions": ["vouchers:read"], "not_after": LATER, "path": [LINK]}
    ],
    "at": NOW,
    "known_at": NOW,
}
DELEGATES = {
    "delegates": [
        {
            "identifier": OLDER,
            "mandate_type": "ocmw-executor",
            "representative": {**PARTY, "identifier": OFFICER, "name": "Bram Claes"},
            "actions": ["vouchers:read"],
            "state": "active",
            "valid_from": NOW,
            "valid_until": LATER,
            "whole": False,
        }
    ],
    "next": None,
}
MEMBERS = {"principals": [PERSON]}
CASELOAD = {"executor": OLDER, "principals": [PARTY]}
QUESTION = {"principal": PERSON, "power": "vouchers:order"}
DECIDE = {**QUESTION, "explain": True, "fresh_as": 48_211}
PERMIT: dict[str, Any] = {
    "permitted": True,
    "reasons": [],
    "path": [LINK, HAND],
    "actions": ["vouchers:read", "vouchers:order"],
    "not_after": LATER,
    "revision": 48_212,
}
DENY = {
    "permitted": False,
    "reasons": [REASON],
    "path": [],
    "actions": [],
    "not_after": None,
    "revision": 48_212,
}
EXPLAINED = {
    **DENY,
    "considered": [{"path": [LINK], "reasons": [REASON], "actions": ["vouchers:read"], "not_after": NOW}],
}
BATCH = {"questions": [QUESTION, {"principal": OCMW, "power": "delegates:manage"}]}
EVALUATE = {"questions": [{**QUESTION, "actor": OFFICER, "level": "substantial"}]}
DECISIONS = {"decisions": [PERMIT, DENY]}
NUMBERS = {"numbers": ["85.07.30-033.28", "90010112345"]}
RESOLVED = {"identifiers": [PERSON, None]}
REPORT = {
    "cause": "leaver",
    "party": OFFICER,
    "day": "2026-11-20",
    "organisation": OCMW,
    "source": "Personeelsdienst",
    "dry_run": True,
}
REPORTED = {
    "reference": None,
    "cause": "leaver",
    "changed": 1,
    "taken_over": 0,
    "sessions": 1,
    "grants": 2,
    "lines": [{"mandate": OLDER, "type": "ocmw-executor", "becomes": "cascaded"}],
}
SETS_ASIDE = REPORTED | {
    "cause": "measure",
    "sessions": 0,
    "lines": [{"mandate": OLDER, "type": "citizen-helper", "becomes": "suspended"}],
}
ADDRESS = {
    "party": REPORT["party"],
    "address": "Kerkstraat 1, 9999 Dorp",
    "source": "Rijksregister",
    "dry_run": False,
}
ADDRESSED = {"stored": True}
UNDO = {"reference": "0b0f0c9e-6f2f-4c8e-9a3a-5a4d3c2b1a00"}
IMPORT = {
    "text": "kbo;naam;soorten\n0999000129;OCMW Dorp;ocmw\n",
    "source": "KBO-uittreksel 2026-11",
    "complete": False,
    "dry_run": True,
}
IMPORTED = {"added": 1, "changed": 0, "unchanged": 0, "ended": 0}
JOB: dict[str, Any] = {
    "identifier": "5d6c1f0a-2f6a-4d53-8d0b-1c2b3a4d5e6f",
    "kind": "mandates",
    "name": "aanvragen.csv",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": NOW,
    "rows": 2,
    "applied_rows": 0,
    "validated_at": NOW,
    "applied_at": None,
    "counts": {"accepted": 1, "refused": 1},
}
ISSUE = {"mandate": MANDATE, "capacity": "representative"}
LETTER = {
    "code": "7K3M-9QXD-4TWA",
    "mandate": MANDATE,
    "capacity": "representative",
    "name": "Bea Martens",
    "address": None,
    "redeemable_until": LATER,
}
REDEEM = {"code": "7K3M-9QXD-4TWA"}
USE_CODE = REDEEM | {"act": "refuse"}
REVIEWS = {
    "reviews": [
        {
            "identifier": "c-1",
            "kind": "misuse",
            "opened_at": NOW,
            "text": "Bestelt zonder te vragen.",
            "mandate": SEEN,
        }
    ],
    "next": None,
}
MISUSE = {"mandate": MANDATE, "text": "Bestelt zonder te vragen."}
OPENED = {"identifier": "c-1"}
OUTCOME = {"outcome": "withdraw", "grounds": "De aanvraag klopt niet met het dossier."}
USES = {
    "lines": [
        {
            "jti": "k3J9example",
            "sub": PERSON,
            "act_sub": OFFICER,
            "representative": OCMW,
            "identifier": MANDATE,
            "decision": "permit",
            "at": NOW,
            "operation": "vouchers:order",
        }
    ]
}
POSTED = {"results": ["stored"]}
USE_PAGE = {
    "uses": [
        {
            "at": NOW,
            "kind": "use",
            "client": "voucher-web",
            "actor": {**PARTY, "identifier": OFFICER, "name": "Bram Claes"},
            "representative": ORGANISATION,
            "mandate": MANDATE,
            "operations": ["vouchers:order"],
            "decision": "permit",
        }
    ],
    "next": None,
}
NOTICE_PAGE = {
    "notices": [
        {
            "number": 41,
            "at": NOW,
            "type": "mandate.activated",
            "mandate_type": "ocmw-beneficiary",
            "mandate": MANDATE,
        }
    ],
    "next": None,
}
NOTE = "id.example.be\n1024\nq1o3...=\n\n— id.example.be ...\n"
CHECKPOINT = {"size": 1024, "root": "ab" * 32, "checkpoint": NOTE, "keys": ["id.example.be+2b..."]}
CONSISTENCY = {"old_size": 1000, "size": 1024, "proof": ["cd" * 32], "checkpoint": NOTE}
RECEIPT = {
    "kind": "receipt",
    "version": 1,
    "origin": "id.example.be",
    "keys": ["id.example.be+2b..."],
    "mandate": "0b0f0c9e-6f2f-4c8e-9a3a-5a4d3c2b1a00",
    "checkpoint": NOTE,
    "rows": [{"index": 12, "proof": ["ef" * 32]}],
}
