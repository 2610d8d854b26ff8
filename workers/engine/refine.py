"""Fitted curves moved to where the points truly lie: knots and handles of a whole outline by least squares.

The greedy fit ends each piece on a point of the outline, and takes the longest piece that just keeps the tolerance.
Here every knot in turn moves to where the squared distances of all points of its two pieces are smallest. What then
is no longer needed goes.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.distances import MOST
from workers.engine.dropping import drop_knots, sharpen_blunt
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.knots import join_smoothly, move_knot
from workers.engine.regions import Ids
from workers.engine.rounding import begin_with, round_corners

SWEEPS = 4
"""How often each knot moves."""

PLACES = 12
"""A curve is looked at in this many places less one."""

STRAY = 0.9
"""Pixels that a curve may lie off the line through its points, where corners moved and points lie apart."""


@kernel
def strays(points: Floats, first: int, last: int, curve: Floats) -> bool:
    """Whether a curve leaves its points anywhere between its ends, also where no point is there to tell."""
    ways = last - first + 2  # from the start of the curve along the points to its end
    at = 0
    for k in range(1, PLACES):
        t = k / PLACES
        u = 1 - t
        b0, b1, b2, b3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        x = b0 * curve[0] + b1 * curve[2] + b2 * curve[4] + b3 * curve[6]
        y = b0 * curve[1] + b1 * curve[3] + b2 * curve[5] + b3 * curve[7]
        left = ways
        while left and not passes(points, first + at, first, last, curve, x, y):
            at = at + 1 if at + 1 < ways else 0
            left -= 1
        if not left:
            return True
    return False


@kernel
def passes(points: Floats, i: int, first: int, last: int, curve: Floats, x: float, y: float) -> bool:
    """Whether the way to point i from the one before it comes near a place."""
    px, py = (points[i - 1, 0], points[i - 1, 1]) if i > first else (curve[0], curve[1])
    qx, qy, free = curve[6], curve[7], 0.0
    if i <= last:
        qx, qy = points[i, 0], points[i, 1]
        if points[i, 2] != 0 or points[i, 3] != 0:
            free = max(abs(points[i, 4]), abs(points[i, 5]))
    dx, dy = qx - px, qy - py
    part = min(1.0, max(0.0, ((x - px) * dx + (y - py) * dy) / max(1e-9, dx * dx + dy * dy)))
    return math.hypot(px + part * dx - x, py + part * dy - y) <= STRAY + free


@allocating_kernel
def refine(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, width: float, height: float,
) -> int:  # fmt: skip
    """Move the knots of consecutive pieces and drop those that are not needed; give how many pieces are left.

    Piece k is drawn for points spans[k, 0] to spans[k, 1]; smooth[k] tells whether it continues the piece before it.
    If a curve strays from its points after all, everything stays as it was fitted.
    """
    fitted, straight = curves[:count].copy(), lines[:count].copy()
    left = moved(points, spans, curves, lines, smooth, count, closed, tolerance, width, height)
    for k in range(left):
        if not lines[k] and strays(points, spans[k, 0], spans[k, 1], curves[k]):
            curves[:count], lines[:count] = fitted, straight
            return count
    return left


@allocating_kernel
def moved(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, width: float, height: float,
) -> int:  # fmt: skip
    """Knots moved, and fewer where they can be."""
    times, room = np.zeros(len(points)), np.empty((MOST + 8, 16 + MOST))
    for k in range(count):
        first, last = spans[k, 0], spans[k, 1]
        for i in range(first, last + 1):
            times[i] = (i - first + 0.5) / max(1, last - first + 1)
    if count < 2:
        return count
    inner, homes = np.zeros(len(points), np.uint8), np.empty((len(points), 2))
    for k in range(count):
        homes[spans[k, 0]] = curves[k, :2]
        inner[spans[k, 0]] = smooth[k]
    join_smoothly(points, spans, curves, lines, smooth, count, closed, tolerance, width, height, times, room, homes)
    for sweep in range(SWEEPS):
        for turn in range(count):
            k = turn if sweep % 2 == 0 else count - 1 - turn
            if k or closed:
                move_knot(points, spans, curves, lines, smooth, count, k, tolerance, width, height, times, room, homes)
        if sweep == 1:
            for k in range(count):
                smooth[k] = smooth[k] or inner[spans[k, 0]]
            join_smoothly(
                points, spans, curves, lines, smooth, count, closed, tolerance, width, height, times, room, homes
            )
            count = sharpen_blunt(points, spans, curves, lines, smooth, count, closed)
            count = drop_knots(points, spans, curves, lines, smooth, count, closed, tolerance, times, room)
            if count < 2:
                return count
    if not closed:
        return round_corners(points, spans, curves, lines, smooth, count, closed, tolerance, times, room)
    line = 0
    while line < count and not lines[line]:
        line += 1
    if line == count:
        return count
    begin_with(spans, curves, lines, smooth, count, line)
    count = round_corners(points, spans, curves, lines, smooth, count, closed, tolerance, times, room)
    begin_with(spans, curves, lines, smooth, count, 1 % count)  # a line that comes last needs no data of its own
    return count
