from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keys.errors import NoteError
from keys.notes import signed_note, verifier_key, verify_note

# The example of golang.org/x/mod/sumdb/note, which the C2SP specification was written from.
EXAMPLE_NAME = "PeterNeumann"
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
EXAMPLE_NOTE = (
    EXAMPLE_TEXT
    + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

NAME = "id.example.be/journal"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BODY = "id.example.be/journal\n5\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n"


def example_public():
    import base64

    return Ed25519PublicKey.from_public_bytes(base64.b64decode(EXAMPLE_KEY.split("+", 2)[2])[1:])


def test_the_published_example_verifies_and_its_key_is_written_the_same():
    assert verify_note(EXAMPLE_NOTE, EXAMPLE_NAME, example_public()) == EXAMPLE_TEXT
    assert verifier_key(EXAMPLE_NAME, example_public()) == EXAMPLE_KEY


def test_a_note_that_was_signed_verifies():
    note = signed_note(BODY, NAME, KEY)
    assert note.startswith(BODY + "\n\u2014 " + NAME + " ")
    assert verify_note(note, NAME, KEY.public_key()) == BODY


def test_a_body_may_hold_empty_lines():
    body = BODY + "\nmore\n"
    assert verify_note(signed_note(body, NAME, KEY), NAME, KEY.public_key()) == body


def test_signatures_of_witnesses_are_passed_over():
    note = signed_note(BODY, NAME, KEY)
    witness = signed_note(BODY, "witness", Ed25519PrivateKey.generate()).removeprefix(BODY + "\n")
    assert verify_note(note + witness, NAME, KEY.public_key()) == BODY
    same_name = signed_note(BODY, NAME, Ed25519PrivateKey.generate()).removeprefix(BODY + "\n")
    assert (
        verify_note(
            same_name.join([BODY + "\n", ""]) + note.removeprefix(BODY + "\n"), NAME, KEY.public_key()
        )
        == BODY
    )


def test_a_note_that_is_too_long_is_not_read():
    with pytest.raises(NoteError):
        verify_note(signed_note("x" * 1_000_000 + "\n", NAME, KEY), NAME, KEY.public_key())


def test_an_altered_note_does_not_verify():
    note = signed_note(BODY, NAME, KEY)
    assert note.count("\n5\n") == 1
    for altered in (
        note.replace("\n5\n", "\n6\n"),
        note.replace(NAME + " ", "other "),
        BODY,
        BODY + "\n",
        note[:-1],
        "",
    ):
        with pytest.raises(NoteError):
            verify_note(altered, NAME, KEY.public_key())


def test_another_key_or_name_does_not_verify():
    note = signed_note(BODY, NAME, KEY)
    with pytest.raises(NoteError):
        verify_note(note, NAME, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(NoteError):
        verify_note(note, "other", KEY.public_key())


def test_a_good_signature_beside_a_bad_one_of_the_same_key_is_refused():
    note = signed_note(BODY, NAME, KEY)
    bad = signed_note("other\n", NAME, KEY).removeprefix("other\n\n")
    with pytest.raises(NoteError):
        verify_note(note + bad, NAME, KEY.public_key())


@pytest.mark.parametrize("body", ["", "no newline", "tab\t\n", "return\r\n"])
def test_a_body_that_is_no_note_text_is_not_signed(body):
    with pytest.raises(NoteError):
        signed_note(body, NAME, KEY)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_name_that_is_no_signer_name_is_refused(name):
    with pytest.raises(NoteError):
        signed_note(BODY, name, KEY)


@pytest.mark.parametrize(
    "line", ["garbage", "\u2014 name", "\u2014 name not-base64!", "- name AAAA", "name AAAA", "\u2014  AAAA"]
)
def test_a_malformed_signature_line_is_refused(line):
    with pytest.raises(NoteError):
        verify_note(signed_note(BODY, NAME, KEY) + line + "\n", NAME, KEY.public_key())
