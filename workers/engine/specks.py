"""Shapes of a few pixels: too few points to tell corners from curves, but enough to tell place, size and direction.

They become the ellipse that has their area and their second moments (image moments; Hu 1962). A dot stays a dot and
a dash a dash, where a polygon through so few points would be a random triangle.
"""

import math

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel

FEWEST, MOST = 5, 14
"""A ring of so many points, and fewer than the second number, is a speck; at its own size, not a multiple of it."""

PURE = 0.03
"""A speck whose points all lie on the pixels' own sides, within so many pixels, has no coverage to tell of a curve."""

LONGEST = 4.0
"""An ellipse more stretched than this has lost its shape; the outline is followed after all."""

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
def fit_speck(ring: Floats, n: int, curves: Floats, lines: Pixels) -> int:
    """Four curves around the ellipse of a speck, in the direction of its ring; 0 if it is none after all."""
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
    if abs(area) < 0.5:
        return 0
    mx, my = mx / area, my / area
    xx, xy, yy = xx / area - mx * mx, xy / area - mx * my, yy / area - my * my
    middle, half = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    if middle - half <= 0 or middle + half > LONGEST * LONGEST * (middle - half):
        return 0
    stretch = math.sqrt(math.sqrt((middle + half) / (middle - half)))
    radius = math.sqrt(abs(area) / math.pi)
    long, short = radius * stretch, radius / stretch
    if area < 0:
        short = -short
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    ax, ay, bx, by = long * math.cos(angle), long * math.sin(angle), -short * math.sin(angle), short * math.cos(angle)
    for k in range(4):
        px, py = ox + mx + ax, oy + my + ay
        qx, qy = ox + mx + bx, oy + my + by
        curves[k, 0], curves[k, 1], curves[k, 6], curves[k, 7] = px, py, qx, qy
        curves[k, 2], curves[k, 3] = px + ROUND * bx, py + ROUND * by
        curves[k, 4], curves[k, 5] = qx + ROUND * ax, qy + ROUND * ay
        lines[k] = False
        ax, ay, bx, by = bx, by, -ax, -ay
    return 4
