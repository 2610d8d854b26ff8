"""Edges that a renderer made fat, as thin as they were drawn.

Shapes that lie on each other with one outline, and filters that amplify alpha, as for inner shadows, cover an edge
pixel by more than its share: k layers of coverage c by 1 - (1 - c)^k, an amplified one wholly. Along a slanted edge
every coverage is as frequent as any other, so the mean of what is seen tells k. What is changed here are only the
pixels in which edges are placed.
"""

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel
from workers.engine.regions import Ids, Regions
from workers.engine.tally import Counts

PURE = 0.02
LEAST_STEP = 24.0
FEWEST = 12
FEWEST_ENDS = 10
HARD = 0.5
LEAST_SKEW = 0.06
STRENGTH = 0.75
SIDES2 = -0.75
SAT = 1.0


@kernel
def share_inside(pixels: Pixels, y: int, x: int, own: Floats, other: Floats, length: float) -> float:
    total = 0.0
    for c in range(4):
        total += (float(pixels[y, x, c]) - other[c]) * (own[c] - other[c])
    return total / length


@kernel
def colors_beside(pixels: Pixels, ids: Ids, y: int, x: int, dy: int, dx: int, own: Floats, other: Floats) -> float:
    """The colors two pixels into either side of the crack beyond (y, x); squared distance, or 0 if there is none."""
    height, width = ids.shape
    iy, ix, oy, ox = y - 2 * dy, x - 2 * dx, y + 3 * dy, x + 3 * dx
    if min(iy, ix, oy, ox) < 0 or max(iy, oy) >= height or max(ix, ox) >= width:
        return 0.0
    here, there = ids[y, x], ids[y + dy, x + dx]
    if ids[iy, ix] != here or ids[iy + dy, ix + dx] != here or ids[oy, ox] != there or ids[oy - dy, ox - dx] != there:
        return 0.0
    length = 0.0
    for c in range(4):
        own[c], other[c] = pixels[iy, ix, c], pixels[oy, ox, c]
        length += (own[c] - other[c]) ** 2
    return length if length >= LEAST_STEP * LEAST_STEP else 0.0


@kernel
def continues(ids: Ids, y: int, x: int, dy: int, dx: int, turn: int) -> bool:
    """Whether the crack beyond (y, x) goes on straight between the same two regions."""
    height, width = ids.shape
    ny, nx = y + turn * dx, x + turn * dy
    if ny < 0 or nx < 0 or ny + dy >= height or nx + dx >= width:
        return True
    return ids[ny, nx] == ids[y, x] and ids[ny + dy, nx + dx] == ids[y + dy, x + dx]


@kernel
def survey(pixels: Pixels, ids: Ids, count: int, keys: Counts, values: Floats) -> int:
    """Along every border: key first * count + second; shares of the first in partly covered pixels; stairs."""
    height, width = ids.shape
    own, other = np.empty(4), np.empty(4)
    found = 0
    for y in range(height):
        for x in range(width):
            for down in range(2):
                dy, dx = down, 1 - down
                if y + dy >= height or x + dx >= width or ids[y, x] == ids[y + dy, x + dx]:
                    continue
                length = colors_beside(pixels, ids, y, x, dy, dx, own, other)
                if length == 0.0:
                    continue
                a = share_inside(pixels, y, x, own, other, length)
                b = share_inside(pixels, y + dy, x + dx, own, other, length)
                end = not (continues(ids, y, x, dy, dx, -1) and continues(ids, y, x, dy, dx, 1))
                first = ids[y, x] < ids[y + dy, x + dx]
                low, high = min(ids[y, x], ids[y + dy, x + dx]), max(ids[y, x], ids[y + dy, x + dx])
                partial = 0
                total = 0.0
                for k in range(2):
                    share = a if k == 0 else b
                    if PURE < share < 1 - PURE:
                        partial += 1
                        total += share if first else 1 - share
                slanted = end
                if not end:
                    # the share changes along the edge
                    ny, nx = y + dx, x + dy
                    for turn in (-1, 1):
                        ny, nx = y + turn * dx, x + turn * dy
                        if 0 <= ny < height - dy and 0 <= nx < width - dx:
                            if abs(share_inside(pixels, ny, nx, own, other, length) - a) + abs(share_inside(pixels, ny + dy, nx + dx, own, other, length) - b) > 0.03:
                                slanted = True
                keys[found] = np.int64(low) * count + high
                values[found, 0] = 1.0 if end else 0.0
                values[found, 1] = 1.0 if end and partial > 0 else 0.0
                values[found, 2] = partial if slanted else 0.0
                values[found, 3] = total if slanted else 0.0
                found += 1
    return found


@kernel
def thin_down(pixels: Pixels, ids: Ids, count: int, pairs: Counts, powers: Floats, strength: float, out: Pixels) -> None:
    """Write thinned pixels: `powers` > 0: the first of a pair is fat by so many layers, < 0: the second; 99: wholly."""
    height, width = ids.shape
    own, other = np.empty(4), np.empty(4)
    done = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            for turn in range(4):
                dy, dx = (turn == 0) - (turn == 1), (turn == 2) - (turn == 3)
                if y + dy < 0 or y + dy >= height or x + dx < 0 or x + dx >= width or ids[y, x] == ids[y + dy, x + dx]:
                    continue
                low, high = min(ids[y, x], ids[y + dy, x + dx]), max(ids[y, x], ids[y + dy, x + dx])
                key = np.int64(low) * count + high
                at = np.searchsorted(pairs, key)
                if at >= len(pairs) or pairs[at] != key:
                    continue
                power = powers[at]
                fat = low if power > 0 else high
                if ids[y, x] != fat:
                    continue
                power = abs(power)
                length = colors_beside(pixels, ids, y, x, dy, dx, own, other)
                if length == 0.0:
                    continue
                for k in range(2):
                    py, px = y + k * dy, x + k * dx
                    if done[py, px]:
                        continue
                    share = share_inside(pixels, py, px, own, other, length)
                    if share <= PURE:
                        continue
                    if share < 1 - PURE:
                        change = 1 - (1 - share) ** (1 / power) - share
                    else:
                        if k == 1 or share_inside(pixels, y + dy, x + dx, own, other, length) > PURE:
                            continue
                        sides = 0
                        for t in range(4):
                            my, mx = y + (t == 0) - (t == 1), x + (t == 2) - (t == 3)
                            if 0 <= my < height and 0 <= mx < width and ids[my, mx] != fat:
                                sides += 1
                        least = 1 - PURE ** (1 / power)
                        change = (1 - least) * (-0.5 if sides == 1 else SIDES2)
                    done[py, px] = True
                    for c in range(4):
                        value = float(pixels[py, px, c]) + strength * change * (own[c] - other[c])
                        out[py, px, c] = np.uint8(min(255.0, max(0.0, value + 0.5)))


def thinned(pixels: Pixels, regions: Regions, ranks: Ids) -> Pixels:
    """The pixels with fat edges thinned; `ranks` has for every region its place in the drawing order."""
    keys, values = np.empty(2 * regions.ids.size, np.int64), np.empty((2 * regions.ids.size, 4))
    found = survey(pixels, regions.ids, regions.count, keys, values)
    pairs, inverse = np.unique(keys[:found], return_inverse=True)
    sums = np.zeros((len(pairs), 4))
    for c in range(4):
        sums[:, c] = np.bincount(inverse, values[:found, c], minlength=len(pairs))
    ends, soft_ends, partial, total = sums.T
    mean = total / np.maximum(partial, 1)
    skew = np.abs(mean - 0.5)
    more = np.maximum(mean, 1 - mean)
    powers = np.where((partial >= FEWEST) & (skew > np.maximum(LEAST_SKEW, 0.87 / np.sqrt(np.maximum(partial, 1)))), np.sign(mean - 0.5) * np.minimum(more / (1 - more + 1e-9), 20), 0.0)
    hard = (ends >= FEWEST_ENDS) & (soft_ends < HARD * ends)
    upper = ranks[pairs // regions.count] > ranks[pairs % regions.count]
    powers = np.where(hard, np.where(upper, 99.0, -99.0), powers)
    if DEBUG:
        big = np.argsort(-partial - ends)[:12]
        for i in big: print(pairs[i] // regions.count, pairs[i] % regions.count, "ends %d partial-ends %.2f  partial %d mean %.2f power %.1f" % (ends[i], soft_ends[i] / max(1, ends[i]), partial[i], mean[i], powers[i]))
    wanted = powers != 0
    if not wanted.any():
        return pixels
    out = pixels.copy()
    thin_down(pixels, regions.ids, regions.count, pairs[wanted], powers[wanted], STRENGTH, out)
    return out


DEBUG = False
