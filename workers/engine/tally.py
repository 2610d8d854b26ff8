"""Sums over equal keys, in one pass over a hash table (open addressing; Knuth, TAOCP 6.4)."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.kernels import kernel

Counts = NDArray[np.int64]

FACTOR = 0x9E3779B97F4A7C1
"""An odd number near 2**60 over the golden ratio (Fibonacci hashing)."""


@kernel
def add_up(
    keys: Counts, values: Floats, found: int, places: Counts, names: Counts, lengths: Counts, sums: Floats
) -> int:
    """Count and sum the first `found` values by key; `places` is an empty table of a power of two; gives the keys."""
    mask, distinct = len(places) - 1, 0
    last, at = np.int64(-1), np.int64(0)
    for i in range(found):
        key = keys[i]
        if key != last:
            slot = ((key * FACTOR) >> 20) & mask
            while places[slot] >= 0 and names[places[slot]] != key:
                slot = (slot + 1) & mask
            if places[slot] < 0:
                places[slot] = distinct
                names[distinct] = key
                distinct += 1
            at = places[slot]
            last = key
        lengths[at] += 1
        sums[at] += values[i]
    return distinct


def means_by_key(keys: Counts, values: Floats, found: int) -> tuple[Counts, Counts, Floats]:
    """The distinct keys among the first `found` in ascending order, how often each occurs, and its mean value."""
    places = np.full(1 << max(4, (2 * found).bit_length()), -1, np.int64)
    names, lengths, sums = np.empty(found, np.int64), np.zeros(found, np.int64), np.zeros(found)
    distinct = add_up(keys, values, found, places, names, lengths, sums)
    order = np.argsort(names[:distinct])
    lengths = lengths[order]
    return names[order], lengths, sums[order] / lengths
