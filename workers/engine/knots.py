"""Knots moved to where the points truly lie, each together with the handles of both of its pieces.

A smooth knot keeps one direction for both of its handles, a corner stays a corner, and a line stays a line: it then
runs through all of its points rather than through the two at its ends.
"""

import math

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.distances import MOST, add_piece, cost_of, solve
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids

STIFF_PLACE, STIFF_HANDLE, STIFF_TURN = 0.02, 0.01, 0.01
"""Weights that hold a knot, its handles and its direction where no point says otherwise, against one per point."""

FARTHEST = 0.6
"""No knot moves farther than this, in pixels, at once."""

SMOOTH = 0.9
"""Cosine of the angle up to which a curve goes on in a line."""

MOST_DRIFT, MOST_SLIDE = 1.6, 6.0
"""A corner stays within so many pixels of where it was found, and a smooth knot within so many of where it began."""

LONGEST = 1.5
"""A handle is no longer than this multiple of its chord, and a pixel."""


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
                ox, oy = (
                    (right[6] - right[0], right[7] - right[1]) if side == 0 else (left[0] - left[6], left[1] - left[7])
                )
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

    If a point would end up farther off than both the tolerance and where the farthest one was, nothing moves; where it
    was before the handles of a smooth knot got one direction, for that may turn a long curve out of its place.
    """
    change, matrix = room[:MOST, :16], room[:MOST, 16 : 16 + MOST]
    stiff, right, slope, row = room[MOST, :MOST], room[MOST + 1, :MOST], room[MOST + 2, :MOST], room[MOST + 3, :5]
    old = room[MOST + 4 : MOST + 8, :8]
    left, after = k - 1 if k else count - 1, (k + 1) % count
    beyond = left - 1 if left else count - 1
    for c in range(8):
        old[0, c], old[1, c], old[2, c], old[3, c] = curves[beyond, c], curves[left, c], curves[k, c], curves[after, c]
    a, b, a_line, b_line = curves[left], curves[k], lines[left] == 1, lines[k] == 1
    limit = tolerance
    if smooth[k]:
        row[4] = 0.0
        cost_of(points, spans[left, 0], spans[left, 1], a, times, row)
        cost_of(points, spans[k, 0], spans[k, 1], b, times, row)
        limit = max(limit, row[4])
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
    if not smooth[k]:
        limit = max(limit, row[4])
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


@allocating_kernel
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
        ) and not move_knot(
            points, spans, curves, lines, smooth, count, k, tolerance, width, height, times, room, homes
        ):
            smooth[k] = 0
            curves[left], curves[k] = a, b
