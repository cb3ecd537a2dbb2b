"""Base64url has one spelling for each value (RFC 7515 section 2, RFC 4648 section 3.5)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from hypothesis import example, given
from hypothesis import strategies as st

from volmacht_guard.jws import decode_base64url


@given(st.binary(max_size=80))
def test_what_was_encoded_is_decoded(value):
    assert decode_base64url(urlsafe_b64encode(value).rstrip(b"=").decode()) == value


@given(st.text(st.sampled_from("AQgwBz09-_+/=! \n\u00e9"), max_size=9))
@example("AA!AAA")
@example("!!!!AAAA")
@example("AAA=")
@example("A+/A")
@example("AB")
def test_every_other_spelling_is_refused(text):
    try:
        value = decode_base64url(text)
    except ValueError:
        try:
            reference = (
                urlsafe_b64encode(urlsafe_b64decode(text + "=" * (-len(text) % 4))).rstrip(b"=").decode()
            )
        except ValueError:
            return
        assert reference != text
    else:
        assert urlsafe_b64encode(value).rstrip(b"=").decode() == text
