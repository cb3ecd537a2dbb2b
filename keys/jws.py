"""Compact JWS (RFC 7515 section 7.1), read strictly: taken apart, not yet believed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from keys.encoding import decode_base64url


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """The parts of a token whose signature nobody has looked at yet."""

    unverified_header: dict[str, Any]
    unverified_claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_jws(unverified_token: str) -> UnverifiedJws:
    """Take a compact JWS apart; raise `ValueError` if it is not exactly one.

    Header and claims must be JSON objects without a repeated member: two
    parsers that disagree on which one counts are a known way around a check
    (RFC 7515 section 10.12).
    """
    header, claims, signature = unverified_token.split(".")
    return UnverifiedJws(
        unverified_header=_json_object(header),
        unverified_claims=_json_object(claims),
        signed=f"{header}.{claims}".encode("ascii"),
        signature=decode_base64url(signature),
    )


def _json_object(segment: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(decode_base64url(segment).decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for whatever is not a JWS
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(_name: str) -> None:
    raise ValueError("not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)
"""Kept, because `json.loads` would make one for each token."""
