"""Colors that are in a file without loss exactly as they were drawn.

Where all pixels of a small square are equal, nothing has touched the color: no edge and no noise. If no other such
color is next to it, level by level, it is no step of a gradient either. Two such colors are two, however alike.
"""

import numpy as np

from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.hashing import ROOM, Keys, larger, slot_of, slots_for
from workers.engine.kernels import kernel
from workers.engine.palette import Counts, Histogram, Packed, Pure, color_key, packed, run_end, run_from

MARGIN = 0.4
"""By this share of a key's pixels the elected color must be ahead: then it has seven tenths of them, or more."""

NEXT, NEAR = 2, 5
"""Levels by which the next step of a gradient differs: that of the elected color, or, where none is ahead, at most."""

VALLEY = 0.3
"""A color is a step of a gradient, or its end, if those next to it, or around it, have this share of its pixels."""

AROUND = 10.0
"""Levels around a color that a gradient which ends in it would fill."""

MOST_PURE = 64


def pure_colors(pixels: Pixels, constant: Mask, opaque: bool, fewest: float, histogram: Histogram) -> Pure:
    """Keys of colors that are pure, heaviest first, and these colors; each has at least `fewest` constant pixels.

    The histogram is of all pixels of flat areas, constant or not: those of gradients fill the space around a color.
    """
    keys, names, votes, totals = elect_colors(packed(pixels), constant, opaque)
    order = np.argsort(keys)
    keys, totals, votes = keys[order], totals[order], votes[order]
    colors = names[order].astype(np.uint32).view(np.uint8).reshape(-1, 4).astype(float)
    counts, ahead = totals, votes > MARGIN * totals
    able = np.flatnonzero(ahead & (counts >= fewest))
    able = able[np.argsort(-counts[able], kind="stable")][:MOST_PURE]
    reach = np.where(ahead, NEXT, NEAR)
    pure = [
        i
        for i in able.tolist()
        if counts[np.abs(colors - colors[i]).max(1) <= reach].sum() - counts[i] < VALLEY * counts[i]
    ]
    means = histogram.sums / histogram.counts[:, None]
    soft = np.where(np.isin(histogram.keys, keys[pure]), 0.0, histogram.counts)
    at = np.searchsorted(histogram.keys, keys[pure])
    alone = [
        i
        for i, own in zip(pure, histogram.counts[at].tolist(), strict=True)
        if soft[np.abs(means - colors[i]).max(1) <= AROUND].sum() < VALLEY * own
    ]
    return keys[alone], colors[alone]


@kernel
def elect_colors(colors: Packed, mask: Mask, opaque: bool) -> tuple[Keys, Keys, Counts, Counts]:
    """Every key of the masked pixels, and the one exact color that most pixels of it may have.

    That is found by majority vote (Boyer, Moore 1981): with the color come the votes it has left and all that were
    given.
    """
    height, width = mask.shape
    keys, names, votes, totals = (
        np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int64)
    )  # fmt: skip
    slots = slots_for(keys, 0, ROOM)
    found = 0
    for y in range(height):
        x = run_from(mask, y, 0)
        while x < width:
            end, color = run_end(colors, mask, y, x), int(np.int64(colors[y, x]))
            key = color_key(color, opaque)
            slot = slot_of(slots, keys, key)
            if slots[slot] < 0:
                if found == len(keys):
                    keys, names, votes, totals = larger(keys), larger(names), larger(votes), larger(totals)
                    slots = slots_for(keys, found, len(keys))
                    slot = slot_of(slots, keys, key)
                keys[found], slots[slot] = key, found
                found += 1
            vote(names, votes, totals, int(slots[slot]), end - x, color)
            x = run_from(mask, y, end)
    return keys[:found], names[:found], votes[:found], totals[:found]


@kernel
def vote(names: Keys, votes: Counts, totals: Counts, row: int, run: int, color: int) -> None:
    """Let so many pixels of one color vote."""
    totals[row] += run
    if names[row] == color:
        votes[row] += run
    elif votes[row] >= run:
        votes[row] -= run
    else:
        names[row], votes[row] = color, run - votes[row]
