"""Encryption of what is personal in billing: MultiFernet, the newest key first.

Fernet is AES-128-CBC with HMAC-SHA256. Every key still opens what it sealed; only the first seals. To retire a key,
put a new one in front, run `python -m api rotate-keys`, then take the old one away.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from shared.errors import InternalError


class Vault:
    """Seals and opens small JSON objects with the keys of one installation."""

    def __init__(self, keys: SecretStr) -> None:
        """Take the keys, comma-separated, the newest first."""
        self._keys = split_keys(keys)
        self._fernet = MultiFernet([Fernet(key) for key in self._keys])

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

    def derive(self, purpose: str) -> list[bytes]:
        """Keys of 64 bytes for another purpose, one made of each of ours, the newest first (HKDF-SHA256, RFC 5869)."""
        return [
            HKDF(SHA256(), 64, None, f"tovector {purpose}".encode()).derive(urlsafe_b64decode(key))
            for key in self._keys
        ]


def split_keys(keys: SecretStr) -> list[str]:
    """The single keys of the setting."""
    return [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]


def new_key() -> str:
    """A fresh key for ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()
