"""Proof of possession at our own endpoints (RFC 9449 sections 5, 8 and 10).

The proof itself is verified by the guard, as at any voucher service. What is added here:
the nonce, and that a proof counts once. The nonce is no record but a keyed hash of the
period in which it is given out, so that it costs no store and any worker knows it; it is
accepted for one more period, so it is never asked anew between two requests of a moment.
"""

from __future__ import annotations

import hmac

from flask import Response

from broker.oauth.endpoints import ENDPOINTS
from broker.oauth.errors import InvalidDpopProofError, UseDpopNonceError
from broker.oauth.request import Request, UsedOnce
from broker.ports import Services
from mandates.model import Instant
from volmacht_guard import InvalidProofError
from volmacht_guard.dpop import Proof, VerifiedProof, verify_proof

NONCE_PURPOSE = "dpop_nonce"
NONCE_LENGTH = 32
"""Hexadecimal digits: 128 bits."""


def prove(services: Services, request: Request, endpoint: str) -> VerifiedProof | None:
    """Verify the proof of a request to `endpoint`, if it brings one; leave its key on the request.

    Raise `InvalidDpopProofError`. A server before us joins two headers with a comma, which no
    proof contains: so two are refused as one that is none (section 4.3, number 1).
    """
    unverified = request.headers.get("DPoP")
    if unverified is None:
        return None
    url, now = services.settings.issuer + ENDPOINTS[endpoint], services.clock()
    try:
        proof = verify_proof(Proof(unverified, "POST", url), now)
    except InvalidProofError as error:
        raise InvalidDpopProofError(f"The DPoP proof is refused: {error.code}.") from error
    request.jkt = proof.jkt
    request.used_once.append(UsedOnce("dpop", proof.mark, proof.lives(now), proof.iat))
    return proof


def check_nonce(services: Services, proof: VerifiedProof, *, demanded: bool) -> None:
    """Raise `UseDpopNonceError` for a nonce that is old or not ours, and for none where one is demanded.

    It says that the proof was made lately: `iat` alone says only what a clock, or whoever
    had the key for a moment, wanted it to say (section 11.2).
    """
    seconds = services.settings.dpop_nonce_seconds
    if seconds == 0 or (proof.nonce is None and not demanded):
        return
    period = services.clock() // seconds
    given = (proof.nonce or "").encode()
    if not any(hmac.compare_digest(given, _nonce(services, one).encode()) for one in (period, period - 1)):
        raise UseDpopNonceError("Send a DPoP proof with the nonce of this answer.")


def offer_nonce(services: Services, request: Request, response: Response) -> Response:
    """Put the newest nonce on the answer to a request that brought a proof (section 8.2)."""
    seconds = services.settings.dpop_nonce_seconds
    if seconds and "DPoP" in request.headers:
        response.headers["DPoP-Nonce"] = _nonce(services, services.clock() // seconds)
    return response


def _nonce(services: Services, period: Instant) -> str:
    seconds = services.settings.dpop_nonce_seconds
    return services.vault.index(f"{seconds}:{period}", NONCE_PURPOSE)[:NONCE_LENGTH]
