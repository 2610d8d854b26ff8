"""Colors that are in a file without loss exactly as they were drawn.

Where all pixels of a small square are equal, nothing has touched the color: no edge and no noise. If no other such
color is next to it, level by level, it is no step of a gradient either. Two such colors are two, however alike.
"""

import numpy as np

from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.hashing import ROOM, Keys, Slots, Values, enlarged, entered, slots_for
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.palette import Histogram, Packed, Pure, color_key, packed, run_end, run_from

MARGIN = 0.4
"""By this share of a key's pixels the elected color must be ahead: then it has seven tenths of them, or more."""

NEXT, NEAR = 2, 5
"""Levels by which the next step of a gradient differs: that of the elected color, or, where none is ahead, at most."""

VALLEY = 0.3
"""A color is a step of a gradient, or its end, if those next to it, or around it, have this share of its pixels."""

AROUND = 10.0
"""Levels around a color that a gradient which ends in it would fill."""

MOST_PURE = 64


def pure_colors(pixels: Pixels, constant: Mask, fewest: float, histogram: Histogram) -> Pure:
    """Keys of colors that are pure, heaviest first, and these colors; each has at least `fewest` constant pixels.

    The histogram is of all pixels of flat areas, constant or not: those of gradients fill the space around a color.
    """
    keys, values = elect_colors(packed(pixels), constant)
    order = np.argsort(keys)
    keys, (names, votes, counts) = keys[order], values[order].T
    colors = names.astype(np.uint32).view(np.uint8).reshape(-1, 4).astype(float)
    ahead = votes > MARGIN * counts
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


@allocating_kernel
def elect_colors(colors: Packed, mask: Mask) -> tuple[Keys, Values]:
    """Every key of the masked pixels, and the one exact color that most pixels of it may have.

    That is found by majority vote (Boyer, Moore 1981): with the color come the votes it has left and all that were
    given.
    """
    keys, values = np.empty(ROOM, np.int64), np.zeros((ROOM, 3), np.int64)
    slots, y, x, found = slots_for(keys, 0), 0, 0, 0
    while True:
        y, x, found = elect_from(colors, mask, y, x, slots, keys, values, found)
        if y == len(mask):
            return keys[:found], values[:found]
        slots, keys, values = enlarged(keys, values)


@kernel
def elect_from(
    colors: Packed, mask: Mask, y: int, x: int, slots: Slots, keys: Keys, values: Values, found: int
) -> tuple[int, int, int]:
    """Vote from a pixel on, to the end or until the rows are full; give where to go on and the number of keys."""
    height, width = mask.shape
    while y < height:
        x = run_from(mask, y, x)
        while x < width:
            if found == len(keys):
                return y, x, found
            run, color = run_end(colors, mask, y, x) - x, int(np.int64(colors[y, x]))
            row = entered(slots, keys, found, color_key(color))
            found = max(found, row + 1)
            values[row, 2] += run
            if values[row, 0] == color:
                values[row, 1] += run
            elif values[row, 1] >= run:
                values[row, 1] -= run
            else:
                values[row, 0], values[row, 1] = color, run - values[row, 1]
            x = run_from(mask, y, x + run)
        y, x = y + 1, 0
    return y, x, found
