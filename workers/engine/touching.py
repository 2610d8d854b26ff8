"""Which regions touch while regions are merged: pairs and the lengths of their borders, kept up to date in rounds."""

from dataclasses import dataclass

import numpy as np

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.regions import Ids, root_of
from workers.engine.tally import Counts, add_up, empty_slots


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of touching regions, first < second, and the length of their border in pixel sides."""

    first: Ids
    second: Ids
    lengths: Floats


@kernel
def walk_sides(ids: Ids, count: int, keys: Counts) -> int:
    """Note both regions of every side between two pixels of different regions."""
    height, width = ids.shape
    found = 0
    for y in range(height):
        for x in range(width):
            here = int(ids[y, x])
            if x + 1 < width and ids[y, x + 1] != here:
                there = int(ids[y, x + 1])
                keys[found] = min(here, there) * count + max(here, there)
                found += 1
            if y + 1 < height and ids[y + 1, x] != here:
                there = int(ids[y + 1, x])
                keys[found] = min(here, there) * count + max(here, there)
                found += 1
    return found


@kernel
def rename(first: Ids, second: Ids, lengths: Floats, parents: Ids, keys: Counts, values: Floats) -> int:
    """The keys of all pairs after merging, without those that have become one region, and their lengths."""
    count, found = len(parents), 0
    for i in range(len(first)):
        a, b = root_of(parents, first[i]), root_of(parents, second[i])
        if a != b:
            keys[found], values[found] = min(a, b) * count + max(a, b), lengths[i]
            found += 1
    return found


def pairs_of(ids: Ids, count: int) -> Pairs:
    """All pairs of touching regions."""
    keys = np.empty(2 * ids.size, np.int64)
    found = walk_sides(ids, count, keys)
    return added_up(keys, np.ones(found), found, count)


def renamed(pairs: Pairs, parents: Ids) -> Pairs:
    """The pairs after merging, each once."""
    keys, values = np.empty(len(pairs.first), np.int64), np.empty(len(pairs.first))
    found = rename(pairs.first, pairs.second, pairs.lengths, parents, keys, values)
    return added_up(keys, values, found, len(parents))


def added_up(keys: Counts, values: Floats, found: int, count: int) -> Pairs:
    """Pairs whose keys, in the order in which they first occur, have the sums of their values as lengths."""
    names, times, sums = np.empty(found, np.int64), np.zeros(found, np.int64), np.zeros(found)
    distinct = add_up(keys, values, found, empty_slots(found), names, times, sums)
    first, second = np.divmod(names[:distinct], count)
    return Pairs(first.astype(np.int32), second.astype(np.int32), sums[:distinct].copy())


@kernel
def renumber(parents: Ids, ids: Ids, numbers: Ids) -> int:
    """Number the merged regions without holes, in `ids` and in `numbers` by their old number; give how many."""
    count = 0
    for i in range(len(parents)):
        root = root_of(parents, i)
        if root == i:
            numbers[i] = count
            count += 1
        else:
            numbers[i] = numbers[root]  # a root has the least number of its set
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            ids[y, x] = numbers[ids[y, x]]
    return count
