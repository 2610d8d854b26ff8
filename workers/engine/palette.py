"""The flat colors of a picture.

A histogram of colors in 18 or 20 bits is merged greedily, most frequent first, within a radius of visible difference
(OKLab and alpha): a popularity algorithm (Heckbert 1982) whose boxes are balls, so that no color is split.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats, perceived
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import kernel

KEYS, CLEAR_KEYS = 1 << 18, 1 << 20
"""How many different keys there are for opaque colors, and for those with alpha."""

CORE = 0.015
"""Within this radius colors are one and are averaged; farther ones only join the group, without dyeing it."""

APART = 0.02
"""Two colors closer than this are one to the eye and to the histogram, whose keys lie about 0.013 apart."""

PEAK_SHARE = 0.0025
PEAK_PIXELS = 48
"""What a color must hold to stand apart from a heavier one close by: this share of the pixels, and as many at least."""

VALLEY = 0.3
"""Two colors stand apart if less than this, of the lighter one's pixels, lies between them. Blurred edges of JPEG files
put a tenth there; clouds and gradients as many as at the ends."""

Counts = NDArray[np.int64]
Pure = tuple[Counts, Floats]
"""Keys, all of which the histogram has, and the exact color of each."""


@kernel
def color_key(red: int, green: int, blue: int, alpha: int, opaque: bool) -> int:
    """A color in 18 bits, 6 for each channel, or with alpha in 20, 5 for each."""
    if opaque:
        return (red >> 2) << 12 | (green >> 2) << 6 | (blue >> 2)
    return (alpha >> 3) << 15 | (red >> 3) << 10 | (green >> 3) << 5 | (blue >> 3)


@kernel
def count_colors(
    pixels: Pixels, mask: Mask, opaque: bool, counts: NDArray[np.int32], sums: NDArray[np.int32], keys: Counts
) -> int:
    """Count the masked pixels of each key and sum their channels; list the keys that occur and give their number."""
    height, width = mask.shape
    found = 0
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                key = color_key(
                    int(pixels[y, x, 0]),
                    int(pixels[y, x, 1]),
                    int(pixels[y, x, 2]),
                    int(pixels[y, x, 3]),
                    opaque,
                )
                if counts[key] == 0:
                    keys[found] = key
                    found += 1
                counts[key] += 1
                for c in range(4):
                    sums[key, c] += pixels[y, x, c]
    return found


@kernel
def stands_apart(places: Floats, counts: Floats, i: int, j: int, squared: float, fewest: float) -> bool:
    """Whether key j, at this squared distance from the heavier key i, is a flat color of its own.

    It is a peak if a valley lies between the two. Along a gradient, or in the cloud that noise makes of one color,
    there are as many pixels between them as at the ends (mode seeking; Koontz, Narendra, Fukunaga 1976).
    """
    if counts[j] < fewest or squared < APART * APART:
        return False
    between = 0.0
    for k in range(len(counts)):
        if k in (i, j):
            continue
        to_middle = 0.0
        for c in range(4):
            to_middle += (places[k, c] - 0.5 * (places[i, c] + places[j, c])) ** 2
        # The ball whose diameter joins the two, a little smaller: what is close to either end belongs to that end.
        if to_middle < 0.16 * squared:
            between += counts[k]
            if between >= VALLEY * counts[j]:
                return False
    return True


@kernel
def merge_greedily(
    places: Floats, sums: Floats, counts: Floats, order: Counts, radius: float, core: float, fewest: float,
    pinned: NDArray[np.bool_], colors: Floats, weights: Floats, seeds: Counts,
) -> int:  # fmt: skip
    """Take the most frequent key that is left, and all within the radius with it, until none is left.

    Pinned keys, and those of at least `fewest` pixels that stand apart, stay colors of their own. `seeds` receives the
    key that each color grew from.
    """
    found, total = 0, len(counts)
    left = np.ones(total, np.bool_)
    for i in order:
        if not left[i]:
            continue
        weights[found] = 0.0
        seeds[found] = i
        heavy = 0.0
        for c in range(4):
            colors[found, c] = 0.0
        for j in range(total):
            if not left[j] or (pinned[j] and j != i):
                continue
            distance = 0.0
            for c in range(4):
                distance += (places[j, c] - places[i, c]) ** 2
            if distance >= radius * radius or stands_apart(places, counts, i, j, distance, fewest):
                continue
            left[j] = False
            weights[found] += counts[j]
            if distance < core * core:
                heavy += counts[j]
                for c in range(4):
                    colors[found, c] += sums[j, c]
        for c in range(4):
            colors[found, c] /= heavy
        found += 1
        if found >= len(weights):
            break
    return found


class Histogram:
    """Colors of some pixels of a picture, grouped by key: which keys occur, how often, and their mean color."""

    def __init__(self, pixels: Pixels, mask: Mask, opaque: bool) -> None:
        self.possible = KEYS if opaque else CLEAR_KEYS
        counts, sums = np.zeros(self.possible, np.int32), np.zeros((self.possible, 4), np.int32)
        # Only the keys that occur are looked at: most of the tables is never touched and costs no memory.
        keys = np.empty(min(self.possible, mask.size), np.int64)
        self.keys: Counts = np.sort(keys[: count_colors(pixels, mask, opaque, counts, sums, keys)])
        self.counts: Floats = counts[self.keys].astype(float)
        self.sums: Floats = sums[self.keys].astype(float)
        self.places: Floats = perceived(self.sums / np.maximum(self.counts, 1)[:, None])

    def palette(
        self, most: int, radius: float, fewest_pixels: float, *, peaks: bool = False, pure: Pure | None = None
    ) -> Floats:
        """At most `most` premultiplied colors, heaviest first; the two heaviest stay however few pixels they have.

        With `peaks`, colors within the radius that stand apart from each other stay two. Pure colors stay as they
        are, and do not count for `most`.
        """
        if not len(self.keys):
            return np.zeros((0, 4))
        pinned, exact = np.zeros(len(self.keys), np.bool_), np.zeros((len(self.keys), 4))
        if pure is not None:
            at = np.searchsorted(self.keys, pure[0])
            pinned[at], exact[at] = True, pure[1]
        order = np.argsort(-self.counts, kind="stable")
        room = 4 * most + int(pinned.sum())
        colors, weights, seeds = np.empty((room, 4)), np.empty(room), np.empty(room, np.int64)
        fewest = max(PEAK_PIXELS, PEAK_SHARE * self.counts.sum()) if peaks else math.inf
        found = merge_greedily(
            self.places, self.sums, self.counts, order, radius, min(radius, CORE), fewest, pinned, colors, weights,
            seeds,
        )  # fmt: skip
        fixed = pinned[seeds[:found]]
        colors[:found][fixed] = exact[seeds[:found][fixed]]
        heaviest = np.argsort(-weights[:found], kind="stable")
        fixed = fixed[heaviest]
        kept = fixed | (weights[heaviest] >= fewest_pixels) | (np.arange(found) < 2)
        kept &= fixed | (np.cumsum(kept & ~fixed) <= most)
        return colors[heaviest[kept]]

    def nearest(self, palette: Floats) -> NDArray[np.int16]:
        """For every possible key the index of the visibly nearest palette color."""
        table = np.zeros(self.possible, np.int16)
        wanted = perceived(palette)
        for first in range(0, len(self.keys), KEYS):  # never more at once, for there is a distance to every color
            cross = self.places[first : first + KEYS] @ wanted.T
            table[self.keys[first : first + KEYS]] = ((wanted**2).sum(1)[None] - 2 * cross).argmin(1)
        return table
