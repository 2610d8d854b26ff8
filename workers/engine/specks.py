"""Shapes of a few pixels: too few points to tell corners from curves, but enough to tell place, size and direction.

They become the ellipse that has their area and their second moments (image moments; Hu 1962). A dot stays a dot and
a dash a dash, where a polygon through so few points would be a random triangle.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel

FEWEST, MOST = 5, 14
"""A ring of so many points, and fewer than the second number, is a speck; at its own size, not a multiple of it."""

PURE = 0.03
"""A speck whose points all lie on the pixels' own sides, within so many pixels, has no coverage to tell of a curve."""

LONGEST, ENDLESS = 4.0, 1e6
"""A speck's ellipse more stretched than this has lost its shape; the outline is followed after all. Larger ellipses
may be as long as they like."""

ROUND_POINTS = 14
"""A ring of so many points may be a whole ellipse."""

NOISE = 0.06
"""Axes that differ by no more than twice this many pixels are one radius, and ends turned no farther are upright."""

FURTHEST, SPREAD = 0.3, 0.1
"""How far the farthest point, and the root of the mean square, may lie off an ellipse, in pixels. Points of a rendered
circle lie within .2 and .06 (measured on radii of 3 to 200)."""

QUARTER = 2
"""Marks one of four curves that make up an ellipse, where 1 marks a line and 0 any other curve."""

ROUND = 0.5522847498
"""Handle of a cubic that follows a quarter of a unit circle (Goldapp 1991 and many before)."""


@kernel
def is_speck(ring: Floats, n: int, most: int) -> bool:
    """Whether a ring has fewer than `most` points, is seen all around, and anti-aliased."""
    if n < FEWEST or n >= most:
        return False
    blended = False
    for i in range(n):
        if ring[i, 2] != 0 or ring[i, 3] != 0:
            return False
        x, y = 2 * ring[i, 0], 2 * ring[i, 1]
        blended = blended or max(abs(x - round(x)), abs(y - round(y))) > 2 * PURE
    return blended


@kernel
def moments_of(ring: Floats, n: int, out: Floats) -> None:
    """Signed area, center, and central second moments xx, xy, yy of the polygon through a ring."""
    ox, oy = ring[0, 0], ring[0, 1]
    area = mx = my = xx = xy = yy = 0.0
    for i in range(n):
        j = (i + 1) % n
        x0, y0, x1, y1 = ring[i, 0] - ox, ring[i, 1] - oy, ring[j, 0] - ox, ring[j, 1] - oy
        cross = x0 * y1 - x1 * y0
        area += cross / 2
        mx += (x0 + x1) * cross / 6
        my += (y0 + y1) * cross / 6
        xx += (x0 * x0 + x0 * x1 + x1 * x1) * cross / 12
        yy += (y0 * y0 + y0 * y1 + y1 * y1) * cross / 12
        xy += (x0 * y1 + 2 * x0 * y0 + 2 * x1 * y1 + x1 * y0) * cross / 24
    out[:] = 0.0
    out[0] = area
    if area != 0:
        mx, my = mx / area, my / area
        out[1], out[2] = ox + mx, oy + my
        out[3], out[4], out[5] = xx / area - mx * mx, xy / area - mx * my, yy / area - my * my


@kernel
def draw_ellipse(x: float, y: float, long: float, short: float, angle: float, curves: Floats) -> None:
    """Four curves around an ellipse, from the end of its long axis; a negative short axis turns the other way."""
    ax, ay, bx, by = long * math.cos(angle), long * math.sin(angle), -short * math.sin(angle), short * math.cos(angle)
    for k in range(4):
        px, py, qx, qy = x + ax, y + ay, x + bx, y + by
        curves[k, 0], curves[k, 1], curves[k, 6], curves[k, 7] = px, py, qx, qy
        curves[k, 2], curves[k, 3] = px + ROUND * bx, py + ROUND * by
        curves[k, 4], curves[k, 5] = qx + ROUND * ax, qy + ROUND * ay
        ax, ay, bx, by = bx, by, -ax, -ay


@allocating_kernel
def fit_ellipse(ring: Floats, n: int, longest: float, curves: Floats, lines: Pixels) -> bool:
    """The ellipse of a ring's area and moments; upright, and a circle, where it is so but for noise.

    False if it would be more than `longest` times as long as wide.
    """
    moments = np.empty(6)
    moments_of(ring, n, moments)
    area, x, y, xx, xy, yy = moments[0], moments[1], moments[2], moments[3], moments[4], moments[5]
    middle, half = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    if abs(area) < 0.5 or middle - half <= 0 or middle + half > longest * longest * (middle - half):
        return False
    stretch = math.sqrt(math.sqrt((middle + half) / (middle - half)))
    radius = math.sqrt(abs(area) / math.pi)
    long, short, angle = radius * stretch, radius / stretch, 0.5 * math.atan2(2 * xy, xx - yy)
    if long - short < 2 * NOISE:
        long, short, angle = radius, radius, 0.0
    upright = 0.5 * math.pi * round(angle / (0.5 * math.pi))
    if abs(angle - upright) * (long - short) < NOISE:
        angle = upright
    draw_ellipse(x, y, long, -short if area < 0 else short, angle, curves)
    lines[:4] = QUARTER
    return True


@kernel
def keeps_to_ellipse(ring: Floats, n: int, curves: Floats) -> bool:
    """Whether all points of a ring are seen and lie on the ellipse that `draw_ellipse` drew, but for noise."""
    x, y = (curves[0, 0] + curves[2, 0]) / 2, (curves[0, 1] + curves[2, 1]) / 2
    ax, ay, bx, by = curves[0, 0] - x, curves[0, 1] - y, curves[1, 0] - x, curves[1, 1] - y
    aa, bb = ax * ax + ay * ay, bx * bx + by * by
    total = 0.0
    for i in range(n):
        if ring[i, 2] != 0 or ring[i, 3] != 0:
            return False
        px, py = ring[i, 0] - x, ring[i, 1] - y
        u, v = (px * ax + py * ay) / aa, (px * bx + py * by) / bb
        # The distance to first order (Sampson 1982).
        steep = 2 * math.sqrt(u * u / aa + v * v / bb)
        off = abs(u * u + v * v - 1) / max(steep, 1e-9)
        if off > FURTHEST:
            return False
        total += off * off
    return total <= n * SPREAD * SPREAD
