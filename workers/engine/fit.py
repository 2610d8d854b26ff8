"""A run of points as the fewest lines and cubics within a tolerance: greedily the longest piece, then the next.

The longest piece is found by doubling and bisection. Pieces inside a run join with one direction (G1).
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.cubic import chord_times, distance_from_chord, error_and_times, error_of_all, fit_handles
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids

MOST_POINTS = 48
"""A longer run is fitted through this many of its points, evenly spaced."""

TURNS = 4
STRAIGHT = 0.85
"""A line must keep within this part of the tolerance; it has no room to bend back."""

MISSED = 1.2
"""The points of a longer run that it was not fitted through may lie off by so many times as much."""

AGREES = 0.985
"""Cosine of the angle up to which the end of a free fit counts as the outline's own direction there."""


@kernel
def make_line(x0: float, y0: float, x1: float, y1: float, curve: Floats) -> None:
    """A straight cubic."""
    curve[0], curve[1], curve[6], curve[7] = x0, y0, x1, y1
    curve[2], curve[3] = x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3
    curve[4], curve[5] = x1 - (x1 - x0) / 3, y1 - (y1 - y0) / 3


@kernel
def fit_run(
    run: Floats, i: int, j: int, start: bool, sx: float, sy: float, end: bool, ex: float, ey: float,
    tolerance: float, scratch: Floats, curve: Floats,
) -> tuple[bool, float]:  # fmt: skip
    """Fit points i to j with one line or cubic; say whether it is a line, and the largest error."""
    n = j - i + 1
    make_line(run[i, 0], run[i, 1], run[j, 0], run[j, 1], curve)
    if n <= 2:
        return True, 0.0
    used = min(n, MOST_POINTS)
    points, times, better, trial = scratch[:, :6], scratch[:, 6], scratch[:, 7], scratch[:8, 8]
    for k in range(used):
        at = i + k if n <= MOST_POINTS else i + k * (n - 1) // (MOST_POINTS - 1)
        for c in range(6):
            points[k, c] = run[at, c]
    off = distance_from_chord(points, used)
    if off <= tolerance * STRAIGHT and used < n:
        off = max(off, distance_from_chord(run[i : j + 1], n) * STRAIGHT / MISSED)
    if off <= tolerance * STRAIGHT:
        return True, off
    chord_times(points, used, times)
    best = 1e18
    for turn in range(TURNS):
        fit_handles(points, used, times, start, sx, sy, end, ex, ey, trial)
        error = error_and_times(points, used, times, trial, better)
        if error < best:
            best = error
            for k in range(8):
                curve[k] = trial[k]
        if error <= tolerance or (error > 6 * tolerance and turn >= 1):
            break
        for k in range(used):
            times[k] = better[k]
    if best <= tolerance and used < n:
        best = max(best, error_of_all(run[i : j + 1], n, used, times, curve) / MISSED)
    return False, best


@kernel
def fit_smoothly(
    run: Floats, i: int, j: int, last: int, span: int, start: bool, sx: float, sy: float,
    end: bool, ex: float, ey: float, tolerance: float, scratch: Floats, curve: Floats,
) -> tuple[bool, float]:  # fmt: skip
    """Like `fit_run`, but before the run's own end the curve leaves in the direction in which the points go on."""
    if j >= last:
        return fit_run(run, i, last, start, sx, sy, end, ex, ey, tolerance, scratch, curve)
    line, error = fit_run(run, i, j, start, sx, sy, False, 0.0, 0.0, tolerance, scratch, curve)
    reach = min(2 * span, min(j - i, last - j))
    if line or reach < 2:
        return line, error
    way_x, way_y = run[j + reach, 0] - run[j - reach, 0], run[j + reach, 1] - run[j - reach, 1]
    length = max(1e-9, math.hypot(way_x, way_y))
    way_x, way_y = way_x / length, way_y / length
    if error <= tolerance:
        out_x, out_y = curve[6] - curve[4], curve[7] - curve[5]
        if (out_x * way_x + out_y * way_y) > AGREES * math.hypot(out_x, out_y):
            return line, error
    return fit_run(run, i, j, start, sx, sy, True, -way_x, -way_y, tolerance, scratch, curve)


@allocating_kernel
def fit_pieces(
    run: Floats, begin: int, last: int, start: bool, sx: float, sy: float, end: bool, ex: float, ey: float,
    tolerance: float, span: int, curves: Floats, lines: Pixels, spans: Ids, made: int,
) -> int:  # fmt: skip
    """Append the pieces that follow run[begin..last] within the tolerance; give the new number of curves.

    `spans` receives the indices of each piece's first and last point.
    """
    scratch, curve, good = np.empty((MOST_POINTS, 9)), np.empty(8), np.empty(8)
    i = begin
    while i < last:
        line, error = fit_smoothly(run, i, last, last, span, start, sx, sy, end, ex, ey, tolerance, scratch, curve)
        if error <= tolerance:
            curves[made] = curve
            lines[made] = line
            spans[made, 0], spans[made, 1] = i, last
            return made + 1
        low, high, reached, good_line = i + 1, last, -1, False
        step = max(4, 2 * span)
        j = min(i + step, last - 1)
        while i < j < last:
            line, error = fit_smoothly(run, i, j, last, span, start, sx, sy, end, ex, ey, tolerance, scratch, curve)
            if error > tolerance:
                high = j
                break
            low, reached, good_line = j, j, line
            good[:] = curve
            step *= 2
            j = i + step
        while high - low > max(1, (high - i) // 24):
            middle = (low + high) // 2
            line, error = fit_smoothly(
                run, i, middle, last, span, start, sx, sy, end, ex, ey, tolerance, scratch, curve
            )
            if error > tolerance:
                high = middle
                continue
            low, reached, good_line = middle, middle, line
            good[:] = curve
        if reached < 0:
            reached, good_line = min(i + 1, last), True
            make_line(run[i, 0], run[i, 1], run[reached, 0], run[reached, 1], good)
        curves[made] = good
        lines[made] = good_line
        spans[made, 0], spans[made, 1] = i, reached
        made += 1
        sx, sy = (good[6] - good[0], good[7] - good[1]) if good_line else (good[6] - good[4], good[7] - good[5])
        length = math.hypot(sx, sy)
        start = length > 1e-9
        if start:
            sx, sy = sx / length, sy / length
        i = reached
    return made
