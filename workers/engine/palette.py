"""The flat colors of a picture.

A histogram of colors in 24 bits is merged greedily, most frequent first, within a radius of visible difference
(OKLab and alpha): a popularity algorithm (Heckbert 1982) whose boxes are balls, so that no color is split.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats, perceived
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.hashing import ROOM, Keys, Slots, Values, enlarged, entered, slot_of, slots_for
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.mixture import Labels

AT_ONCE = 1 << 18
"""So many keys at most are compared with the palette at once: each has a distance to every color."""

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
Packed = NDArray[np.uint32]
Pure = tuple[Keys, Floats]
"""Keys, all of which the histogram has, and the exact color of each."""


def packed(pixels: Pixels) -> Packed:
    """Every pixel's four channels as one number, red in the lowest byte and alpha in the highest.

    Kernels take them through `np.int64`: what comes of an unsigned number stays unsigned to numba.
    """
    return pixels.view(np.uint32).reshape(pixels.shape[:2])


@kernel
def color_key(color: int) -> int:
    """The first 6 bits of every channel of a color."""
    red, green, blue, alpha = color & 255, color >> 8 & 255, color >> 16 & 255, color >> 24
    return (alpha >> 2) << 18 | (red >> 2) << 12 | (green >> 2) << 6 | (blue >> 2)


@kernel
def run_from(mask: Mask, y: int, x: int) -> int:
    """Where the next masked pixel of a row is, from column x on; the row's length if there is none."""
    while x < mask.shape[1] and not mask[y, x]:
        x += 1
    return x


@kernel
def run_end(colors: Packed, mask: Mask, y: int, x: int) -> int:
    """Where the run of masked pixels of one color that begins here ends."""
    end = x + 1
    while end < mask.shape[1] and mask[y, end] and colors[y, end] == colors[y, x]:
        end += 1
    return end


@allocating_kernel
def count_colors(colors: Packed, mask: Mask) -> tuple[Keys, Values]:
    """Every key of the masked pixels; of each how many have it, and the sums of their four channels."""
    keys, values = np.empty(ROOM, np.int64), np.zeros((ROOM, 5), np.int64)
    slots, y, x, found = slots_for(keys, 0), 0, 0, 0
    while True:
        y, x, found = count_from(colors, mask, y, x, slots, keys, values, found)
        if y == len(mask):
            return keys[:found], values[:found]
        slots, keys, values = enlarged(keys, values)


@kernel
def count_from(
    colors: Packed, mask: Mask, y: int, x: int, slots: Slots, keys: Keys, values: Values, found: int
) -> tuple[int, int, int]:
    """Count from a pixel on, to the end or until the rows are full; give where to go on and the number of keys."""
    height, width = mask.shape
    while y < height:
        x = run_from(mask, y, x)
        while x < width:
            if found == len(keys):
                return y, x, found
            end, color = run_end(colors, mask, y, x), int(np.int64(colors[y, x]))
            row = entered(slots, keys, found, color_key(color))
            found = max(found, row + 1)
            values[row, 0] += end - x
            for c in range(4):
                values[row, 1 + c] += (end - x) * (color >> 8 * c & 255)
            x = run_from(mask, y, end)
        y, x = y + 1, 0
    return y, x, found


@allocating_kernel
def name_colors(colors: Packed, mask: Mask, keys: Keys, names: Labels, out: Labels) -> None:
    """Give masked pixels the name of their key, 0 if it is not among the keys, and all others -1."""
    height, width = mask.shape
    slots = slots_for(keys, len(keys))
    out[:] = -1
    for y in range(height):
        x = run_from(mask, y, 0)
        while x < width:
            end = run_end(colors, mask, y, x)
            row = slots[slot_of(slots, keys, color_key(int(np.int64(colors[y, x]))))]
            out[y, x:end] = names[row] if row >= 0 else 0
            x = run_from(mask, y, end)


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


@allocating_kernel
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

    def __init__(self, pixels: Pixels, mask: Mask) -> None:
        keys, values = count_colors(packed(pixels), mask)
        order = np.argsort(keys)
        self.keys: Keys = keys[order]
        self.counts: Floats = values[order, 0].astype(float)
        self.sums: Floats = values[order, 1:].astype(float)
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

    def nearest(self, palette: Floats) -> Labels:
        """For every key the index of the visibly nearest palette color."""
        out, wanted = np.empty(len(self.keys), np.int16), perceived(palette)
        for first in range(0, len(self.keys), AT_ONCE):
            cross = self.places[first : first + AT_ONCE] @ wanted.T
            out[first : first + AT_ONCE] = ((wanted**2).sum(1)[None] - 2 * cross).argmin(1)
        return out

    def labels(self, pixels: Pixels, mask: Mask, palette: Floats) -> Labels:
        """For masked pixels, all of which the histogram has, the palette color nearest to their key; -1 for others."""
        out = np.empty(mask.shape, np.int16)
        name_colors(packed(pixels), mask, self.keys, self.nearest(palette), out)
        return out
