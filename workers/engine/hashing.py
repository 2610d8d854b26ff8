"""Rows of a table found by key: a hash table with open addressing (Knuth, TAOCP 6.4) that grows with what is in it.

Of all possible keys a picture has few, and only their rows cost memory: a table of one row per possible key would be
megabytes, which every traced picture would have to clear.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.kernels import allocating_kernel, kernel

Keys = NDArray[np.int64]
Values = NDArray[np.int64]
"""What is kept for each key, a row of whole numbers."""

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


@allocating_kernel
def slots_for(keys: Keys, count: int) -> Slots:
    """A table that holds the first `count` keys and has room for all."""
    size = SPARE * ROOM
    while size < SPARE * len(keys):
        size *= 2
    slots = np.full(size, -1, np.int32)
    for row in range(count):
        slots[slot_of(slots, keys, keys[row])] = row
    return slots


@kernel
def entered(slots: Slots, keys: Keys, found: int, key: int) -> int:
    """The row of a key; for a new one that is `found`, which there must be room for."""
    slot = slot_of(slots, keys, key)
    if slots[slot] < 0:
        keys[found], slots[slot] = key, found
    return int(slots[slot])


@allocating_kernel
def enlarged(keys: Keys, values: Values) -> tuple[Slots, Keys, Values]:
    """The tables with room for twice as many rows; the new ones are zeros."""
    found = len(keys)
    more, zeros = np.empty(2 * found, np.int64), np.zeros((2 * found, values.shape[1]), np.int64)
    more[:found], zeros[:found] = keys, values
    return slots_for(more, found), more, zeros
