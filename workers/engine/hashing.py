"""Rows of a table found by key: a hash table with open addressing (Knuth, TAOCP 6.4) that grows with what is in it.

Of all possible keys a picture has few, and only their rows cost memory: a table of one row per possible key would be
megabytes, which every traced picture would have to clear.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.kernels import kernel

Keys = NDArray[np.int64]
Slots = NDArray[np.int32]
"""A table whose size is a power of two: the row of a key in one of the slots that it may take, -1 in empty ones."""

FACTOR = 0x9E3779B97F4A7C1
"""An odd number near 2**60 over the golden ratio (Fibonacci hashing)."""

ROOM = 1024
"""So many rows a table has room for at first."""

SPARE = 4
"""Slots for each row that there is room for: with that many empty ones a key is found at once."""


@kernel
def slot_of(slots: Slots, keys: Keys, key: int) -> int:
    """The slot that holds the row of a key, or the empty one where it belongs; `keys` names the rows."""
    mask = len(slots) - 1
    slot = ((key * FACTOR) >> 20) & mask
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def slots_for(keys: Keys, count: int, room: int) -> Slots:
    """A table with room for so many rows, a power of two, that holds the first `count` keys."""
    slots = np.full(SPARE * room, -1, np.int32)
    for row in range(count):
        slots[slot_of(slots, keys, keys[row])] = row
    return slots


@kernel
def larger(values: Keys) -> Keys:
    """The values, and zeros for as many more."""
    out = np.zeros(2 * len(values), np.int64)
    out[: len(values)] = values
    return out
