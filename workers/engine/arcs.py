"""Borders between two shapes as arcs from junction to junction, each fitted once for both of its sides.

A junction is a lattice point where three or more borders meet. Its place is the point closest to the lines in which its
arcs arrive (least squares); the arcs then run from one such place to the next. (The planar map of Gangnet, Hervé,
Pudet, Van Thong 1989, whose edges belong to both of their faces.)
"""

import math

import numpy as np

from workers.engine.closed import calmed, smoothed, take_points, use_leeway
from workers.engine.color import Floats
from workers.engine.corners import find_corners, sharpen
from workers.engine.decode import Pixels
from workers.engine.fit import fit_pieces
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.refine import refine
from workers.engine.regions import Ids
from workers.engine.sides import CUT, FAR, line_through
from workers.engine.tips import SPAN

FURTHEST = 1.2
"""A junction lies within so many pixels of its lattice point."""

ANCHOR = 0.1
"""Weight of the nearest points against one arriving line; it decides where all lines are parallel."""

FEWEST = 3
"""An arc of fewer points has no direction of its own."""


@allocating_kernel
def find_junctions(ids: Ids) -> Mask:
    """For every lattice point whether three or more borders meet there; the page's outside is one more shape."""
    height, width = ids.shape
    out = np.zeros((height + 1, width + 1), np.bool_)
    around = np.empty(4, np.int64)
    for y in range(height + 1):
        for x in range(width + 1):
            for turn in range(4):
                py, px = y - (turn < 2), x - (turn == 0 or turn == 3)
                inside = 0 <= py < height and 0 <= px < width
                around[turn] = ids[py, px] if inside else -1
            borders = 0
            for turn in range(4):
                borders += around[turn] != around[(turn + 1) % 4]
            out[y, x] = borders >= 3
    return out


@kernel
def arriving_line(points: Floats, n: int, last: bool, line: Floats) -> bool:
    """Center and direction in which an arc of n points arrives at its first or last junction."""
    if n < FEWEST:
        return False
    used = min(FAR, n - CUT) if n > FAR else n
    first = (n - CUT - used if n > FAR else 0) if last else (CUT if n > FAR else 0)
    line[0], line[1], line[2], line[3] = line_through(points, n, first, first + used - 1)
    return True


@kernel
def add_line(normal: Floats, right: Floats, line: Floats) -> None:
    """Add the squared distance from a line to the normal equations of a junction."""
    nx, ny = -line[3], line[2]
    off = nx * line[0] + ny * line[1]
    normal[0] += nx * nx
    normal[1] += nx * ny
    normal[2] += ny * ny
    right[0] += nx * off
    right[1] += ny * off


@kernel
def place_junction(
    x: int, y: int, normal: Floats, right: Floats, near: Floats, width: int, height: int, out: Floats
) -> None:
    """The place of a junction from its normal equations and the sum (and number) of the points nearest to it."""
    at_x, at_y = (near[0] / near[2], near[1] / near[2]) if near[2] > 0 else (float(x), float(y))
    a, b, c = normal[0] + ANCHOR, normal[1], normal[2] + ANCHOR
    p, q = right[0] + ANCHOR * at_x, right[1] + ANCHOR * at_y
    determinant = a * c - b * b
    px, py = (p * c - b * q) / determinant, (a * q - b * p) / determinant
    away = math.hypot(px - x, py - y)
    if away > FURTHEST:
        px, py = x + (px - x) * FURTHEST / away, y + (py - y) * FURTHEST / away
    out[0] = float(x) if x == 0 or x == width else min(float(width), max(0.0, px))
    out[1] = float(y) if y == 0 or y == height else min(float(height), max(0.0, py))


@allocating_kernel
def fit_arc(
    points: Floats, n: int, start: Floats, end: Floats, tolerance: float, corner: float, smoothing: float,
    straight: bool, refined: bool, width: float, height: float, curves: Floats, lines: Pixels,
) -> int:  # fmt: skip
    """Fit n points between two places; gives the number of curves (room for n + 8 is needed)."""
    ring = smoothed(points, n, smoothing, False)
    at = np.empty(n + 2, np.int64)
    count = find_corners(ring, n, corner, False, at)
    places, cuts = np.empty((count + 2, 2)), np.full(count + 2, CUT, np.int64)
    places[0], places[count + 1] = start, end
    for k in range(count):
        before = at[k] - (at[k - 1] if k else -1)
        after = (at[k + 1] if k < count - 1 else n) - at[k]
        cuts[k + 1] = sharpen(ring, n, at[k], before, after, straight, width, height, places[k + 1])
    use_leeway(ring, n, tolerance)
    run = np.zeros((n + 2 * count + 3, 7))
    spans, smooth = np.empty((n + 8, 2), np.int32), np.zeros(n + 8, np.uint8)
    made = begin = 0
    for k in range(count + 1):
        first, last = at[k - 1] + 1 if k else 0, at[k] if k < count else n
        skipped, spared = (cuts[k], cuts[k + 1]) if last - first > 3 * CUT else (0, 0)
        run[begin, 0], run[begin, 1] = places[k, 0], places[k, 1]
        stop = begin + 1 + take_points(ring, n, first + skipped, last - spared, run, begin + 1)
        calmed(run[begin:], stop - begin, 1, stop - begin - 1, False)
        run[stop, 0], run[stop, 1] = places[k + 1, 0], places[k + 1, 1]
        new = fit_pieces(
            run, begin, stop, False, 0.0, 0.0, False, 0.0, 0.0, tolerance, SPAN, curves, lines, spans, made
        )
        smooth[made + 1 : new] = 1
        spans[made, 0] += 1
        spans[new - 1, 1] -= 1
        made, begin = new, stop + 1
    if not refined:
        return made
    return refine(run, spans, curves, lines, smooth, made, False, tolerance, width, height)


def reversed_curves(curves: Floats, lines: Pixels) -> tuple[Floats, Pixels]:
    """The same curves from the other end."""
    return np.ascontiguousarray(curves[::-1].reshape(-1, 4, 2)[:, ::-1].reshape(-1, 8)), lines[::-1].copy()


def straight(corners: Floats) -> tuple[Floats, Pixels]:
    """Lines from corner to corner."""
    curves = np.zeros((len(corners) - 1, 8))
    curves[:, :2], curves[:, 6:] = corners[:-1], corners[1:]
    return curves, np.ones(len(curves), np.uint8)
