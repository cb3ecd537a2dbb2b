"""The simulation itself, without the web: sign-ons, codes and tokens in memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from joserfc.jwk import RSAKey
from werkzeug.datastructures import Authorization

from demo.acm import relying_party
from demo.acm.claims import claims_of, id_token
from demo.acm.habits import Habits
from demo.acm.relying_party import RelyingParty
from demo.acm.request import AuthorizationRequest
from demo.acm.shelf import Shelf
from demo.village import Person, Village

CODE_SECONDS = 30
SIGN_ON_SECONDS = 2 * 3600
ACCESS_TOKEN_SECONDS = 3600
TRANSACTION_SECONDS = 600


class TokenRequestError(Exception):
    """The token request is refused (RFC 6749 section 5.2)."""

    code: ClassVar[str] = "token_request"

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class ChoiceError(Exception):
    """This person cannot sign in; the text says why, in Dutch, for the person at the screen."""

    code: ClassVar[str] = "choice"


@dataclass(frozen=True, slots=True)
class SignOn:
    """A person who chose, and when: what lives on in ACM's own session."""

    person: Person
    at: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-on, and the request that it answers."""

    sign_on: SignOn
    request: AuthorizationRequest


class SimulatedAcm:
    """State and rules of the simulation. `key` signs ID tokens (RS256)."""

    def __init__(
        self,
        issuer: str,
        village: Village,
        clients: Iterable[RelyingParty],
        key: RSAKey,
        habits: Habits,
    ) -> None:
        self.habits = habits
        self.issuer = issuer
        self.village = village
        self.parties: Mapping[str, RelyingParty] = {party.client_id: party for party in clients}
        self.key = key
        self.key.ensure_kid()
        self._transactions: Shelf[AuthorizationRequest] = Shelf(TRANSACTION_SECONDS)
        self._sign_ons: Shelf[SignOn] = Shelf(SIGN_ON_SECONDS)
        self._codes: Shelf[SignedIn] = Shelf(CODE_SECONDS)
        self._access_tokens: Shelf[SignedIn] = Shelf(ACCESS_TOKEN_SECONDS)
        self._assertions: Shelf[str] = Shelf(relying_party.ASSERTION_SECONDS)

    def open_transaction(self, request: AuthorizationRequest, now: int) -> str:
        """Remember a request while its person chooses; the id goes into the form."""
        return self._transactions.put(request, now)

    def find_transaction(self, transaction: str, now: int) -> AuthorizationRequest | None:
        return self._transactions.find(transaction, now)

    def means_of(self, transaction: str, now: int) -> frozenset[str]:
        """Means with which this request can be answered; none if it is over."""
        request = self._transactions.find(transaction, now)
        return request.mechanisms if request else frozenset()

    def choose(self, transaction: str, persona: str, now: int) -> SignOn:
        """Close the transaction for this person. Raise `ChoiceError`, leaving it open."""
        person = self.village.people.get(persona)
        if person is None:
            raise ChoiceError("Deze persoon woont niet in het dorp. Kies iemand uit de lijst.")
        if person.no_login:
            raise ChoiceError(f"{person.name} kan zich niet aanmelden. {person.no_login}")
        request = self._transactions.find(transaction, now)
        if request is None or person.acr not in request.mechanisms:
            raise ChoiceError(
                f"{person.name} heeft geen aanmeldmiddel dat sterk genoeg is voor deze toepassing."
            )
        # Of two posts of one form, the first one signs in.
        if self._transactions.take(transaction, now) is None:
            raise ChoiceError("Deze aanmelding is al gebruikt. Begin opnieuw bij de toepassing.")
        return SignOn(person, now)

    def keep(self, sign_on: SignOn, now: int) -> str:
        """Keep a sign-on for two hours; the value is for the cookie."""
        return self._sign_ons.put(sign_on, now)

    def end_sign_on(self, sign_on: str, now: int) -> None:
        self._sign_ons.take(sign_on, now)

    def signed_on(self, cookie: str, request: AuthorizationRequest, now: int) -> SignOn | None:
        """What may answer at once: a running sign-on, strong and young enough, no fresh choice asked."""
        found = self._sign_ons.find(cookie, now)
        fits = found is not None and request.may_be_answered_by(found.person.acr, now - found.at)
        return found if fits else None

    def issue_code(self, sign_on: SignOn, request: AuthorizationRequest, now: int) -> str:
        """A code that works once, for thirty seconds."""
        return self._codes.put(SignedIn(sign_on, request), now)

    def redeem(
        self, form: Mapping[str, str], authorization: Authorization | None, now: int
    ) -> dict[str, Any]:
        """Answer a token request. Raise `ClientAuthenticationError` or `TokenRequestError`."""
        party = relying_party.authenticate(
            form, authorization, parties=self.parties, issuer=self.issuer, used=self._assertions, now=now
        )
        if form.get("grant_type") != "authorization_code":
            raise TokenRequestError("unsupported_grant_type", "only authorization_code is simulated")
        signed_in = self._codes.take(form.get("code", ""), now)
        if signed_in is None:
            raise TokenRequestError("invalid_grant", "the code is unknown, used or older than 30 seconds")
        request = signed_in.request
        if request.client_id != party.client_id or request.redirect_uri != form.get("redirect_uri"):
            raise TokenRequestError("invalid_grant", "the code belongs to another request")
        if not _proves(form.get("code_verifier"), request.code_challenge):
            raise TokenRequestError("invalid_grant", "code_verifier does not fit")
        access_token = self._access_tokens.put(signed_in, now)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
            "scope": " ".join(request.scopes),
            "id_token": id_token(
                signed_in.sign_on.person,
                request,
                issuer=self.issuer,
                key=self.key,
                access_token=access_token,
                said=self.habits.said_of(signed_in.sign_on.at),
                now=now,
            ),
        }

    def userinfo(self, access_token: str, now: int) -> dict[str, Any] | None:
        """Claims of the person of this access token, or None."""
        signed_in = self._access_tokens.find(access_token, now)
        return claims_of(signed_in.sign_on.person, signed_in.request) if signed_in else None


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """RFC 7636 section 4.6. A verifier without challenge is a mixed-up flow and fails too."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
