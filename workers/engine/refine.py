"""Fitted curves moved to where the points truly lie: knots and handles of a whole outline by least squares.

The greedy fit ends each piece on a point of the outline, and takes the longest piece that just keeps the tolerance.
Here every knot in turn moves, together with the handles of both of its pieces, to where the squared distances of all
their points are smallest (Gauss-Newton on the distances along the curve's normals; Wang, Pottmann, Liu, "Fitting
B-spline curves to point clouds", 2006). A smooth knot keeps one direction for both of its handles, a corner stays a
corner, and a line stays a line: it then runs through all of its points rather than through the two at its ends.
"""

import math

import numpy as np


from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel
from workers.engine.regions import Ids

MOST = 10
"""Unknowns of one knot: its place, and up to two handles on each side."""

USED = 24
"""A piece is measured at no more than so many of its points."""

SWEEPS = 2
"""How often each knot moves."""

STIFF_PLACE, STIFF_HANDLE, STIFF_TURN = 0.05, 0.02, 0.02
"""Weights that hold a knot, its handles and its direction where no point says otherwise, against one per point."""

ROBUST = 0.12
"""Points farther off than this, in pixels, count less the farther they are (Huber 1964)."""

HIDDEN = 0.3
"""Weight of a point that later shapes cover."""

SMOOTH = 0.9
"""Cosine of the angle up to which a curve goes on in a line."""

FARTHEST = 0.6
"""No knot moves farther than this, in pixels, at once."""


@kernel
def solve(matrix: Floats, right: Floats, n: int) -> bool:
    """Solve a symmetric positive system in place (Cholesky); says if there is a solution."""
    for j in range(n):
        for k in range(j):
            matrix[j, j] -= matrix[j, k] * matrix[j, k]
        if matrix[j, j] <= 1e-12:
            return False
        matrix[j, j] = math.sqrt(matrix[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                matrix[i, j] -= matrix[i, k] * matrix[j, k]
            matrix[i, j] /= matrix[j, j]
    for i in range(n):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
    return True


@kernel
def distance_at(points: Floats, i: int, curve: Floats, t: float, out: Floats) -> float:
    """Signed distance of a curve from point i at the point of the curve closest to it.

    `out` receives the time of that point and the direction in which the distance is measured; the weight is 0 for
    points beyond an end or free to lie where they do.
    """
    ax, ay = 3 * (curve[2] - curve[0]), 3 * (curve[3] - curve[1])
    bx, by = 3 * (curve[4] - curve[2]), 3 * (curve[5] - curve[3])
    cx, cy = 3 * (curve[6] - curve[4]), 3 * (curve[7] - curve[5])
    dx = dy = vx = vy = 0.0
    for turn in range(2):
        u = 1 - t
        b0, b1, b2, b3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        dx = b0 * curve[0] + b1 * curve[2] + b2 * curve[4] + b3 * curve[6] - points[i, 0]
        dy = b0 * curve[1] + b1 * curve[3] + b2 * curve[5] + b3 * curve[7] - points[i, 1]
        vx, vy = u * u * ax + 2 * u * t * bx + t * t * cx, u * u * ay + 2 * u * t * by + t * t * cy
        if turn == 1:
            break
        wx, wy = 2 * (u * (bx - ax) + t * (cx - bx)), 2 * (u * (by - ay) + t * (cy - by))
        bottom = vx * vx + vy * vy + dx * wx + dy * wy
        if bottom > 1e-9:
            t = min(1.0, max(0.0, t - (dx * vx + dy * vy) / bottom))
    speed = math.hypot(vx, vy)
    out[0], out[3] = t, 0.0
    if speed < 1e-9:
        return 0.0
    out[1], out[2], out[3] = -vy / speed, vx / speed, 1.0
    if (t <= 0 or t >= 1) and abs(dx * vx + dy * vy) > 0.05 * speed:
        out[3] = 0.0
    nx, ny = points[i, 2], points[i, 3]
    if nx != 0 or ny != 0:
        along = dx * nx + dy * ny
        out[1], out[2] = nx, ny
        excess = max(0.0, along - points[i, 5]) - max(0.0, points[i, 4] - along)
        out[3] *= HIDDEN if excess != 0 else 0.0
        return excess
    return dx * out[1] + dy * out[2]


@kernel
def cost_of(points: Floats, first: int, last: int, curve: Floats, line: bool, times: Floats, row: Floats) -> float:
    """Sum of robust squared distances of a piece's points."""
    total = 0.0
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off = distance_at(points, i, curve, times[i], row)
        times[i] = row[0]
        off = abs(off)
        total += step * row[3] * (off * off if off < ROBUST else ROBUST * (2 * off - ROBUST))
    return total


@kernel
def add_piece(
    points: Floats, first: int, last: int, curve: Floats, times: Floats, change: Floats, used: int, matrix: Floats,
    right: Floats, row: Floats, slope: Floats,
) -> float:  # fmt: skip
    """Add one piece to the normal equations and give its cost.

    change[u, c] is what unknown u does to each coordinate of the curve.
    """
    total = 0.0
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off = distance_at(points, i, curve, times[i], row)
        t, nx, ny, weight = row[0], row[1], row[2], row[3]
        times[i] = t
        if weight == 0:
            continue
        weight *= step
        if abs(off) > ROBUST:
            weight *= ROBUST / abs(off)
            total += weight * abs(off) * (2 * abs(off) - ROBUST)
        else:
            total += weight * off * off
        s = 1 - t
        b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        for u in range(used):
            slope[u] = nx * (b0 * change[u, 0] + b1 * change[u, 2] + b2 * change[u, 4] + b3 * change[u, 6]) + ny * (
                b0 * change[u, 1] + b1 * change[u, 3] + b2 * change[u, 5] + b3 * change[u, 7]
            )
        for u in range(used):
            right[u] -= weight * slope[u] * off
            for v in range(u + 1):
                matrix[u, v] += weight * slope[u] * slope[v]
    return total


@kernel
def unknowns_of(
    left: Floats, left_line: bool, left_smooth: bool, right: Floats, right_line: bool, right_smooth: bool,
    smooth: bool, change: Floats, stiff: Floats,
) -> int:  # fmt: skip
    """What may move at a knot: rows of change, eight coordinates of the left piece and eight of the right one.

    `left_smooth` and `right_smooth` tell of the knots at the far ends, `smooth` of this one.
    """
    change[:] = 0.0
    for c in range(2):
        # The knot takes its handles along.
        change[c, 6 + c] = change[c, 8 + c] = 1.0
        change[c, 4 + c] = change[c, 10 + c] = 1.0
        if left_line:
            change[c, 4 + c], change[c, 2 + c] = 2 / 3, 1 / 3
        if right_line:
            change[c, 10 + c], change[c, 12 + c] = 2 / 3, 1 / 3
        stiff[c] = STIFF_PLACE
    used = 2
    for side in range(2):
        curve, line, far_smooth = (left, left_line, left_smooth) if side == 0 else (right, right_line, right_smooth)
        if line:
            continue
        base = 8 * side
        far, far_handle = (0, 2) if side == 0 else (6, 4)
        near, near_handle = (6, 4) if side == 0 else (0, 2)
        if far_smooth:
            hx, hy = curve[far_handle] - curve[far], curve[far_handle + 1] - curve[far + 1]
            length = max(1e-6, math.hypot(hx, hy))
            change[used, base + far_handle], change[used, base + far_handle + 1] = hx / length, hy / length
            stiff[used] = STIFF_HANDLE
            used += 1
        else:
            for c in range(2):
                change[used, base + far_handle + c] = 1.0
                stiff[used] = STIFF_HANDLE
                used += 1
        hx, hy = curve[near_handle] - curve[near], curve[near_handle + 1] - curve[near + 1]
        length = max(1e-6, math.hypot(hx, hy))
        if smooth:
            change[used, base + near_handle], change[used, base + near_handle + 1] = hx / length, hy / length
            stiff[used] = STIFF_HANDLE
            used += 1
            other_line = right_line if side == 0 else left_line
            if other_line:
                # The handle turns with the line that it continues.
                ox, oy = (right[6] - right[0], right[7] - right[1]) if side == 0 else (left[0] - left[6], left[1] - left[7])
                reach = max(1e-6, math.hypot(ox, oy))
                qx, qy = -oy / reach, ox / reach
                for c in range(2):
                    turn = (qx if c == 0 else qy) / reach * length
                    # moving the knot by d turns the direction from the line by -d*q/reach
                    change[c, base + near_handle] += turn * qx
                    change[c, base + near_handle + 1] += turn * qy
        else:
            for c in range(2):
                change[used, base + near_handle + c] = 1.0
                stiff[used] = STIFF_HANDLE
                used += 1
    if smooth and not left_line and not right_line:
        change[used, 4], change[used, 5] = -(left[5] - left[7]), left[4] - left[6]
        change[used, 10], change[used, 11] = -(right[3] - right[1]), right[2] - right[0]
        reach = math.hypot(left[4] - left[6], left[5] - left[7]) + math.hypot(right[2] - right[0], right[3] - right[1])
        stiff[used] = STIFF_TURN * max(1.0, reach * reach)
        used += 1
    return used


@kernel
def good_shape(curve: Floats, line: bool) -> bool:
    """Whether the handles of a curve have sensible lengths."""
    chord = math.hypot(curve[6] - curve[0], curve[7] - curve[1])
    if line:
        return chord > 1e-3
    first = math.hypot(curve[2] - curve[0], curve[3] - curve[1])
    second = math.hypot(curve[4] - curve[6], curve[5] - curve[7])
    return min(first, second) >= 0.02 * chord and max(first, second) <= 3.0 * chord + 3


@kernel
def align(curve: Floats, at_end: bool, x: float, y: float) -> None:
    """Turn a handle into a direction, its length kept."""
    length = math.hypot(x, y)
    if length < 1e-9:
        return
    if at_end:
        handle = math.hypot(curve[4] - curve[6], curve[5] - curve[7]) / length
        curve[4], curve[5] = curve[6] + handle * x, curve[7] + handle * y
    else:
        handle = math.hypot(curve[2] - curve[0], curve[3] - curve[1]) / length
        curve[2], curve[3] = curve[0] + handle * x, curve[1] + handle * y


@kernel
def pinned(at: float, limit: float) -> bool:
    """Whether a coordinate lies on the page's edge, where it stays."""
    return at <= 0 or at >= limit


@kernel
def join_smoothly(curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool) -> None:
    """Make a cubic and a line that meet at almost one direction meet at exactly one; what bends more is a corner."""
    for k in range(0 if closed else 1, count):
        before = k - 1 if k else count - 1
        if not smooth[k] or before == k:
            continue
        a, b = curves[before], curves[k]
        if lines[before] and lines[k]:
            smooth[k] = 0
            continue
        ax, ay = (a[6] - a[0], a[7] - a[1]) if lines[before] else (a[6] - a[4], a[7] - a[5])
        bx, by = (b[6] - b[0], b[7] - b[1]) if lines[k] else (b[2] - b[0], b[3] - b[1])
        if ax * bx + ay * by < SMOOTH * math.hypot(ax, ay) * math.hypot(bx, by):
            smooth[k] = 0
        elif lines[before]:
            align(b, False, ax, ay)
        elif lines[k]:
            align(a, True, -bx, -by)


@kernel
def refine(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool, width: float,
    height: float,
) -> None:  # fmt: skip
    """Move the knots of consecutive pieces.

    Piece k is drawn for points spans[k, 0] to spans[k, 1]; smooth[k] tells whether it continues the piece before it.
    """
    join_smoothly(curves, lines, smooth, count, closed)
    times = np.zeros(len(points))
    for k in range(count):
        first, last = spans[k, 0], spans[k, 1]
        for i in range(first, last + 1):
            times[i] = (i - first + 0.5) / max(1, last - first + 1)
    change, stiff = np.empty((MOST, 16)), np.empty(MOST)
    matrix, right, row, slope = np.empty((MOST, MOST)), np.empty(MOST), np.empty(4), np.empty(MOST)
    old = np.empty((2, 8))
    for sweep in range(SWEEPS):
        for turn in range(count):
            k = turn if sweep % 2 == 0 else count - 1 - turn
            if k == 0 and not closed:
                continue
            before = k - 1 if k else count - 1
            if before == k:
                continue
            a, b = curves[before], curves[k]
            left_smooth, right_smooth = smooth[before] == 1, smooth[(k + 1) % count] == 1
            used = unknowns_of(
                a, lines[before] == 1, left_smooth, b, lines[k] == 1, right_smooth, smooth[k] == 1, change, stiff
            )
            matrix[:] = 0.0
            right[:] = 0.0
            for u in range(used):
                matrix[u, u] = stiff[u]
            for c in range(2):
                if pinned(b[c], width if c == 0 else height):
                    change[c] = 0.0
            was = add_piece(
                points, spans[before, 0], spans[before, 1], a, times, change[:, :8], used, matrix, right, row, slope
            )
            was += add_piece(points, spans[k, 0], spans[k, 1], b, times, change[:, 8:], used, matrix, right, row, slope)
            if not solve(matrix, right, used):
                continue
            moved = math.hypot(right[0], right[1])
            share = min(1.0, FARTHEST / moved) if moved > 0 else 1.0
            old[0] = a
            old[1] = b
            for u in range(used):
                for c in range(8):
                    a[c] += share * right[u] * change[u, c]
                    b[c] += share * right[u] * change[u, 8 + c]
            if smooth[k]:
                if lines[before] and not lines[k]:
                    align(b, False, a[6] - a[0], a[7] - a[1])
                elif lines[k] and not lines[before]:
                    align(a, True, b[0] - b[6], b[1] - b[7])
                else:
                    # The larger handle keeps its direction to the last digit.
                    align(b, False, a[6] - a[4], a[7] - a[5])
            now = cost_of(points, spans[before, 0], spans[before, 1], a, lines[before] == 1, times, row) + cost_of(
                points, spans[k, 0], spans[k, 1], b, lines[k] == 1, times, row
            )
            if now > was or not good_shape(a, lines[before] == 1) or not good_shape(b, lines[k] == 1):
                a[:] = old[0]
                b[:] = old[1]
                continue
            # A line that turned takes the curve beyond it along.
            if lines[before] and left_smooth and not lines[before - 1 if before else count - 1]:
                align(curves[before - 1 if before else count - 1], True, a[0] - a[6], a[1] - a[7])
            if lines[k] and right_smooth and not lines[(k + 1) % count]:
                align(curves[(k + 1) % count], False, b[6] - b[0], b[7] - b[1])
