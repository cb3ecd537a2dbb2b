"""An ES256 signature is 64 bytes (RFC 7518 section 3.4): the same numbers written longer or shorter are another text.

Whoever may spell a signature in two ways has two tokens for one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from guard_builders import b64, guard, self_claims, sign
from volmacht_guard import InvalidTokenError


def parts(token):
    """(what is signed, r, s) of an honest token."""
    head, _, text = token.rpartition(".")
    signature = urlsafe_b64decode(text + "==")
    assert len(signature) == 64
    return head, signature[:32], signature[32:]


def code(head, signature):
    with pytest.raises(InvalidTokenError) as refused:
        guard().verify(f"{head}.{b64(signature)}", power="vouchers:order", serves={"self"})
    return refused.value.code


def stands(head, signature):
    return guard().verify(f"{head}.{b64(signature)}", power="vouchers:order", serves={"self"}).subject


@pytest.mark.parametrize("zeros", [1, 2, 32])
def test_zeros_before_s_change_the_text_and_not_the_number(zeros):
    head, r, s = parts(sign(self_claims()))
    assert stands(head, r + s) == "p-anna"
    assert code(head, r + bytes(zeros) + s) == "signature"


@pytest.mark.parametrize("more", [b"\0", b"\x01", bytes(64)])
def test_trailing_and_leading_bytes_are_refused(more):
    head, r, s = parts(sign(self_claims()))
    assert code(head, r + s + more) == "signature"
    assert code(head, more + r + s) == "signature"


def test_a_signature_whose_s_is_written_without_its_leading_zero_is_refused():
    """One in 256 signatures has such an s; sign until it comes."""
    claims = self_claims()
    for attempt in range(20_000):
        head, r, s = parts(sign({**claims, "jti": f"jti-{attempt}"}))
        if s[0] == 0:
            assert stands(head, r + s) == "p-anna"
            assert code(head, r + s[1:]) == "signature"
            return
    raise AssertionError("no such signature came")
