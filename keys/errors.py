"""What can go wrong with keys. No text ever holds key material, a token or a number."""

from __future__ import annotations


class KeysError(Exception):
    """Parent of every error of this room."""

    code = "keys_error"


class KeyringError(KeysError):
    """No such key, no key that may sign now, or a key that does not fit its algorithm."""

    code = "keyring_error"


class VaultKeyError(KeysError):
    """The master key is missing or too short: refuse to start."""

    code = "vault_key_error"


class SealError(KeysError):
    """A sealed value was altered, or sealed under another master key or for another purpose."""

    code = "seal_error"


class PseudonymError(KeysError):
    """Not a pseudonym of this sector, or nothing that a pseudonym can be made of."""

    code = "pseudonym_error"


class NoteError(KeysError):
    """A signed note that is malformed or not signed by the given key (C2SP signed-note)."""

    code = "note_error"


class ClientAssertionError(KeysError):
    """A client assertion that proves nothing (RFC 7523 section 3); `reason` says which check failed.

    The reason is a stable word for the log. The client is told `invalid_client`
    and no more (RFC 6749 section 5.2).
    """

    code = "client_assertion_error"

    def __init__(self, reason: str) -> None:
        super().__init__(f"client assertion refused: {reason}")
        self.reason = reason


class HintError(KeysError):
    """An `id_token_hint` that is no ID token of ours; `reason` says which check failed."""

    code = "hint_error"

    def __init__(self, reason: str) -> None:
        super().__init__(f"id_token_hint refused: {reason}")
        self.reason = reason
