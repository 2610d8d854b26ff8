"""A closed ring of points as lines and cubics: find its corners, fit what lies between."""

import math
from dataclasses import dataclass

import numpy as np

from workers.engine.color import Floats
from workers.engine.corners import find_corners, sharpen
from workers.engine.decode import Pixels
from workers.engine.fit import fit_pieces
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.margin import PAGE_LEEWAY
from workers.engine.outlines import wrapped
from workers.engine.refine import refine
from workers.engine.ring import shows_at
from workers.engine.sides import CUT
from workers.engine.specks import ENDLESS, LONGEST, MOST, ROUND_POINTS, fit_ellipse, is_speck, keeps_to_ellipse
from workers.engine.tips import SPAN, merge_tips


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Pixels a curve may stray, the bend in radians that makes a corner, and the width of the smoothing.

    `straight` trusts long straight sides to tell where a corner is, also the tip of a needle; not among soft colors,
    whose borders are no edges. A ring of fewer than `speck` points is a dot or a dash. Curves are moved to where the
    points lie if they are to be `refined`.
    """

    tolerance: float = 0.21
    corner: float = math.radians(43)
    smoothing: float = 0.4
    straight: bool = True
    speck: int = MOST
    refined: bool = True


OVER_EDGE = 0.8
"""So many times the tolerance what the page's edge cuts off runs over it: then no curve comes far inside, and a line
along the edge, which may miss its points by `fit.STRAIGHT` times the tolerance, still is one."""


@allocating_kernel
def smoothed(points: Floats, n: int, width: float, closed: bool) -> Floats:
    """A copy of a ring or an open run under a small Gaussian; it takes the rounding of 8 bits off the offsets."""
    out = points[:n].copy()
    if width <= 0 or n < 6:
        return out
    w1, w2 = math.exp(-0.5 / (width * width)), math.exp(-2.0 / (width * width))
    total = 1 + 2 * w1 + 2 * w2
    for i in range(n) if closed else range(2, n - 2):
        after, before = wrapped(i + 1, n), wrapped(i - 1, n)
        beyond, behind = wrapped(i + 2, n), wrapped(i - 2, n)
        for c in range(2):
            next_to = points[after, c] + points[before, c]
            further = points[beyond, c] + points[behind, c]
            out[i, c] = (points[i, c] + w1 * next_to + w2 * further) / total
    return out


@kernel
def use_leeway(ring: Floats, n: int, tolerance: float) -> None:
    """Move covered points to their best place; their leeway then counts from there.

    What the page's edge cuts off ends so far behind it that curves, which may stray, do not end before it.
    """
    for i in range(n):
        if shows_at(ring, i):
            continue
        if ring[i, 6] == PAGE_LEEWAY and ring[i, 4] >= 0:
            ring[i, 4] = OVER_EDGE * tolerance
            ring[i, 5] = max(ring[i, 5], ring[i, 4])
        ring[i, 0] += ring[i, 5] * ring[i, 2]
        ring[i, 1] += ring[i, 5] * ring[i, 3]
        ring[i, 4] -= ring[i, 5]
        ring[i, 5] = ring[i, 6] - ring[i, 5]


@allocating_kernel
def calmed(run: Floats, n: int, first: int, last: int, closed: bool) -> None:
    """Take the rasterizer's own steps off points first..last of a run, without rounding it off.

    Renderers sample coverage in quarters of a pixel or so. A quadratic fitted to seven neighbors (Savitzky, Golay
    1964) averages that out and leaves curvature as it is; near the ends fewer neighbors are used.
    """
    if last - first < 4:
        return
    old = run[: n + 1].copy()
    period = n
    for i in range(first, last + 1):
        for c in range(2):
            if closed or (i - first >= 3 and last - i >= 3):
                a3, b3 = old[(i - 3) % period, c], old[(i + 3) % period, c]
                a2, b2 = old[(i - 2) % period, c], old[(i + 2) % period, c]
                a1, b1 = old[(i - 1) % period, c], old[(i + 1) % period, c]
                run[i, c] = (-2 * (a3 + b3) + 3 * (a2 + b2) + 6 * (a1 + b1) + 7 * old[i, c]) / 21
            elif i - first >= 2 and last - i >= 2:
                run[i, c] = (
                    -3 * (old[i - 2, c] + old[i + 2, c]) + 12 * (old[i - 1, c] + old[i + 1, c]) + 17 * old[i, c]
                ) / 35


@kernel
def direction(ring: Floats, n: int, at: int, span: int) -> tuple[float, float]:
    """Unit direction of the ring at a point."""
    x = ring[(at + span) % n, 0] - ring[(at - span) % n, 0]
    y = ring[(at + span) % n, 1] - ring[(at - span) % n, 1]
    length = max(1e-9, math.hypot(x, y))
    return x / length, y / length


@kernel
def take_points(ring: Floats, n: int, first: int, stop: int, run: Floats, at: int) -> int:
    """Copy points first to stop - 1 of a ring of n to a run, from row `at` on; give how many."""
    for i in range(first, stop):
        for c in range(run.shape[1]):
            run[at + i - first, c] = ring[i % n, c]
    return max(0, stop - first)


@allocating_kernel
def fit_round(
    ring: Floats, n: int, tolerance: float, refined: bool, width: float, height: float, curves: Floats, lines: Pixels
) -> int:
    """Fit a ring without corners in two halves, from its leftmost to its rightmost point and back."""
    left, right = 0, 0
    for i in range(n):
        if ring[i, 0] < ring[left, 0]:
            left = i
    run, spans = np.empty((n + 1, 7)), np.empty((n + 8, 2), np.int32)
    take_points(ring, n, left, left + n + 1, run, 0)
    if n >= 12:
        calmed(run, n, 0, n - 1, True)
        take_points(run, n, 0, 1, run, n)
    for i in range(n):
        if run[i, 0] > run[right, 0]:
            right = i
    if right < 3 or n - right < 3:
        right = n // 2
    sx, sy = direction(run[:n], n, 0, min(SPAN, n // 2))
    ex, ey = direction(run[:n], n, right, min(SPAN, n // 2))
    made = fit_pieces(run, 0, right, True, sx, sy, True, -ex, -ey, tolerance, SPAN, curves, lines, spans, 0)
    made = fit_pieces(run, right, n, True, ex, ey, True, -sx, -sy, tolerance, SPAN, curves, lines, spans, made)
    if not refined:
        return made
    return refine(run, spans, curves, lines, np.ones(made, np.uint8), made, True, tolerance, width, height)


@allocating_kernel
def fit_ring(
    points: Floats, n: int, tolerance: float, corner: float, smoothing: float, straight: bool, speck: int,
    refined: bool, width: float, height: float, curves: Floats, lines: Pixels,
) -> int:  # fmt: skip
    """Fit a closed ring of n points on a page of this size; gives the number of curves (room for n + 8 is needed)."""
    if is_speck(points, n, speck) and fit_ellipse(points, n, LONGEST, curves, lines):
        return 4
    if n >= ROUND_POINTS and fit_ellipse(points, n, ENDLESS, curves, lines) and keeps_to_ellipse(points, n, curves):
        return 4
    ring = smoothed(points, n, smoothing, True)
    at = np.empty(n, np.int64)
    count = find_corners(ring, n, corner, True, at)
    if straight:
        count = merge_tips(ring, n, at, count)
    if count == 0:
        use_leeway(ring, n, tolerance)
        return fit_round(ring, n, tolerance, refined, width, height, curves, lines)
    places, cuts = np.empty((count, 2)), np.empty(count, np.int64)
    for k in range(count):
        before = (at[k] - at[k - 1 if k else count - 1]) % n
        after = (at[(k + 1) % count] - at[k]) % n
        before, after = before if before else n, after if after else n
        cuts[k] = sharpen(ring, n, at[k], before, after, straight, width, height, places[k])
    use_leeway(ring, n, tolerance)
    run, spans, smooth = np.zeros((n + 2 * count, 7)), np.empty((n + 8, 2), np.int32), np.zeros(n + 8, np.uint8)
    made = begin = 0
    for k in range(count):
        length = (at[(k + 1) % count] - at[k]) % n
        if length == 0:
            length = n
        first, last = (cuts[k], cuts[(k + 1) % count]) if length > 3 * CUT else (0, 0)
        run[begin, 0], run[begin, 1] = places[k, 0], places[k, 1]
        end = begin + 1 + take_points(ring, n, at[k] + 1 + first, at[k] + length - last, run, begin + 1)
        calmed(run[begin:], end - begin, 1, end - begin - 1, False)
        run[end, 0], run[end, 1] = places[(k + 1) % count, 0], places[(k + 1) % count, 1]
        new = fit_pieces(run, begin, end, False, 0.0, 0.0, False, 0.0, 0.0, tolerance, SPAN, curves, lines, spans, made)
        smooth[made + 1 : new] = 1
        spans[made, 0] += 1
        spans[new - 1, 1] -= 1
        made, begin = new, end + 1
    if not refined:
        return made
    return refine(run, spans, curves, lines, smooth, made, True, tolerance, width, height)
