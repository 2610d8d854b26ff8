"""The sides of a corner as lines, and where they meet."""

import math

from workers.engine.color import Floats
from workers.engine.kernels import kernel

MOST_MOVE = 1.6
"""The place where sides meet is no farther than this from the corner that was found, in pixels."""

PARALLEL = 0.3
"""Sides with a smaller sine of the angle between them do not tell where they meet."""

CUT, FAR = 1, 4
"""Points next to a corner that are left out of the fit, and how many beyond them make its sides."""

LONG = 10
STRAIGHT = 0.06
"""A side of more than `LONG` points that lie this close to a line, in pixels, is trusted from one point further on."""


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
def intersect_sides(ring: Floats, n: int, at: int, before: int, after: int, straight: bool, out: Floats) -> None:
    """Find where the sides of the corner at index `at` meet; it is where it is if they do not tell."""
    out[0] = ring[at, 0]
    out[1] = ring[at, 1]
    back, ahead = min(FAR, before - CUT), min(FAR, after - CUT)
    if back < CUT + 1 or ahead < CUT + 1:
        return
    ax, ay, aux, auy = side_line(ring, n, at, -1, back, straight and before > LONG)
    bx, by, bux, buy = side_line(ring, n, at, 1, ahead, straight and after > LONG)
    cross = aux * buy - auy * bux
    if abs(cross) <= PARALLEL:
        return
    way = ((bx - ax) * buy - (by - ay) * bux) / cross
    x, y = ax + way * aux, ay + way * auy
    if math.hypot(x - out[0], y - out[1]) < MOST_MOVE:
        out[0], out[1] = x, y
