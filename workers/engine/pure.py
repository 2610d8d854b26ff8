"""Colors that are in a file without loss exactly as they were drawn.

Where all pixels of a small square are equal, nothing has touched the color: no edge and no noise. If no other such
color is next to it, level by level, it is no step of a gradient either. Two such colors are two, however alike.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import kernel
from workers.engine.palette import Counts, Histogram, Pure, color_key

Packed = NDArray[np.uint32]

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
    possible = histogram.possible
    names, votes, totals = np.zeros(possible, np.uint32), np.zeros(possible, np.int32), np.zeros(possible, np.int32)
    keys = np.empty(min(possible, constant.size), np.int64)
    keys = np.sort(keys[: elect_colors(pixels, constant, opaque, names, votes, totals, keys)])
    colors = np.ascontiguousarray(names[keys]).view(np.uint8).reshape(-1, 4).astype(float)
    counts, ahead = totals[keys], votes[keys] > MARGIN * totals[keys]
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
def elect_colors(
    pixels: Pixels, mask: Mask, opaque: bool, names: Packed, votes: NDArray[np.int32], totals: NDArray[np.int32],
    keys: Counts,
) -> int:  # fmt: skip
    """The one exact color that most masked pixels of a key may have, by majority vote (Boyer, Moore 1981).

    Counts each key's pixels, lists the keys that occur and gives their number.
    """
    height, width = mask.shape
    found = 0
    for y in range(height):
        last, key = -1, np.int64(0)
        for x in range(width):
            if not mask[y, x]:
                continue
            red, green, blue, alpha = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2], pixels[y, x, 3]
            name = np.uint32(red) | np.uint32(green) << 8 | np.uint32(blue) << 16 | np.uint32(alpha) << 24
            if np.int64(name) != last:
                last = np.int64(name)
                key = np.int64(color_key(int(red), int(green), int(blue), int(alpha), opaque))
            if totals[key] == 0:
                keys[found] = key
                found += 1
            totals[key] += 1
            if votes[key] == 0:
                names[key] = name
            votes[key] += 1 if names[key] == name else -1
    return found
