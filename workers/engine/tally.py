"""Sums over equal keys, in one pass over a hash table."""

import numpy as np

from workers.engine.color import Floats
from workers.engine.hashing import Keys, Slots, slot_of
from workers.engine.kernels import kernel

Counts = Keys


@kernel
def add_up(keys: Keys, values: Floats, found: int, slots: Slots, names: Keys, lengths: Counts, sums: Floats) -> int:
    """Count and sum the first `found` values by key; `slots` is an empty table with room for all; gives the keys."""
    distinct, last, at = 0, np.int64(-1), np.int64(0)
    for i in range(found):
        key = keys[i]
        if key != last:
            slot = slot_of(slots, names, key)
            if slots[slot] < 0:
                slots[slot] = distinct
                names[distinct] = key
                distinct += 1
            at = np.int64(slots[slot])
            last = key
        lengths[at] += 1
        sums[at] += values[i]
    return distinct


def empty_slots(most: int) -> Slots:
    """A table for at most so many keys."""
    return np.full(1 << max(4, (2 * most).bit_length()), -1, np.int32)


def means_by_key(keys: Keys, values: Floats, found: int) -> tuple[Keys, Counts, Floats]:
    """The distinct keys among the first `found` in ascending order, how often each occurs, and its mean value."""
    slots, names, lengths, sums = (
        empty_slots(found),
        np.empty(found, np.int64),
        np.zeros(found, np.int64),
        np.zeros(found),
    )
    distinct = add_up(keys, values, found, slots, names, lengths, sums)
    order = np.argsort(names[:distinct])
    lengths = lengths[order]
    return names[order], lengths, sums[order] / lengths
