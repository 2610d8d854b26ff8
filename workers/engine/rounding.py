"""Corners between straight sides rounded evenly, as a designer draws them: one arc of a circle from side to side."""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.cubic import held
from workers.engine.decode import Pixels
from workers.engine.distances import MOST, distance_at
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.knots import tangents_agree
from workers.engine.regions import Ids

ROUND_SINE = 0.3
"""Lines that meet at flatter angles than this sine have no corner to be rounded."""


@kernel
def make_fillet(x: float, y: float, a: Floats, b: Floats, reach: float, out: Floats) -> None:
    """The arc that rounds the corner of lines a and b at (x, y), from `reach` before to `reach` after it.

    Its handles are those of the circle (Goldapp 1991): 4/3 tan(angle / 4) of the radius.
    """
    la, lb = math.hypot(a[6] - a[0], a[7] - a[1]), math.hypot(b[6] - b[0], b[7] - b[1])
    ax, ay, bx, by = (a[6] - a[0]) / la, (a[7] - a[1]) / la, (b[6] - b[0]) / lb, (b[7] - b[1]) / lb
    angle = math.atan2(abs(ax * by - ay * bx), ax * bx + ay * by)
    handle = 4 / 3 * math.tan(angle / 4) * reach / math.tan(angle / 2)
    out[0], out[1], out[6], out[7] = x - reach * ax, y - reach * ay, x + reach * bx, y + reach * by
    out[2], out[3] = out[0] + handle * ax, out[1] + handle * ay
    out[4], out[5] = out[6] - handle * bx, out[7] - handle * by


@kernel
def cost_with_sides(
    points: Floats, first: int, last: int, arc: Floats, a: Floats, b: Floats, times: Floats, row: Floats
) -> float:
    """Sum of squared distances from an arc and, for points beyond its ends, from the lines a and b that it joins.

    row[4] receives the largest distance.
    """
    total = worst = off = weight = 0.0
    bezier = held(arc)
    for i in range(first, last + 1):
        times[i] = (i - first + 0.5) / (last - first + 1)
        for _ in range(2):
            off, times[i], _, _, weight = distance_at(points, i, bezier, times[i])
        off = abs(off)
        if (times[i] <= 0 or times[i] >= 1) and points[i, 2] == 0 and points[i, 3] == 0:
            side = a if times[i] <= 0 else b
            ux, uy = side[6] - side[0], side[7] - side[1]
            off = abs((points[i, 0] - side[0]) * uy - (points[i, 1] - side[1]) * ux) / math.hypot(ux, uy)
            weight = 1.0
        if weight > 0:
            worst = max(worst, off)
            total += weight * off * off
    row[4] = worst
    return total


@kernel
def fits_fillet(
    points: Floats, first: int, last: int, a: Floats, b: Floats, tolerance: float, times: Floats, room: Floats,
    out: Floats,
) -> bool:  # fmt: skip
    """Whether a circle's arc rounds the corner of two lines within the tolerance; the best such arc."""
    row, trial = room[MOST + 3, :5], room[MOST + 4, :8]
    la, lb = math.hypot(a[6] - a[0], a[7] - a[1]), math.hypot(b[6] - b[0], b[7] - b[1])
    if min(la, lb) < 1 or last - first < 2:
        return False
    ax, ay, bx, by = (a[6] - a[0]) / la, (a[7] - a[1]) / la, (b[6] - b[0]) / lb, (b[7] - b[1]) / lb
    cross = ax * by - ay * bx
    if abs(cross) < ROUND_SINE:
        return False
    ahead = ((b[0] - a[6]) * by - (b[1] - a[7]) * bx) / cross
    back = ((b[0] - a[6]) * ay - (b[1] - a[7]) * ax) / cross
    # `ahead` from the end of line a to where the lines meet; `back` from the start of line b, negative.
    if ahead < 0 or back > 0:
        return False
    x, y = a[6] + ahead * ax, a[7] + ahead * ay
    most = min(ahead + la, lb - back)
    best, reach, step = 1e18, 0.5 * (ahead - back), 0.25 * (ahead - back)
    center = reach
    for turn in range(14):
        for way in range(-1 if turn else 0, 2 if turn else 1):
            at = center + way * step
            if at <= 0.2 or at >= most or (turn and way == 0):
                continue
            make_fillet(x, y, a, b, at, trial)
            cost = cost_with_sides(points, first, last, trial, a, b, times, row)
            if cost < best:
                best, reach = cost, at
                for c in range(8):
                    out[c] = trial[c]
        center = reach
        step *= 0.6
    if best > 1e17:
        return False
    cost_with_sides(points, first, last, out, a, b, times, row)
    return row[4] <= tolerance


@allocating_kernel
def begin_with(spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, first: int) -> None:
    """Let a closed outline begin with another of its pieces."""
    if not first:
        return
    old_spans, old_curves = spans[:count].copy(), curves[:count].copy()
    old_lines, old_smooth = lines[:count].copy(), smooth[:count].copy()
    for i in range(count):
        at = (first + i) % count
        spans[i], curves[i], lines[i], smooth[i] = old_spans[at], old_curves[at], old_lines[at], old_smooth[at]


@allocating_kernel
def round_corners(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, times: Floats, room: Floats,
) -> int:  # fmt: skip
    """Round corners between straight sides evenly, as drawn with one radius; give how many pieces are left."""
    out = np.empty(8)
    k = 1
    while k < count if closed else k < count - 1:
        pieces = 1 if lines[(k + 1) % count] else 2
        after = (k + pieces) % count
        if (
            not lines[k - 1]
            or lines[k]
            or not lines[after]
            or k + pieces > count
            or (k + pieces == count and not closed)
        ):
            k += 1
            continue
        first, last = spans[k, 0], spans[k + pieces - 1, 1]
        a, b = curves[k - 1], curves[after]
        if (
            tangents_agree(a, True, curves[k], False)
            and tangents_agree(curves[k + pieces - 1], False, b, True)
            and fits_fillet(points, first, last, a, b, tolerance, times, room, out)
        ):
            curves[k] = out
            for c in range(2):
                a[6 + c], b[c] = out[c], out[6 + c]
            smooth[k] = smooth[after] = 1
            spans[k, 1] = last
            if pieces == 2:
                for i in range(k + 1, count - 1):
                    curves[i], lines[i], smooth[i] = curves[i + 1], lines[i + 1], smooth[i + 1]
                    spans[i, 0], spans[i, 1] = spans[i + 1, 0], spans[i + 1, 1]
                count -= 1
        k += 1
    return count
