"""The corners of an outline: where they are, and where they would be had anti-aliasing not rounded them off.

A corner is where the direction turns by more than an angle over a few steps. Its true place is where the lines
fitted to both of its sides meet.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.margin import PAGE_LEEWAY
from workers.engine.outlines import wrapped
from workers.engine.ring import shows_at
from workers.engine.sides import CUT, intersect_sides
from workers.engine.tips import SPAN, follow_edge, meets_page, tip

NEAREST_PAGE = 0.8
"""A corner of a shape that meets the page's edge lies on it if it is closer to it than this, in pixels."""

SURE = math.radians(75)
"""A sharper bend than this is a corner whatever lies around it."""

EVEN = 0.7


@kernel
def covered(ring: Floats, n: int, at: int, span: int) -> bool:
    """Whether later shapes cover the ring at a point and for `span` points on both sides."""
    for d in range(-span, span + 1):
        i = wrapped(at + d, n)
        if shows_at(ring, i) or ring[i, 6] == PAGE_LEEWAY:
            return False
    return True


@allocating_kernel
def find_corners(ring: Floats, n: int, corner: float, closed: bool, found: NDArray[np.int64]) -> int:
    """Indices of the corners of a ring or an open run, in order; of several bends in one place the sharpest counts."""
    span = SPAN if n >= 4 * SPAN else max(1, n // 6)
    bends, sharp, candidates = np.zeros(n), np.empty(n, np.int64), 0
    for i in range(n) if closed else range(span, n - span):
        if covered(ring, n, i, span):
            continue
        back, ahead = wrapped(i - span, n), wrapped(i + span, n)
        ax, ay = ring[i, 0] - ring[back, 0], ring[i, 1] - ring[back, 1]
        bx, by = ring[ahead, 0] - ring[i, 0], ring[ahead, 1] - ring[i, 1]
        bends[i] = abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by))
        if bends[i] >= corner:
            sharp[candidates] = i
            candidates += 1
    taken = np.zeros(n, np.bool_)
    count = 0
    for place in np.argsort(-bends[sharp[:candidates]], kind="mergesort"):
        i = int(sharp[int(place)])
        if taken[i] or (bends[i] < SURE and not stands_out(bends, n, i)):
            continue
        found[count] = i
        count += 1
        for d in range(-span, span + 1):
            taken[wrapped(i + d, n)] = True
    found[:count] = np.sort(found[:count])
    return count


@kernel
def stands_out(bends: Floats, n: int, at: int) -> bool:
    """Whether the ring bends much more here than a little way off; on a small circle it bends alike everywhere."""
    near = bends[(at - 2) % n] + bends[(at + 2) % n]
    further = bends[(at - 3) % n] + bends[(at + 3) % n]
    return min(near, further) < 2 * EVEN * bends[at]


@kernel
def sharpen(
    ring: Floats, n: int, at: int, before: int, after: int, straight: bool, width: float, height: float, out: Floats
) -> int:
    """The true place of the corner at index `at`, whose neighbors lie `before` and `after` points away.

    Gives how many points on each side of it are not to be trusted.
    """
    shortest = min(before, after)
    cut = tip(ring, n, at, shortest, out) if straight else 0
    if not cut:
        intersect_sides(ring, n, at, before, after, straight, out)
    for c in range(2):
        limit = width if c == 0 else height
        if min(out[c], limit - out[c]) < NEAREST_PAGE and meets_page(ring, n, at, c):
            edge = 0.0 if out[c] < NEAREST_PAGE else limit
            if straight and follow_edge(ring, n, at, shortest, c, edge, out):
                return CUT
            if not cut:
                out[c] = edge
    return max(cut, CUT)
