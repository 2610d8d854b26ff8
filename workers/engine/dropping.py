"""Knots that a drawing does without: two pieces as one, curves that are lines, corners that were cut off."""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.distances import MOST, add_piece, cost_of, solve
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.knots import STIFF_HANDLE, good_shape, tangents_agree
from workers.engine.regions import Ids

LINE_SHARE = 0.85
"""A line must keep within this part of the tolerance, as when it was fitted."""

SMOOTH_LINE_SHARE = 0.5
"""A line that curves continue must keep within this part of it: else it would flatten them."""

FLAT = 0.1
"""A curve whose handles stray no farther from its chord, in pixels, is a line."""

BLUNT, BLUNT_SINE = 1.3, 0.5
"""A line between two corners that is shorter than so many pixels is one corner, if its neighbors meet no farther off
than that and at no flatter angle than this sine."""


@kernel
def merged(
    points: Floats, first: int, last: int, a: Floats, b: Floats, start: bool, end: bool, line: bool, tolerance: float,
    times: Floats, room: Floats, out: Floats,
) -> bool:  # fmt: skip
    """One curve or line in place of two; says whether it keeps all points within the tolerance."""
    change, matrix = room[:MOST, :8], room[:MOST, 16 : 16 + MOST]
    right, slope, row = room[MOST + 1, :MOST], room[MOST + 2, :MOST], room[MOST + 3, :5]
    out[0], out[1], out[6], out[7] = a[0], a[1], b[6], b[7]
    reach = math.hypot(out[6] - out[0], out[7] - out[1])
    if reach < 1e-3:
        return False
    if line:
        for c in range(2):
            out[2 + c], out[4 + c] = (2 * out[c] + out[6 + c]) / 3, (out[c] + 2 * out[6 + c]) / 3
    else:
        ax, ay, bx, by = a[2] - a[0], a[3] - a[1], b[4] - b[6], b[5] - b[7]
        if ax * bx + ay * by > 0.5 * math.hypot(ax, ay) * math.hypot(bx, by):
            return False
        share = math.hypot(a[6] - a[0], a[7] - a[1])
        share /= max(1e-6, share + math.hypot(b[6] - b[0], b[7] - b[1]))
        ax, ay = ax / max(share, 0.05), ay / max(share, 0.05)
        bx, by = bx / max(1 - share, 0.05), by / max(1 - share, 0.05)
        out[2], out[3], out[4], out[5] = out[0] + ax, out[1] + ay, out[6] + bx, out[7] + by
    for i in range(first, last + 1):
        times[i] = (i - first + 0.5) / (last - first + 1)
    for turn in range(1 if line else 4):
        if turn:
            used = 0
            change[:] = 0.0
            matrix[:] = 0.0
            right[:] = 0.0
            for side in range(2):
                at, handle = (0, 2) if side == 0 else (6, 4)
                if start if side == 0 else end:
                    hx, hy = out[handle] - out[at], out[handle + 1] - out[at + 1]
                    length = max(1e-6, math.hypot(hx, hy))
                    change[used, handle], change[used, handle + 1] = hx / length, hy / length
                    used += 1
                else:
                    change[used, handle] = change[used + 1, handle + 1] = 1.0
                    used += 2
            for u in range(used):
                matrix[u, u] = STIFF_HANDLE
            row[4] = 0.0
            add_piece(points, first, last, out, times, change, used, matrix, right, row, slope)
            if not solve(matrix, right, used):
                return False
            for u in range(used):
                for c in range(8):
                    out[c] += right[u] * change[u, c]
        row[4] = 0.0
        cost_of(points, first, last, out, times, row)
        if row[4] <= tolerance and good_shape(out, line, a):
            return True
        if row[4] > (8 if turn == 0 else 4) * tolerance:
            return False
    return False


@kernel
def meet(curves: Floats, lines: Pixels, spans: Ids, points: Floats, k: int, count: int, out: Floats) -> bool:
    """Where the pieces before and after the short line k would meet without it; says if that is a blunted corner."""
    c = curves[k]
    if not lines[k] or math.hypot(c[6] - c[0], c[7] - c[1]) > BLUNT:
        return False
    left, after = k - 1 if k else count - 1, (k + 1) % count
    a, b = curves[left], curves[after]
    ax, ay = (a[6] - a[0], a[7] - a[1]) if lines[left] else (a[6] - a[4], a[7] - a[5])
    bx, by = (b[6] - b[0], b[7] - b[1]) if lines[after] else (b[2] - b[0], b[3] - b[1])
    la, lb = math.hypot(ax, ay), math.hypot(bx, by)
    if min(la, lb) < 1e-6:
        return False
    ax, ay, bx, by = ax / la, ay / la, bx / lb, by / lb
    cross = ax * by - ay * bx
    if abs(cross) < BLUNT_SINE:
        return False
    ahead = ((c[6] - c[0]) * by - (c[7] - c[1]) * bx) / cross
    back = ((c[6] - c[0]) * ay - (c[7] - c[1]) * ax) / cross
    # `ahead` on from the end of the piece before, `back` from there to the start of the piece after.
    if ahead < 0 or back > 0 or max(ahead, -back) > BLUNT:
        return False
    out[0], out[1] = c[0] + ahead * ax, c[1] + ahead * ay
    seen = True
    for i in range(spans[k, 0], spans[k, 1] + 1):
        seen = seen and points[i, 2] == 0 and points[i, 3] == 0
    return seen


@allocating_kernel
def sharpen_blunt(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool
) -> int:
    """Make one corner of two that anti-aliasing has made of it; give how many pieces are left."""
    place = np.empty(2)
    k = 0 if closed else 1
    while k < count - (0 if closed else 1) and count > 3:
        if smooth[k] or smooth[(k + 1) % count] or not meet(curves, lines, spans, points, k, count, place):
            k += 1
            continue
        left, after = k - 1 if k else count - 1, (k + 1) % count
        a, b = curves[left], curves[after]
        for c in range(2):
            if lines[left]:
                a[2 + c], a[4 + c] = (2 * a[c] + place[c]) / 3, (a[c] + 2 * place[c]) / 3
            if lines[after]:
                b[2 + c], b[4 + c] = (2 * place[c] + b[6 + c]) / 3, (place[c] + 2 * b[6 + c]) / 3
            a[6 + c] = b[c] = place[c]
        for i in range(k, count - 1):
            curves[i], lines[i], smooth[i] = curves[i + 1], lines[i + 1], smooth[i + 1]
            spans[i, 0], spans[i, 1] = spans[i + 1, 0], spans[i + 1, 1]
        count -= 1
    return count


@kernel
def is_flat(curve: Floats) -> bool:
    """Whether both handles of a curve lie on its chord, but for less than anyone sees."""
    way_x, way_y = curve[6] - curve[0], curve[7] - curve[1]
    length = max(1e-9, math.hypot(way_x, way_y))
    for c in range(2, 6, 2):
        if abs((curve[c] - curve[0]) * way_y - (curve[c + 1] - curve[1]) * way_x) > FLAT * length:
            return False
    return True


@allocating_kernel
def drop_knots(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, times: Floats, room: Floats,
) -> int:  # fmt: skip
    """Draw two pieces as one wherever all points stay within the tolerance; give how many pieces are left."""
    out = np.empty(8)
    kept = times.copy()
    for k in range(count):
        first, last = spans[k, 0], spans[k, 1]
        if lines[k] or last <= first:
            continue
        bends = smooth[k] == 1 or smooth[(k + 1) % count] == 1
        limit = tolerance * (SMOOTH_LINE_SHARE if bends else LINE_SHARE)
        if is_flat(curves[k]):
            # As good as a line already: then it need not be better than it is.
            row = room[MOST + 3, :5]
            row[4] = 0.0
            cost_of(points, first, last, curves[k], times, row)
            limit = max(limit, row[4] + FLAT)
        if merged(points, first, last, curves[k], curves[k], False, False, True, limit, times, room, out):
            curves[k] = out
            lines[k] = True
            smooth[k] = smooth[k] and not lines[k - 1 if k else count - 1]
            smooth[(k + 1) % count] = smooth[(k + 1) % count] and not lines[(k + 1) % count]
        times[first : last + 1] = kept[first : last + 1]
    k = 1
    while k < count and count > (2 if closed else 1):
        after = (k + 1) % count
        line = lines[k - 1] == 1 and lines[k] == 1
        agree = tangents_agree(curves[k - 1], lines[k - 1] == 1, curves[k], lines[k] == 1)
        first, last = spans[k - 1, 0], spans[k, 1]
        if agree and (line or smooth[k]) and last > first and spans[k, 0] >= first:
            if merged(
                points, first, last, curves[k - 1], curves[k], smooth[k - 1] == 1, smooth[after] == 1, line,
                tolerance * LINE_SHARE if line else tolerance, times, room, out,
            ):  # fmt: skip
                curves[k - 1] = out
                lines[k - 1] = line
                spans[k - 1, 1] = last
                kept[first : last + 1] = times[first : last + 1]
                for i in range(k, count - 1):
                    curves[i], lines[i], smooth[i] = curves[i + 1], lines[i + 1], smooth[i + 1]
                    spans[i, 0], spans[i, 1] = spans[i + 1, 0], spans[i + 1, 1]
                count -= 1
                continue
            times[first : last + 1] = kept[first : last + 1]
        k += 1
    return count
