"""The REST API: each word of a story is one request, with a real token of the person who says it."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

from broker.app import create_app
from broker.flows import callers, registry
from builders import catalogue
from flow_world import ISSUER
from stories.driver import Answer, Asking, News, RefusedError
from stories.registered import REVIEWER, Registered
from stories.village import Village

API = f"{ISSUER}{registry.API}"
PAGE = 2
"""Lines of a page: few, so that lists have several."""


class Http(Registered):
    """A desk's client, that may ask everything for everybody: what she may is hers."""

    def __init__(self, village: Village, folder: Path, url: str) -> None:
        super().__init__(village, folder, url)
        self.http = create_app(self.services.settings, self.services).test_client()
        self.desk = self.world.client(
            "desk",
            scopes=registry.API_SCOPES | {"openid", "profile"},
            audiences=(API,),
            mandate_types=tuple(catalogue().types),
            sector="desk",
        )
        self.references = callers.references(self.services, self.desk)
        self.tokens: dict[tuple[str, int], str] = {}

    def ask(self, who: str, asking: Asking) -> str:
        body = {
            "type": asking.type,
            "principal": self._party(who, asking.principal),
            "representative": self._party(who, asking.representative),
            "powers": asking.powers,
            "evidence": asking.evidence,
            "whole": asking.whole,
        }
        if asking.document:
            body["sha256"] = self.bring(who, asking)
        days = {"first_day": asking.first, "last_day": asking.last}
        return self._post(who, "/mandates", body | _days(**days))["identifier"]

    def bring(self, who: str, asking: Asking) -> str:
        paper = {"file": (BytesIO(asking.paper), "judgment.pdf")}
        return self._send(who, "POST", "/documents", data=paper)["sha256"]

    def act(self, who: str, act: str, mandate: str, grounds: str) -> None:
        self._post(who, f"/mandates/{mandate}/{act}", {"grounds": grounds})

    def end_power(self, who: str, mandate: str, power: str) -> None:
        self._post(who, f"/mandates/{mandate}/powers/{power}/end", {})

    def renew(
        self, who: str, mandate: str, powers: tuple[str, ...] | None, last_day: date | None, *, at_once: bool
    ) -> str:
        body = {"at_once": at_once} | ({"powers": powers} if powers else {}) | _days(last_day=last_day)
        return self._post(who, f"/mandates/{mandate}/renew", body)["mandate"]["identifier"]

    def pass_on(self, who: str, mandate: str, to: str, powers: tuple[str, ...], last_day: date | None) -> str:
        body = {"representative": self._party(who, to), "powers": powers, "evidence": "moved house"}
        return self._post(who, f"/mandates/{mandate}/pass-on", body | _days(last_day=last_day))["identifier"]

    def change_caseload(self, who: str, executor: str, principal: str, *, add: bool) -> None:
        path = f"/mandates/{executor}/caseload"
        if add:
            self._send(who, "PUT", path, json={"principals": [self._reference(principal)]})
        else:
            self._send(who, "DELETE", f"{path}/{self._reference(principal)}")

    def report(self, who: str, news: News) -> None:
        body = {
            "cause": news.cause,
            "party": self._reference(news.party),
            "day": news.since.isoformat(),
            "source": "register",
            "dry_run": False,
        }
        if news.other:
            body["successor" if news.cause == "merged" else "organisation"] = self._reference(news.other)
        if news.kind:
            body["kind"] = news.kind
        self.reported.append(self._post(who, "/parties/reports", body)["reference"])

    def undo(self, who: str) -> None:
        self._post(who, "/parties/reports/undo", {"reference": self.reported[-1]})

    def issue_code(self, who: str, mandate: str, capacity: str) -> str:
        return self._post(who, "/activation-codes", {"mandate": mandate, "capacity": capacity})["code"]

    def redeem(self, who: str, code: str) -> None:
        self._post(who, "/activation-codes/redeem", {"code": code})

    def act_by_code(self, code: str, act: str) -> None:
        """At the door that needs no token."""
        answer = self.http.post(f"{registry.API}/activation-codes/use", json={"code": code, "act": act})
        assert (answer.status_code, answer.data) == (204, b""), answer.text

    def report_misuse(self, who: str, mandate: str) -> None:
        self._post(who, "/reviews", {"mandate": mandate, "text": "not me"})

    def review(self, who: str, mandate: str, outcome: str) -> None:
        waiting = self._pages(who, "/reviews", "reviews")
        case = next(one["identifier"] for one in waiting if one["mandate"]["identifier"] == mandate)
        self._post(who, f"/reviews/{case}/decide", {"outcome": outcome, "grounds": "looked at"})

    def decide(self, who: str, power: str, principal: str) -> Answer:
        body = {"principal": self._reference(principal), "power": power}
        said = self._post(who, "/decisions", body)
        path = tuple(link["identifier"] for link in said["path"])
        return Answer(said["permitted"], path, frozenset(reason["code"] for reason in said["reasons"]))

    def represents(self, who: str) -> set[str]:
        return {row["principal_name"] for row in self._pages(who, "/representations", "representations")}

    def can_act(self, principal: str, at: int, known_at: int) -> set[str]:
        query = {"principal": self._reference(principal), "at": at, "known_at": known_at}
        viewer = self.viewer_of(principal)
        said = self._send(viewer, "GET", "/representatives", query_string=query)
        return {row["person"]["name"] for row in said["representatives"]}

    def state(self, mandate: str) -> str:
        self.sign_in(REVIEWER)
        return self._send(REVIEWER, "GET", f"/mandates/{mandate}")["state"]

    # --- requests ---

    def _post(self, who: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._send(who, "POST", path, json=body)

    def _send(self, who: str, method: str, path: str, **request: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token(who)}"}
        answer = self.http.open(f"{registry.API}{path}", method=method, headers=headers, **request)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json", answer.text
            assert "errors" not in answer.json, answer.json
            raise RefusedError(answer.json["code"])
        return answer.json if answer.data else {}

    def _pages(self, who: str, path: str, rows: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": PAGE}
        while True:
            page = self._send(who, "GET", path, query_string=query)
            found += page[rows]
            if page["next"] is None:
                return found
            query["after"] = page["next"]

    def _token(self, who: str) -> str:
        """Of this instant: a token lives for minutes, a story for years."""
        session = self._session(who)
        if (session.id, self.now) not in self.tokens:
            answer = self.world.tokens(self.desk, session, wants_mandate=False)
            self.tokens[session.id, self.now] = answer["access_token"]
        return self.tokens[session.id, self.now]

    def _reference(self, party: str) -> str:
        return self.references.party(self.parties[party])

    def _party(self, who: str, party: str) -> dict[str, Any]:
        """As she would fill in a form: herself, her organisation, or by number."""
        named = self._named(who, party)
        if named.insz:
            return {"insz": named.insz, "name": named.name}
        if named.kbo:
            return {"kbo": named.kbo}
        return {"me": True} if named.me else {"my_organisation": True}


def _days(**days: date | None) -> dict[str, str]:
    return {name: day.isoformat() for name, day in days.items() if day is not None}
