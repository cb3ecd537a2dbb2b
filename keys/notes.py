"""Signed notes (C2SP signed-note) for the checkpoints of the journal.

A note is a text that ends in a newline, an empty line, and one line for each
signature: an em dash, the name of the signer, and base64 of four bytes that
name the key followed by the signature. Signatures by others may stand beside
ours (witnesses), and are passed over.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import NoteError

_ED25519 = b"\x01"
_MARK = "\u2014 "
_MAX_NOTE = 1_000_000


def signed_note(body: str, name: str, key: Ed25519PrivateKey) -> str:
    """Return the note: `body`, which must end in a newline, signed as `name`. Raises `NoteError`."""
    _check_body(body)
    _check_name(name)
    signature = key.sign(body.encode())
    line = b64encode(_key_hash(name, key.public_key()) + signature).decode("ascii")
    return f"{body}\n{_MARK}{name} {line}\n"


def verify_note(unverified_note: str, name: str, public: Ed25519PublicKey) -> str:
    """Return the body of a note that `public` signed as `name`; raise `NoteError` otherwise."""
    _check_name(name)
    if len(unverified_note) > _MAX_NOTE:
        raise NoteError("the note is too long")
    # The last empty line divides: a body may hold empty lines of its own.
    body, divider, signatures = unverified_note.rpartition("\n\n")
    if not divider or not signatures.endswith("\n"):
        raise NoteError("not a signed note")
    body += "\n"
    _check_body(body)
    ours = _key_hash(name, public)
    found = [box for box in _signatures(signatures, name) if box[:4] == ours]
    if not found:
        raise NoteError("the note is not signed by this key")
    for box in found:
        try:
            public.verify(box[4:], body.encode())
        except InvalidSignature:
            raise NoteError("a signature of the note does not hold") from None
    return body


def verifier_key(name: str, public: Ed25519PublicKey) -> str:
    """Return `<name>+<key hash>+<base64 key>`, what an offline verifier is given beforehand."""
    _check_name(name)
    raw = _ED25519 + public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{name}+{_key_hash(name, public).hex()}+{b64encode(raw).decode('ascii')}"


def read_verifier_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """Return the name and public key of what `verifier_key` returned; raise `NoteError`."""
    name, hash_, encoded = [*text.strip().split("+", 2), "", ""][:3]
    _check_name(name)
    try:
        raw = b64decode(encoded, validate=True)
        public = Ed25519PublicKey.from_public_bytes(raw[1:])
    except ValueError:
        raise NoteError("not a verifier key") from None
    if raw[:1] != _ED25519 or hash_ != _key_hash(name, public).hex():
        raise NoteError("not a verifier key of an Ed25519 signer")
    return name, public


def _signatures(lines: str, name: str) -> list[bytes]:
    boxes = []
    for line in lines.removesuffix("\n").split("\n"):
        signer, _, encoded = line.removeprefix(_MARK).partition(" ")
        if not line.startswith(_MARK) or not signer or not encoded:
            raise NoteError("a signature line of the note is malformed")
        try:
            box = b64decode(encoded, validate=True)
        except ValueError:
            raise NoteError("a signature line of the note is malformed") from None
        if signer == name:
            boxes.append(box)
    return boxes


def _key_hash(name: str, public: Ed25519PublicKey) -> bytes:
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]


def _check_body(body: str) -> None:
    if not body.endswith("\n") or any(ord(sign) < ord(" ") and sign != "\n" for sign in body):
        raise NoteError("the text of a note ends in a newline and has no control characters")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(sign.isspace() for sign in name):
        raise NoteError("the name of a signer has no spaces and no plus sign")
