"""Files encrypted as they are written: any length, little memory, and no byte of it is believed unchecked.

AES-256-GCM in pieces of 64 KiB after the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): each piece's nonce holds its number and whether
it is the last, so that pieces cannot be changed, swapped, repeated or cut off. Each file has a key of its own, made
from ours and a random salt by HKDF-SHA256 (RFC 5869).
"""

import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import InternalError

MAGIC = b"tovector sealed 1\n"
SALT_BYTES = 16
PIECE_BYTES = 64 * 1024
_TAG_BYTES = 16


def seal(source: IO[bytes], target: IO[bytes], key: str) -> int:
    """Encrypt everything that `source` has into `target`; returns how many bytes were read. `key` is a Fernet key."""
    salt = os.urandom(SALT_BYTES)
    cipher = _cipher(key, salt)
    target.write(MAGIC + salt)
    total = number = 0
    piece = _read(source, PIECE_BYTES)
    while True:
        following = _read(source, PIECE_BYTES)
        target.write(cipher.encrypt(_nonce(number, is_last=not following), piece, None))
        total += len(piece)
        number += 1
        if not following:
            return total
        piece = following


def unseal(source: IO[bytes], keys: Sequence[str]) -> Iterator[bytes]:
    """What was sealed, piece by piece, each checked before it is given.

    Raises InternalError when no key fits, or the file was changed or is not whole; what was given before is right.
    """
    if _read(source, len(MAGIC)) != MAGIC:
        raise InternalError("this is no file that we have sealed")
    salt = _read(source, SALT_BYTES)
    piece = _read(source, PIECE_BYTES + _TAG_BYTES)
    following = _read(source, PIECE_BYTES + _TAG_BYTES)
    cipher = _fitting(keys, salt, piece, is_last=not following)
    number = 0
    while True:
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), piece, None)
        except InvalidTag:
            raise InternalError("the file was changed after it was sealed, or is not whole") from None
        if not following:
            return
        piece, following = following, _read(source, PIECE_BYTES + _TAG_BYTES)
        number += 1


def _fitting(keys: Sequence[str], salt: bytes, piece: bytes, *, is_last: bool) -> AESGCM:
    """The cipher of the key that opens the first piece; of the first key when none does, which then says so."""
    for key in keys:
        cipher = _cipher(key, salt)
        try:
            cipher.decrypt(_nonce(0, is_last=is_last), piece, None)
        except InvalidTag:
            continue
        return cipher
    raise InternalError("no key opens this file, or it was changed after it was sealed, or is not whole")


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"tovector sealed file").derive(urlsafe_b64decode(key)))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _read(source: IO[bytes], size: int) -> bytes:
    """Exactly so many bytes, fewer at the end alone: a pipe gives what it has."""
    data = source.read(size)
    while 0 < len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data
