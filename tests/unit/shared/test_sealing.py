"""Sealed files: whatever was written comes out, and nothing else ever does."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InternalError
from shared.sealing import MAGIC, PIECE_BYTES, SALT_BYTES, seal, unseal
from shared.vault import new_key

KEY = new_key()
HEADER = len(MAGIC) + SALT_BYTES
SEALED_PIECE = PIECE_BYTES + 16


def sealed(data: bytes, key: str = KEY) -> bytes:
    target = io.BytesIO()
    assert len(data) == seal(io.BytesIO(data), target, key)
    return target.getvalue()


def opened(data: bytes, *keys: str) -> bytes:
    return b"".join(unseal(io.BytesIO(data), keys or (KEY,)))


class Pipe(io.BytesIO):
    """Gives a few bytes at a time, as pipes do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1_000) if size and size > 0 else size)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 200_000])
def test_what_was_sealed_comes_out_again(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    assert data == opened(sealed(data))
    target = io.BytesIO()
    seal(Pipe(data), target, KEY)
    assert data == b"".join(unseal(Pipe(target.getvalue()), (KEY,)))


def test_an_older_key_still_opens_and_a_strange_one_does_not() -> None:
    assert b"secret" == opened(sealed(b"secret"), new_key(), KEY)
    with pytest.raises(InternalError, match="no key opens"):
        opened(sealed(b"secret"), new_key())


def test_the_same_twice_looks_different_and_shows_nothing() -> None:
    first, second = sealed(b"alice@example.com" * 100), sealed(b"alice@example.com" * 100)
    assert first[HEADER:] != second[HEADER:]
    assert b"alice" not in first


@settings(max_examples=60, deadline=None)
@given(st.integers(0, HEADER + 2 * SEALED_PIECE + 500), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, change: int) -> None:
    data = bytearray(sealed(b"x" * (2 * PIECE_BYTES + 500)))
    data[place % len(data)] ^= change
    with pytest.raises(InternalError):
        opened(bytes(data))


WHOLE = sealed(b"y" * (2 * PIECE_BYTES + 500))
FIRST, SECOND = HEADER + SEALED_PIECE, HEADER + 2 * SEALED_PIECE


@pytest.mark.parametrize(
    "mangled",
    [
        WHOLE[:-1],
        WHOLE[:FIRST],
        WHOLE[:SECOND],
        WHOLE + b"x",
        WHOLE[:HEADER] + WHOLE[FIRST:],
        WHOLE[:HEADER] + WHOLE[FIRST:SECOND] + WHOLE[HEADER:],
        WHOLE[:HEADER],
        b"",
    ],
    ids=["cut", "one piece", "two pieces", "added", "first left out", "repeated", "header alone", "nothing"],
)
def test_nothing_can_be_cut_off_swapped_or_added(mangled: bytes) -> None:
    with pytest.raises(InternalError):
        opened(mangled)
