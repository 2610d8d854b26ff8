"""Encryption of what is personal in billing: MultiFernet, the newest key first.

Fernet is AES-128-CBC with HMAC-SHA256. Every key still opens what it sealed; only the first seals. To retire a key,
put a new one in front, run `python -m api rotate-keys`, then take the old one away.
"""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from shared.errors import InternalError


class Vault:
    """Seals and opens small JSON objects with the keys of one installation."""

    def __init__(self, keys: SecretStr) -> None:
        """Take the keys, comma-separated, the newest first."""
        self._fernet = MultiFernet([Fernet(key) for key in split_keys(keys)])

    def seal(self, value: Mapping[str, object]) -> bytes:
        """The value, readable only with a key."""
        return self._fernet.encrypt(json.dumps(value, separators=(",", ":")).encode())

    def open(self, sealed: bytes | None) -> dict[str, object]:
        """What was sealed; nothing of nothing. Raises InternalError when no key fits."""
        if sealed is None:
            return {}
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise InternalError("no key of ENCRYPTION_KEYS opens what is kept encrypted") from None

    def renew(self, sealed: bytes) -> bytes:
        """The same under the newest key. Raises InternalError when no key fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise InternalError("no key of ENCRYPTION_KEYS opens what is kept encrypted") from None


def split_keys(keys: SecretStr) -> list[str]:
    """The single keys of the setting."""
    return [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]


def new_key() -> str:
    """A fresh key for ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()
