"""The corners of an outline: where they are, and where they would be had anti-aliasing not rounded them off.

A corner is where the direction turns by more than an angle over a few steps. Its true place is where the lines
fitted to both of its sides meet.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.outlines import wrapped
from workers.engine.ring import PAGE_LEEWAY, shows_at

SPAN = 2
NEAREST_PAGE = 0.8
"""A corner of a shape that meets the page's edge lies on it if it is closer to it than this, in pixels."""

SURE = math.radians(75)
"""A sharper bend than this is a corner whatever lies around it."""

EVEN = 0.7
MOST_MOVE = 1.6
PARALLEL = 0.3
CUT, FAR = 1, 4
"""Points next to a corner that are left out of the fit, and how many beyond them make its sides."""

LONG = 10
STRAIGHT = 0.06
"""A side of more than `LONG` points that lie this close to a line, in pixels, is trusted from one point further on."""

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

TWINS = 4
"""Two corners no farther apart than so many points may be the two ends of one tip that looks cut off."""


@kernel
def covered(ring: Floats, n: int, at: int, span: int) -> bool:
    """Whether later shapes cover the ring at a point and for `span` points on both sides."""
    for d in range(-span, span + 1):
        i = wrapped(at + d, n)
        if shows_at(ring, i) or ring[i, 6] == PAGE_LEEWAY:
            return False
    return True


@kernel
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
def line_through(ring: Floats, n: int, a: int, b: int) -> tuple[float, float, float, float]:
    """Center and direction of the total least squares line through points a to b (modulo n)."""
    count = b - a + 1
    cx = cy = sxx = sxy = syy = 0.0
    for i in range(a, b + 1):
        cx += ring[i % n, 0]
        cy += ring[i % n, 1]
    cx /= count
    cy /= count
    for i in range(a, b + 1):
        x, y = ring[i % n, 0] - cx, ring[i % n, 1] - cy
        sxx += x * x
        sxy += x * y
        syy += y * y
    angle = 0.5 * math.atan2(2 * sxy, sxx - syy)
    return cx, cy, math.cos(angle), math.sin(angle)


@kernel
def strays(ring: Floats, n: int, a: int, b: int, line: tuple[float, float, float, float]) -> float:
    """How far, in pixels, the farthest of the points a to b (modulo n) lies from a line."""
    cx, cy, ux, uy = line
    worst = 0.0
    for i in range(a, b + 1):
        worst = max(worst, abs((ring[i % n, 0] - cx) * uy - (ring[i % n, 1] - cy) * ux))
    return worst


@kernel
def side_line(ring: Floats, n: int, at: int, way: int, far: int, is_long: bool) -> tuple[float, float, float, float]:
    """The line along one side of the corner at index `at`: its points from `CUT` to `far` away in this direction.

    Where a corner falls between pixels, or was blurred by resizing, the point next to it lies off its side. A long
    side that is straight beyond that point tells more without it.
    """
    if is_long:
        a, b = (at + CUT + 1, at + far + 1) if way > 0 else (at - far - 1 + n, at - CUT - 1 + n)
        line = line_through(ring, n, a, b)
        if strays(ring, n, a, b, line) < STRAIGHT:
            return line
    if way > 0:
        return line_through(ring, n, at + CUT, at + far)
    return line_through(ring, n, at - far + n, at - CUT + n)


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
    ax, ay = ring[(at - span) % n, 0] - ring[at, 0], ring[(at - span) % n, 1] - ring[at, 1]
    bx, by = ring[(at + span) % n, 0] - ring[at, 0], ring[(at + span) % n, 1] - ring[at, 1]
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


@kernel
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


@kernel
def sharpen(
    ring: Floats, n: int, at: int, before: int, after: int, straight: bool, width: float, height: float, out: Floats
) -> int:
    """The true place of the corner at index `at`, whose neighbors lie `before` and `after` points away.

    Gives how many points on each side of it are not to be trusted.
    """
    cut = tip(ring, n, at, min(before, after), out) if straight else 0
    if cut:
        return cut
    out[0] = ring[at, 0]
    out[1] = ring[at, 1]
    back, ahead = min(FAR, before - CUT), min(FAR, after - CUT)
    if back >= CUT + 1 and ahead >= CUT + 1:
        ax, ay, aux, auy = side_line(ring, n, at, -1, back, straight and before > LONG)
        bx, by, bux, buy = side_line(ring, n, at, 1, ahead, straight and after > LONG)
        cross = aux * buy - auy * bux
        if abs(cross) > PARALLEL:
            way = ((bx - ax) * buy - (by - ay) * bux) / cross
            x, y = ax + way * aux, ay + way * auy
            if math.hypot(x - out[0], y - out[1]) < MOST_MOVE:
                out[0], out[1] = x, y
    for c in range(2):
        limit = width if c == 0 else height
        if min(out[c], limit - out[c]) < NEAREST_PAGE and meets_page(ring, n, at, c):
            out[c] = 0.0 if out[c] < NEAREST_PAGE else limit
    return CUT


@kernel
def meets_page(ring: Floats, n: int, at: int, c: int) -> bool:
    """Whether the ring runs along the page's edge near a point; c tells which edges: 0 left and right, 1 the others."""
    for d in range(-FAR, FAR + 1):
        i = (at + d) % n
        if ring[i, 6] == PAGE_LEEWAY and ring[i, 2 + c] != 0:
            return True
    return False
