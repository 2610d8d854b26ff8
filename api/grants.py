"""Addresses that show one result to whoever has them: immutable, impossible to guess, over in time.

A grant says whose result it is, of which job, and until when. It is sealed with AES-SIV (RFC 5297) together with the
SHA-256 of the bytes and their format, so that no part of an address can be changed and nothing of it can be read. The
same result has the same address for a while: that is what lets caches keep it.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.errors import NotFound

TEXT_LENGTH = 71
_ID_BYTES = 16
_TIME_BYTES = 5


@dataclass(frozen=True, slots=True)
class Grant:
    """Whose result may be shown, of which job; `expires_at` in whole seconds since 1970."""

    user_id: UUID
    job_id: UUID
    expires_at: int


class Grants:
    """Seals and opens grants with the keys of one installation."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take keys of 64 bytes, the newest first: it alone seals, all open."""
        self._ciphers = [AESSIV(key) for key in keys]

    def seal(self, grant: Grant, sha256: str, format: str) -> str:
        """The grant as text for an address: URL-safe, the same for the same grant."""
        text = grant.user_id.bytes + grant.job_id.bytes + grant.expires_at.to_bytes(_TIME_BYTES, "big")
        return _encoded(self._ciphers[0].encrypt(text, _about(sha256, format)))

    def open(self, text: str, sha256: str, format: str) -> Grant:
        """What was sealed, whether its time is over or not. Raises NotFound for what is not ours, unchanged."""
        sealed = _decoded(text)
        for cipher in self._ciphers:
            try:
                opened = cipher.decrypt(sealed, _about(sha256, format))
            except InvalidTag:
                continue
            return Grant(
                UUID(bytes=opened[:_ID_BYTES]),
                UUID(bytes=opened[_ID_BYTES : 2 * _ID_BYTES]),
                int.from_bytes(opened[2 * _ID_BYTES :], "big"),
            )
        raise NotFound("There is no such result.")


def end_of(now: float, seconds: int, latest: float) -> int:
    """When a grant that is given now ends: after `seconds` to twice as many, and no later than `latest`.

    It is the same for all that are given within a period of so many seconds. All times in seconds since 1970.
    """
    return min((int(now) // seconds + 2) * seconds, int(latest))


def _encoded(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
    # The decoder overlooks strange letters and idle bits: of all spellings one is right.
    return sealed if _encoded(sealed) == text else b""


def _about(sha256: str, format: str) -> list[bytes]:
    return [sha256.encode(), format.encode()]
