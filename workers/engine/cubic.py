"""One cubic Bézier through a run of points by least squares (Schneider, "An algorithm for automatically fitting
digitized curves", Graphics Gems 1990), with free or given directions at its ends.

A curve is eight numbers: start, two control points, end. A point is six: x, y, a direction of leeway (0, 0 if it has
none), and how far along that direction the curve may pass it, at least and at most.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.kernels import allocating_kernel, kernel

FREE_WEIGHT = 0.3
"""Weight of points with leeway."""

STEEPEST = 0.25
"""Squared sine of the angle between a curve and a direction of leeway, from which on one can be measured along it."""

TOO_SHORT, TOO_LONG = 0.02, 2.0
"""A handle must be between these multiples of the chord, the second and a pixel, or the fit has gone astray."""

TOO_FAR = 1.5
"""The same for each coordinate of a handle whose direction is free: longer ones tie loops."""

Curve = tuple[float, float, float, float, float, float, float, float]


@kernel
def held(curve: Floats) -> Curve:
    """The eight numbers of a curve: out of its array, a loop that writes to another would read them for every point."""
    return curve[0], curve[1], curve[2], curve[3], curve[4], curve[5], curve[6], curve[7]


@kernel
def miss(points: Floats, i: int, dx: float, dy: float, vx: float, vy: float) -> float:
    """How wrong it is for a curve to pass point i at this distance and in this direction, squared."""
    nx, ny = points[i, 2], points[i, 3]
    if nx == 0 and ny == 0:
        return dx * dx + dy * dy
    along, across = dx * nx + dy * ny, nx * vy - ny * vx
    if across * across > STEEPEST * (vx * vx + vy * vy):
        along = (dx * vy - dy * vx) / across  # to where the curve crosses the direction of leeway
    return max(0.0, max(points[i, 4] - along, along - points[i, 5])) ** 2


@kernel
def fit_handles(
    points: Floats, n: int, times: Floats, start: bool, sx: float, sy: float, end: bool, ex: float, ey: float,
    out: Floats,
) -> None:  # fmt: skip
    """Least-squares cubic from the first to the last point.

    With `start` the curve leaves in direction (sx, sy); with `end` its last handle points back along (ex, ey).
    """
    x0, y0, x3, y3 = points[0, 0], points[0, 1], points[n - 1, 0], points[n - 1, 1]
    s11 = s12 = s22 = r1x = r1y = r2x = r2y = 0.0
    for i in range(n):
        t = times[i]
        u = 1 - t
        b0, b1, b2, b3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        rest_x = points[i, 0] - (b0 + b1) * x0 - (b2 + b3) * x3
        rest_y = points[i, 1] - (b0 + b1) * y0 - (b2 + b3) * y3
        if points[i, 2] != 0 or points[i, 3] != 0:
            b1 *= FREE_WEIGHT
            b2 *= FREE_WEIGHT
            rest_x *= FREE_WEIGHT
            rest_y *= FREE_WEIGHT
        s11 += b1 * b1
        s12 += b1 * b2
        s22 += b2 * b2
        r1x += b1 * rest_x
        r1y += b1 * rest_y
        r2x += b2 * rest_x
        r2y += b2 * rest_y
    chord = math.hypot(x3 - x0, y3 - y0)
    limit = TOO_FAR * chord + 1
    v1x, v1y = (x3 - x0) / 3, (y3 - y0) / 3
    v2x, v2y = -v1x, -v1y
    if start and end:
        cross = s12 * (sx * ex + sy * ey)
        p1, p2 = r1x * sx + r1y * sy, r2x * ex + r2y * ey
        determinant = s11 * s22 - cross * cross
        a1 = a2 = chord / 3
        if abs(determinant) > 1e-9:
            a1, a2 = (p1 * s22 - p2 * cross) / determinant, (s11 * p2 - cross * p1) / determinant
        if min(a1, a2) < TOO_SHORT * chord or max(a1, a2) > TOO_LONG * chord + 1:
            a1 = a2 = chord / 3
        v1x, v1y, v2x, v2y = a1 * sx, a1 * sy, a2 * ex, a2 * ey
    elif start or end:
        # One handle keeps its direction; the other is free and eliminated from the normal equations.
        kx, ky = (sx, sy) if start else (ex, ey)
        sk, su = (s11, s22) if start else (s22, s11)
        rkx, rky = (r1x, r1y) if start else (r2x, r2y)
        rux, ruy = (r2x, r2y) if start else (r1x, r1y)
        su = max(su, 1e-9)
        bottom = sk - s12 * s12 / su
        a = chord / 3
        if bottom > 1e-9:
            a = ((rkx * kx + rky * ky) - s12 / su * (rux * kx + ruy * ky)) / bottom
        if a < TOO_SHORT * chord or a > TOO_LONG * chord + 1:
            a = chord / 3
        ux, uy = (rux - s12 * a * kx) / su, (ruy - s12 * a * ky) / su
        if abs(ux) > limit or abs(uy) > limit:
            sign = -1.0 if start else 1.0
            ux, uy = sign * (x3 - x0) / 3, sign * (y3 - y0) / 3
        if start:
            v1x, v1y, v2x, v2y = a * kx, a * ky, ux, uy
        else:
            v1x, v1y, v2x, v2y = ux, uy, a * kx, a * ky
    else:
        determinant = s11 * s22 - s12 * s12
        if n >= 5 and determinant > 1e-9:
            ax, ay = (s22 * r1x - s12 * r2x) / determinant, (s22 * r1y - s12 * r2y) / determinant
            bx, by = (s11 * r2x - s12 * r1x) / determinant, (s11 * r2y - s12 * r1y) / determinant
            if max(max(abs(ax), abs(ay)), max(abs(bx), abs(by))) < limit:
                v1x, v1y, v2x, v2y = ax, ay, bx, by
    out[0], out[1], out[2], out[3] = x0, y0, x0 + v1x, y0 + v1y
    out[4], out[5], out[6], out[7] = x3 + v2x, y3 + v2y, x3, y3


@kernel
def error_and_times(points: Floats, n: int, times: Floats, curve: Floats, better: Floats) -> float:
    """Largest error of a curve at its points' times, and by Newton's method a better time for each point."""
    x0, y0, x1, y1, x2, y2, x3, y3 = held(curve)
    ax, ay = 3 * (x1 - x0), 3 * (y1 - y0)
    bx, by = 3 * (x2 - x1), 3 * (y2 - y1)
    cx, cy = 3 * (x3 - x2), 3 * (y3 - y2)
    worst = 0.0
    for i in range(n):
        t = times[i]
        u = 1 - t
        b0, b1, b2, b3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        dx = b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 - points[i, 0]
        dy = b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3 - points[i, 1]
        vx, vy = u * u * ax + 2 * u * t * bx + t * t * cx, u * u * ay + 2 * u * t * by + t * t * cy
        worst = max(worst, miss(points, i, dx, dy, vx, vy))
        wx, wy = 2 * (u * (bx - ax) + t * (cx - bx)), 2 * (u * (by - ay) + t * (cy - by))
        bottom = vx * vx + vy * vy + dx * wx + dy * wy
        if abs(bottom) > 1e-9:
            t -= (dx * vx + dy * vy) / bottom
        better[i] = min(1.0, max(0.0, t))
    better[0], better[n - 1] = 0.0, 1.0
    return math.sqrt(worst)


@kernel
def chord_times(points: Floats, n: int, times: Floats) -> None:
    """Times proportional to the way along the points."""
    times[0] = 0.0
    for i in range(1, n):
        way_x, way_y = points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1]
        times[i] = times[i - 1] + math.sqrt(way_x * way_x + way_y * way_y)
    total = max(times[n - 1], 1e-9)
    for i in range(n):
        times[i] /= total


@allocating_kernel
def error_of_all(points: Floats, n: int, used: int, times: Floats, curve: Floats) -> float:
    """Largest error of a curve at n points, of which so many evenly spaced ones have these times."""
    rough, better = np.empty(n), np.empty(n)
    for i in range(n):
        place = i * (used - 1) / (n - 1)
        k = min(used - 2, int(place))
        rough[i] = times[k] + (place - k) * (times[k + 1] - times[k])
    error_and_times(points, n, rough, curve, better)
    return error_and_times(points, n, better, curve, rough)


@kernel
def distance_from_chord(points: Floats, n: int) -> float:
    """Largest error of the straight line between the first and the last point; huge if they coincide."""
    way_x, way_y = points[n - 1, 0] - points[0, 0], points[n - 1, 1] - points[0, 1]
    length = math.hypot(way_x, way_y)
    if length < 1e-6:
        return 1e9
    worst = 0.0
    for i in range(1, n - 1):
        off = ((points[i, 0] - points[0, 0]) * way_y - (points[i, 1] - points[0, 1]) * way_x) / (length * length)
        worst = max(worst, miss(points, i, -off * way_y, off * way_x, way_x, way_y))
    return math.sqrt(worst)
