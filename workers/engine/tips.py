"""Sharp tips: what anti-aliasing cut off them, also where they run out along the page's edge.

Where both edges of a tip run through the same pixels, coverage no longer tells one from the other.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.margin import PAGE_LEEWAY
from workers.engine.ring import shows_at
from workers.engine.sides import CUT, FAR, PARALLEL, line_through, strays

SPAN = 2
"""So many points on both sides of one tell of what is there."""

SHARP = math.radians(60)
TIP_SPAN = 12
TIP_WIDTH = 0.9
TIP_STRAIGHT = 0.05
TIP_PARALLEL = 0.08
"""A corner sharper than `SHARP`, seen over `TIP_SPAN` points, is a tip; its sides are trusted where it is as wide as
twice `TIP_WIDTH`, in pixels, if they are straight."""

BEYOND_TRACE = 1.2
"""Sides that meet so many pixels beyond the last trace of a tip's color bend before they do; then the trace counts."""

ALIKE = 0.6
"""Traces that reach within so many pixels of the farthest one tell of the same tip."""

NEARING = 8
"""Over so many points a curve that nears the page's edge is nearly parallel to it."""

TWINS = 4
"""Two corners no farther apart than so many points may be the two ends of one tip that looks cut off."""


@kernel
def arms(ring: Floats, n: int, at: int, span: int) -> tuple[float, float, float, float]:
    """The ways from a point to those `span` points before and after it, x and y each."""
    back, ahead = (at - span) % n, (at + span) % n
    x, y = ring[at, 0], ring[at, 1]
    return ring[back, 0] - x, ring[back, 1] - y, ring[ahead, 0] - x, ring[ahead, 1] - y


@kernel
def tip(ring: Floats, n: int, at: int, shortest: int, out: Floats) -> int:
    """The true place of a sharp tip, and how many points on each side of it are not to be trusted; 0 for other corners.

    Where both of its edges run through the same pixels, coverage no longer tells one from the other: a tip looks cut
    off. Its place is where the straight sides meet that begin a pixel's width further back, unless no pixel has a trace
    of it there.
    """
    span = min(TIP_SPAN, shortest // 2)
    if span < SPAN + 2:
        return 0
    ax, ay, bx, by = arms(ring, n, at, span)
    angle = abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by))
    if angle > SHARP:
        return 0
    cut = min(math.ceil(TIP_WIDTH / math.tan(0.5 * max(angle, 0.1))), shortest // 3)
    first, last = cut + 1, cut + FAR + 1
    before = line_through(ring, n, at - last + n, at - first + n)
    after = line_through(ring, n, at + first, at + last)
    if strays(ring, n, at - last + n, at - first + n, before) > TIP_STRAIGHT:
        return 0
    if strays(ring, n, at + first, at + last, after) > TIP_STRAIGHT:
        return 0
    cross = before[2] * after[3] - before[3] * after[2]
    if abs(cross) < TIP_PARALLEL:
        return 0
    way = ((after[0] - before[0]) * after[3] - (after[1] - before[1]) * after[2]) / cross
    x, y = before[0] + way * before[2], before[1] + way * before[3]
    moved_x, moved_y = x - ring[at, 0], y - ring[at, 1]
    inward = moved_x * (ax + bx) + moved_y * (ay + by) > 0
    moved = math.hypot(moved_x, moved_y)
    if moved > (CUT if inward else cut + CUT):
        return 0
    told = not inward and last_trace(ring, n, at, out)
    if told and moved > math.hypot(out[0] - ring[at, 0], out[1] - ring[at, 1]) + BEYOND_TRACE:
        return CUT
    out[0], out[1] = x, y
    return cut


@kernel
def last_trace(ring: Floats, n: int, at: int, out: Floats) -> bool:
    """Where the color of the tip around a point ends (`find_trace`); False if nothing tells."""
    farthest, found = 0.0, 0
    for d in range(-SPAN, SPAN + 1):
        i = (at + d) % n
        if shows_at(ring, i):
            farthest = max(farthest, ring[i, 6])
    out[0] = out[1] = 0.0
    for d in range(-SPAN, SPAN + 1):
        i = (at + d) % n
        if shows_at(ring, i) and ring[i, 6] > max(0.0, farthest - ALIKE):
            out[0] += ring[i, 4]
            out[1] += ring[i, 5]
            found += 1
    if found:
        out[0] /= found
        out[1] /= found
    return found > 0


@allocating_kernel
def merge_tips(ring: Floats, n: int, at: NDArray[np.int64], count: int) -> int:
    """Make one corner of two that are the ends of a tip; gives how many corners are left."""
    place = np.empty(2)
    left = count
    k = 0
    while k < left and left > 1:
        after = (k + 1) % left
        gap = (at[after] - at[k]) % n
        if 0 < gap <= TWINS:
            middle = (at[k] + gap // 2) % n
            shortest = min((at[k] - at[k - 1 if k else left - 1]) % n, (at[(after + 1) % left] - at[after]) % n)
            if tip(ring, n, middle, shortest if left > 2 else n - gap, place):
                at[k] = middle
                for i in range(after, left - 1):
                    at[i] = at[i + 1]
                left -= 1
                at[:left] = np.sort(at[:left])
        k += 1
    return left


@allocating_kernel
def follow_edge(ring: Floats, n: int, at: int, shortest: int, c: int, edge: float, out: Floats) -> bool:
    """Move a corner on the page's edge to where the last trace of its tip is, if that is farther; say whether it is.

    A curve that nears the edge leaves a tip between them that is thinner than half a pixel for a good part of its way.
    `shortest` is how many points the next corner is away, `edge` the coordinate of the edge, `c` as in `meets_page`.
    """
    span, trace = min(NEARING, shortest), np.empty(2)
    ax, ay, bx, by = arms(ring, n, at, span)
    if abs(ax * by - ay * bx) > PARALLEL * math.hypot(ax, ay) * math.hypot(bx, by):
        return False
    if not last_trace(ring, n, at, trace) or abs(trace[c] - edge) >= 1:
        return False
    way = math.copysign(1.0, trace[1 - c] - ring[at, 1 - c])
    end = trace[1 - c] + 0.5 * way
    if (end - out[1 - c]) * way <= 0:
        return False
    out[c], out[1 - c] = edge, end
    return True


@kernel
def meets_page(ring: Floats, n: int, at: int, c: int) -> bool:
    """Whether the ring runs along the page's edge near a point; c tells which edges: 0 left and right, 1 the others."""
    for d in range(-FAR, FAR + 1):
        i = (at + d) % n
        if ring[i, 6] == PAGE_LEEWAY and ring[i, 2 + c] != 0:
            return True
    return False
