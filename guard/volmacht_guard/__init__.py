"""Checks. What a voucher service installs to know whom it is talking to.

An access token of the broker says two things that are easily confused: whose
right is exercised (`sub`) and who is at the keyboard (`act`). A service that
mixes them up orders vouchers for the wrong person, so this package lets it ask
for neither separately: one call, `Guard.verify`, names the power that the route
needs and the kinds of token that it serves, and returns a value in which both
are spelled out, or raises. There is no way to ask for less by leaving something
out (empty means no).

The checks stand in `verify`, as numbered steps in the order of the contract
between broker and services. Keys and status lists come from sources (`keys`,
`status_list`), over HTTP in a service, from its own tables in the broker: both
run the same checks. PyJWT and cryptography are all it needs.
"""

from volmacht_guard.bits import decode_list, encode_bits, encode_list
from volmacht_guard.claims import Actor, MandateEntry, Principal, StatusReference, VerifiedToken
from volmacht_guard.dpop import (
    MemoryReplayStore,
    Proof,
    ReplayStore,
    VerifiedProof,
    thumbprint,
    verify_proof,
)
from volmacht_guard.errors import (
    GuardError,
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    InvalidProofError,
    InvalidRequestError,
    InvalidTokenError,
    TokenMissingError,
    UnavailableError,
)
from volmacht_guard.keys import HttpKeySource, KeySource, StaticKeySource, VerificationKey
from volmacht_guard.status_list import HttpStatusSource, StatusSource
from volmacht_guard.verify import Guard

__all__ = [
    "Actor",
    "Guard",
    "GuardError",
    "HttpKeySource",
    "HttpStatusSource",
    "InsufficientScopeError",
    "InsufficientUserAuthenticationError",
    "InvalidProofError",
    "InvalidRequestError",
    "InvalidTokenError",
    "KeySource",
    "MandateEntry",
    "MemoryReplayStore",
    "Principal",
    "Proof",
    "ReplayStore",
    "StaticKeySource",
    "StatusReference",
    "StatusSource",
    "TokenMissingError",
    "UnavailableError",
    "VerificationKey",
    "VerifiedProof",
    "VerifiedToken",
    "decode_list",
    "encode_bits",
    "encode_list",
    "thumbprint",
    "verify_proof",
]
