"""How far a curve passes its points, and what each unknown of a fit does to that (Gauss-Newton on the distances along
the curve's normals; Wang, Pottmann, Liu, "Fitting B-spline curves to point clouds", 2006).
"""

import math

from workers.engine.color import Floats
from workers.engine.cubic import STEEPEST, Curve, held
from workers.engine.kernels import kernel

MOST = 10
"""Unknowns of one knot: its place, and up to two handles on each side."""

USED = 16
"""A piece is measured at no more than so many of its points."""

ROBUST = 0.12
"""Points farther off than this, in pixels, count less the farther they are (Huber 1964)."""

HIDDEN = 0.3
"""Weight of a point that later shapes cover, while the curve lies too deep under them; where it comes out, 1."""

BEYOND = 0.6
"""A point that lies beyond the end of its piece is the next one's, unless it is farther from that end than this."""


Distance = tuple[float, float, float, float, float]


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
def distance_at(points: Floats, i: int, curve: Curve, t: float) -> Distance:
    """Signed distance of a curve from point i at the point of the curve closest to it, which is near time t.

    With it come the time of that point, what a move of the curve adds to the distance, and a weight: 0 for points
    beyond an end or free to lie where they do.
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
    speed = math.sqrt(vx * vx + vy * vy)  # a third of what hypot takes
    if speed < 1e-9:
        return 0.0, t, 0.0, 0.0, 0.0
    nx, ny, weight = -vy / speed, vx / speed, 1.0
    if (t <= 0 or t >= 1) and abs(dx * vx + dy * vy) > 0.05 * speed:
        away = math.hypot(dx, dy)
        if away > BEYOND and points[i, 2] == 0 and points[i, 3] == 0:
            return away, t, dx / away, dy / away, 1.0
        weight = 0.0
    if points[i, 2] != 0 or points[i, 3] != 0:
        cosine = nx * points[i, 2] + ny * points[i, 3]
        if cosine * cosine > STEEPEST:
            nx, ny = nx / cosine, ny / cosine  # from here the curve is so far off in the direction of leeway
        else:
            nx, ny = points[i, 2], points[i, 3]
        along = dx * nx + dy * ny
        excess = max(0.0, along - points[i, 5]) - max(0.0, points[i, 4] - along)
        weight *= 0.0 if excess == 0 else HIDDEN if excess > 0 else 1.0
        return excess, t, nx, ny, weight
    return dx * nx + dy * ny, t, nx, ny, weight


@kernel
def cost_of(points: Floats, first: int, last: int, curve: Floats, times: Floats, row: Floats) -> float:
    """Sum of robust squared distances of a piece's points; row[4] is raised to the largest distance."""
    total, farthest, bezier = 0.0, 0.0, held(curve)
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off, times[i], _, _, weight = distance_at(points, i, bezier, times[i])
        off = abs(off)
        if weight > 0:
            farthest = max(farthest, off)
        total += step * weight * (off * off if off < ROBUST else ROBUST * (2 * off - ROBUST))
    row[4] = max(row[4], farthest)
    return total


@kernel
def add_piece(
    points: Floats, first: int, last: int, curve: Floats, times: Floats, change: Floats, used: int, matrix: Floats,
    right: Floats, row: Floats, slope: Floats,
) -> float:  # fmt: skip
    """Add one piece to the normal equations and give its cost.

    change[u, c] is what unknown u does to each coordinate of the curve.
    """
    total, farthest, bezier = 0.0, 0.0, held(curve)
    active = 0  # a bit for each unknown that does anything to this piece
    for u in range(used):
        for c in range(8):
            if change[u, c] != 0:
                active |= 1 << u
                break
    step = max(1.0, (last - first + 1) / USED)
    for k in range(min(USED, last - first + 1)):
        i = first + int(k * step)
        off, t, nx, ny, weight = distance_at(points, i, bezier, times[i])
        times[i] = t
        if weight == 0:
            continue
        farthest = max(farthest, abs(off))
        weight *= step
        if abs(off) > ROBUST:
            weight *= ROBUST / abs(off)
            total += weight * abs(off) * (2 * abs(off) - ROBUST)
        else:
            total += weight * off * off
        s = 1 - t
        b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
        for u in range(used):
            if not active >> u & 1:
                continue
            slope[u] = nx * (b0 * change[u, 0] + b1 * change[u, 2] + b2 * change[u, 4] + b3 * change[u, 6]) + ny * (
                b0 * change[u, 1] + b1 * change[u, 3] + b2 * change[u, 5] + b3 * change[u, 7]
            )
            pull = weight * slope[u]
            right[u] -= pull * off
            for v in range(u + 1):
                if active >> v & 1:
                    matrix[u, v] += pull * slope[v]
    row[4] = max(row[4], farthest)
    return total
