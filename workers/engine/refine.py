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

USED = 16
"""A piece is measured at no more than so many of its points."""

SWEEPS = 4
"""How often each knot moves."""

STIFF_PLACE, STIFF_HANDLE, STIFF_TURN = 0.02, 0.01, 0.01
"""Weights that hold a knot, its handles and its direction where no point says otherwise, against one per point."""

ROBUST = 0.12
"""Points farther off than this, in pixels, count less the farther they are (Huber 1964)."""

HIDDEN = 0.3
"""Weight of a point that later shapes cover."""

LINE_SHARE = 0.85
"""A line must keep within this part of the tolerance, as when it was fitted."""

SMOOTH_LINE_SHARE = 0.5
"""A line that curves continue must keep within this part of it: else it would flatten them."""

BLUNT, BLUNT_SINE = 1.3, 0.5
"""A line between two corners that is shorter than so many pixels is one corner, if its neighbors meet no farther off
than that and at no flatter angle than this sine."""

ROUND_SINE = 0.3
"""Lines that meet at flatter angles than this sine have no corner to be rounded."""

FLAT = 0.1
"""A curve whose handles stray no farther from its chord, in pixels, is a line."""

MOST_DRIFT, MOST_SLIDE = 1.6, 6.0
"""A corner stays within so many pixels of where it was found, and a smooth knot within so many of where it began."""

LONGEST = 1.5
"""A handle is no longer than this multiple of its chord, and a pixel."""

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
def cost_of(points: Floats, first: int, last: int, curve: Floats, times: Floats, row: Floats) -> float:
    """Sum of robust squared distances of a piece's points; row[4] is raised to the largest distance."""
    total = 0.0
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off = distance_at(points, i, curve, times[i], row)
        times[i] = row[0]
        off = abs(off)
        if row[3] > 0:
            row[4] = max(row[4], off)
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
    active, count = np.empty(MOST, np.int64), 0
    for u in range(used):
        for c in range(8):
            if change[u, c] != 0:
                active[count] = u
                count += 1
                break
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off = distance_at(points, i, curve, times[i], row)
        t, nx, ny, weight = row[0], row[1], row[2], row[3]
        times[i] = t
        if weight == 0:
            continue
        row[4] = max(row[4], abs(off))
        weight *= step
        if abs(off) > ROBUST:
            weight *= ROBUST / abs(off)
            total += weight * abs(off) * (2 * abs(off) - ROBUST)
        else:
            total += weight * off * off
        s = 1 - t
        b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        for p in range(count):
            u = active[p]
            slope[p] = nx * (b0 * change[u, 0] + b1 * change[u, 2] + b2 * change[u, 4] + b3 * change[u, 6]) + ny * (
                b0 * change[u, 1] + b1 * change[u, 3] + b2 * change[u, 5] + b3 * change[u, 7]
            )
            pull = weight * slope[p]
            right[u] -= pull * off
            for q in range(p + 1):
                matrix[u, active[q]] += pull * slope[q]
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
def good_shape(curve: Floats, line: bool, before: Floats) -> bool:
    """Whether the handles of a curve have sensible lengths, or such as they had before."""
    chord = math.hypot(curve[6] - curve[0], curve[7] - curve[1])
    if line:
        return chord > 1e-3
    first = math.hypot(curve[2] - curve[0], curve[3] - curve[1])
    second = math.hypot(curve[4] - curve[6], curve[5] - curve[7])
    was = max(
        math.hypot(before[2] - before[0], before[3] - before[1]),
        math.hypot(before[4] - before[6], before[5] - before[7]),
    )
    return min(first, second) >= 0.02 * chord and max(first, second) <= max(LONGEST * chord + 1, was)


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
def tangents_agree(a: Floats, a_line: bool, b: Floats, b_line: bool) -> bool:
    """Whether a piece goes on in almost the direction in which the one before it arrives."""
    ax, ay = (a[6] - a[0], a[7] - a[1]) if a_line else (a[6] - a[4], a[7] - a[5])
    bx, by = (b[6] - b[0], b[7] - b[1]) if b_line else (b[2] - b[0], b[3] - b[1])
    return ax * bx + ay * by >= SMOOTH * math.hypot(ax, ay) * math.hypot(bx, by)


@kernel
def align_both(a: Floats, a_line: bool, b: Floats, b_line: bool) -> None:
    """Give the two handles at a smooth knot one direction: that of the line, if one piece is a line."""
    if a_line:
        align(b, False, a[6] - a[0], a[7] - a[1])
    elif b_line:
        align(a, True, b[0] - b[6], b[1] - b[7])
    else:
        align(b, False, a[6] - a[4], a[7] - a[5])


@kernel
def move_knot(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, k: int, tolerance: float,
    width: float, height: float, times: Floats, room: Floats, homes: Floats,
) -> bool:  # fmt: skip
    """Move the knot at which piece k begins to its best place; say whether that kept all points within the tolerance.

    If a point would end up farther off than both the tolerance and where the farthest one was, nothing moves.
    """
    change, matrix = room[:MOST, :16], room[:MOST, 16 : 16 + MOST]
    stiff, right, slope, row = room[MOST, :MOST], room[MOST + 1, :MOST], room[MOST + 2, :MOST], room[MOST + 3, :5]
    old = room[MOST + 4 : MOST + 8, :8]
    left, after = k - 1 if k else count - 1, (k + 1) % count
    beyond = left - 1 if left else count - 1
    for c in range(8):
        old[0, c], old[1, c], old[2, c], old[3, c] = curves[beyond, c], curves[left, c], curves[k, c], curves[after, c]
    a, b, a_line, b_line = curves[left], curves[k], lines[left] == 1, lines[k] == 1
    if smooth[k]:
        align_both(a, a_line, b, b_line)
    used = unknowns_of(a, a_line, smooth[left] == 1, b, b_line, smooth[after] == 1, smooth[k] == 1, change, stiff)
    for c in range(2):
        if pinned(b[c], width if c == 0 else height):
            change[c] = 0.0
    matrix[:] = 0.0
    right[:] = 0.0
    for u in range(used):
        matrix[u, u] = stiff[u]
    row[4] = 0.0
    was = add_piece(points, spans[left, 0], spans[left, 1], a, times, change[:, :8], used, matrix, right, row, slope)
    was += add_piece(points, spans[k, 0], spans[k, 1], b, times, change[:, 8:], used, matrix, right, row, slope)
    limit = max(row[4], tolerance)
    fine = solve(matrix, right, used)
    if fine:
        moved = math.hypot(right[0], right[1])
        for u in range(2, used):
            moved = max(moved, 0.1 * abs(right[u]) * math.sqrt(stiff[u] / STIFF_HANDLE))
        share = min(1.0, FARTHEST / moved) if moved > 0 else 1.0
        for u in range(used):
            for c in range(8):
                a[c] += share * right[u] * change[u, c]
                b[c] += share * right[u] * change[u, 8 + c]
        if smooth[k]:
            align_both(a, a_line, b, b_line)
        row[4] = 0.0
        now = cost_of(points, spans[left, 0], spans[left, 1], a, times, row)
        now += cost_of(points, spans[k, 0], spans[k, 1], b, times, row)
        fine = now <= was and row[4] <= limit and good_shape(a, a_line, old[1]) and good_shape(b, b_line, old[2])
        home = homes[spans[k, 0]]
        fine = fine and math.hypot(b[0] - home[0], b[1] - home[1]) <= (MOST_SLIDE if smooth[k] else MOST_DRIFT)
        reached = row[4]
        if fine:
            # A line that turned takes the curve beyond it along.
            row[4] = 0.0
            if a_line and smooth[left] and not lines[beyond] and beyond != k:
                align(curves[beyond], True, a[0] - a[6], a[1] - a[7])
                cost_of(points, spans[beyond, 0], spans[beyond, 1], curves[beyond], times, row)
            if b_line and smooth[after] and not lines[after] and after != left:
                align(curves[after], False, b[6] - b[0], b[7] - b[1])
                cost_of(points, spans[after, 0], spans[after, 1], curves[after], times, row)
            fine = row[4] <= max(limit, tolerance)
        if fine:
            return reached <= tolerance
    for c in range(8):
        curves[beyond, c], curves[left, c], curves[k, c], curves[after, c] = old[0, c], old[1, c], old[2, c], old[3, c]
    return False


@kernel
def join_smoothly(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, width: float, height: float, times: Floats, room: Floats, homes: Floats,
) -> None:  # fmt: skip
    """Let lines go over into curves without a bend where all points can still be kept; elsewhere there is a corner."""
    for k in range(0 if closed else 1, count):
        left = k - 1 if k else count - 1
        if not smooth[k] or not (lines[left] or lines[k]) or left == k:
            continue
        if (lines[left] and lines[k]) or not tangents_agree(curves[left], lines[left] == 1, curves[k], lines[k] == 1):
            smooth[k] = 0
            continue
        a, b = curves[left].copy(), curves[k].copy()
        if not move_knot(
            points, spans, curves, lines, smooth, count, k, tolerance, width, height, times, room, homes
        ) and not move_knot(points, spans, curves, lines, smooth, count, k, tolerance, width, height, times, room, homes):
            smooth[k] = 0
            curves[left], curves[k] = a, b


@kernel
def merged(
    points: Floats, first: int, last: int, a: Floats, b: Floats, start: bool, end: bool, line: bool, tolerance: float,
    times: Floats, room: Floats, out: Floats,
) -> bool:  # fmt: skip
    """One curve or line in place of two; says whether it keeps all points within the tolerance."""
    change, matrix = room[:MOST, :8], room[:MOST, 16 : 16 + MOST]
    right, slope, row = room[MOST + 1, :MOST], room[MOST + 2, :MOST], room[MOST + 3, :5]
    out[:2], out[6:] = a[:2], b[6:]
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
    for i in range(spans[k, 0], spans[k, 1] + 1):
        if points[i, 2] != 0 or points[i, 3] != 0:
            return False
    return True


@kernel
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


@kernel
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
            for i in range(first, last + 1):
                times[i] = (i - first + 0.5) / (last - first + 1)
            row[4] = 0.0
            cost_of(points, first, last, trial, times, row)
            cost = cost_of(points, first, last, trial, times, row)
            # Points that the arc leaves to a line are that line's to keep.
            for i in range(first, last + 1):
                if times[i] <= 0 or times[i] >= 1:
                    ux, uy, px, py = (ax, ay, a[6], a[7]) if times[i] <= 0 else (bx, by, b[0], b[1])
                    off = (points[i, 0] - px) * uy - (points[i, 1] - py) * ux
                    cost += off * off
            if cost < best:
                best, reach = cost, at
                for c in range(8):
                    out[c] = trial[c]
        center = reach
        step *= 0.6
    for i in range(first, last + 1):
        times[i] = (i - first + 0.5) / (last - first + 1)
    row[4] = 0.0
    cost_of(points, first, last, out, times, row)
    row[4] = 0.0
    cost_of(points, first, last, out, times, row)
    return best < 1e17 and row[4] <= tolerance


@kernel
def begin_with(spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, first: int) -> None:
    """Let a closed outline begin with another of its pieces."""
    if not first:
        return
    old_spans, old_curves = spans[:count].copy(), curves[:count].copy()
    old_lines, old_smooth = lines[:count].copy(), smooth[:count].copy()
    for i in range(count):
        at = (first + i) % count
        spans[i], curves[i], lines[i], smooth[i] = old_spans[at], old_curves[at], old_lines[at], old_smooth[at]


@kernel
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
        if not lines[k - 1] or lines[k] or not lines[after] or k + pieces > count or (k + pieces == count and not closed):
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


@kernel
def refine(
    points: Floats, spans: Ids, curves: Floats, lines: Pixels, smooth: Pixels, count: int, closed: bool,
    tolerance: float, width: float, height: float,
) -> int:  # fmt: skip
    """Move the knots of consecutive pieces and drop those that are not needed; give how many pieces are left.

    Piece k is drawn for points spans[k, 0] to spans[k, 1]; smooth[k] tells whether it continues the piece before it.
    """
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
            join_smoothly(points, spans, curves, lines, smooth, count, closed, tolerance, width, height, times, room, homes)
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
