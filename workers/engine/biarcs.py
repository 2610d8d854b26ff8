"""Lines and cubics as lines and circular arcs within a tolerance, for tools that know no other curves.

A biarc is two arcs that share a tangent where they meet and have given ends and directions there (Bolton, "Biarc
curves", CAD 1975). Greedily the longest stretch of a smooth run that one biarc follows becomes one, over as many
cubics as it likes, then the next (Meek, Walton, "Approximating smooth planar curves by arc splines", JCAM 1995). So
what is smooth stays smooth, and what is round to begin with becomes few arcs.

A piece is eight numbers: start, two control points, end; a line has its control points at its ends. A place on the
outline is a number: its whole part says which piece, the rest the time on it.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.kernels import allocating_kernel, kernel

MARGIN = 0.9
"""Stretches keep to this part of the tolerance, for they are looked at in places and the worst may lie between two."""

LOOKS = 8
"""How many places of each piece of a stretch are looked at; at least twice as many in all."""

SMOOTH = math.cos(math.radians(12))
"""Cosine of the bend up to which two pieces are one smooth run. Control points are rounded to the units of the drawing,
so short pieces of a smooth outline meet at a slight angle."""

FLAT = 0.1
"""A cubic whose control points lie within this part of the tolerance of its chord is a line."""

WIDEST = math.radians(48)
"""An arc of a biarc turns by at most twice this, so that one arc instead may be half a circle, and is hardly more."""

ONE_ARC = math.radians(0.5)
"""One arc does where it is off the directions of a stretch's ends by no more than this."""

SHORTEST = 1 / 2048
"""No stretch is shorter than this part of a piece; a cusp is smaller than any arc."""

REFINEMENTS = 3
"""How often the gap between a stretch that fits and one that does not is halved."""

ROUND = 0.02
"""A circle keeps within this part of its radius."""

CIRCLE_LOOKS = 8


@kernel
def point_at(pieces: Floats, place: float, last: int) -> tuple[float, float]:
    """The point at a place, on piece `last` at most."""
    k = min(int(place), last)
    t = place - k
    u = 1 - t
    b0, b1, b2, b3 = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
    return (
        b0 * pieces[k, 0] + b1 * pieces[k, 2] + b2 * pieces[k, 4] + b3 * pieces[k, 6],
        b0 * pieces[k, 1] + b1 * pieces[k, 3] + b2 * pieces[k, 5] + b3 * pieces[k, 7],
    )


@kernel
def direction_at(pieces: Floats, place: float, last: int) -> tuple[float, float]:
    """The unit vector in which the outline goes at a place, on piece `last` at most; 0, 0 if it goes nowhere."""
    k = min(int(place), last)
    t = place - k
    u = 1 - t
    size = abs(pieces[k, 6] - pieces[k, 0]) + abs(pieces[k, 7] - pieces[k, 1])
    size = max(size, abs(pieces[k, 2] - pieces[k, 0]) + abs(pieces[k, 3] - pieces[k, 1]))
    x = y = 0.0
    for _ in range(3):
        x = y = 0.0
        for j, weight in ((0, u * u), (2, 2 * u * t), (4, t * t)):
            x += weight * (pieces[k, j + 2] - pieces[k, j])
            y += weight * (pieces[k, j + 3] - pieces[k, j + 1])
        length = math.hypot(x, y)
        if length > 1e-6 * size:
            return x / length, y / length
        # A control point lies on its end: the curve leaves in the direction of the next.
        t = t + 1e-3 if t < 0.5 else t - 1e-3
        u = 1 - t
    return 0.0, 0.0


@kernel
def is_line(pieces: Floats, k: int, tolerance: float) -> bool:
    """Whether a piece is a line, or as good as one."""
    x, y = pieces[k, 6] - pieces[k, 0], pieces[k, 7] - pieces[k, 1]
    length = math.hypot(x, y)
    for j in (2, 4):
        dx, dy = pieces[k, j] - pieces[k, 0], pieces[k, j + 1] - pieces[k, 1]
        if length == 0:
            if math.hypot(dx, dy) > FLAT * tolerance:
                return False
            continue
        along, off = (dx * x + dy * y) / length, (dx * y - dy * x) / length
        if abs(off) > FLAT * tolerance or along < -FLAT * tolerance or along > length + FLAT * tolerance:
            return False
    return True


@kernel
def end_of_run(pieces: Floats, k: int, tolerance: float) -> int:
    """The piece after the last of the smooth run of curves that begins with piece k."""
    while k + 1 < len(pieces) and not is_line(pieces, k + 1, tolerance):
        x1, y1 = direction_at(pieces, k + 1.0, k)
        x2, y2 = direction_at(pieces, k + 1.0, k + 1)
        if x1 * x2 + y1 * y2 < SMOOTH:
            break
        k += 1
    return k + 1


@kernel
def half_turn(x1: float, y1: float, x2: float, y2: float) -> float:
    """The angle from one vector to another: half of what an arc turns that leaves along the one and has the other as
    its chord."""
    return math.atan2(x1 * y2 - y1 * x2, x1 * x2 + y1 * y2)


@kernel
def distance_from_arc(x: float, y: float, arc: Floats) -> float:
    """How far a point is from the circle or line of an arc: its start, end, and half its turn."""
    cx, cy = arc[2] - arc[0], arc[3] - arc[1]
    chord = math.hypot(cx, cy)
    if chord < 1e-12:
        return math.hypot(x - arc[0], y - arc[1])
    along, off = ((x - arc[0]) * cx + (y - arc[1]) * cy) / chord, ((y - arc[1]) * cx - (x - arc[0]) * cy) / chord
    sine = math.sin(arc[4])
    if abs(sine) < 1e-6:
        return abs(off)
    radius = chord / 2 / sine
    center = -radius * math.cos(arc[4])  # to the right of the chord if it is negative
    return abs(math.hypot(along - chord / 2, off + center) - abs(radius))


@kernel
def join(pieces: Floats, begin: float, end: float, run_end: int, arcs: Floats) -> int:
    """The biarc from one place to another, in rows 0 and 1 of `arcs`, and one arc instead, in row 2: start, end, and
    half of how far it turns. Of all biarcs it is the one whose ends are as far as each other from where their tangents
    meet that of the middle. Says how many arcs are needed at least; 0 where there is no biarc."""
    last = run_end - 1
    x1, y1 = point_at(pieces, begin, last)
    x2, y2 = point_at(pieces, end, last)
    sx, sy = direction_at(pieces, begin, last)
    ex, ey = direction_at(pieces, end, min(last, math.ceil(end) - 1))
    vx, vy = x2 - x1, y2 - y1
    tx, ty = sx + ex, sy + ey
    across = vx * tx + vy * ty
    bend = 2 * (1 - sx * ex - sy * ey)
    length = vx * vx + vy * vy
    # bend d² + 2 across d = length, solved so that it holds for a bend of nothing, too.
    bottom = across + math.sqrt(across * across + bend * length)
    if bottom <= 1e-9 * math.sqrt(length):
        return 0
    d = length / bottom
    mx, my = (x1 + x2 + d * (sx - ex)) / 2, (y1 + y2 + d * (sy - ey)) / 2
    arcs[0, 0], arcs[0, 1], arcs[0, 2], arcs[0, 3] = x1, y1, mx, my
    arcs[1, 0], arcs[1, 1], arcs[1, 2], arcs[1, 3] = mx, my, x2, y2
    arcs[0, 4], arcs[1, 4] = half_turn(sx, sy, mx - x1, my - y1), half_turn(x2 - mx, y2 - my, ex, ey)
    first, second = half_turn(sx, sy, vx, vy), half_turn(vx, vy, ex, ey)
    arcs[2, 0], arcs[2, 1], arcs[2, 2], arcs[2, 3], arcs[2, 4] = x1, y1, x2, y2, (first + second) / 2
    if max(abs(arcs[0, 4]), abs(arcs[1, 4])) > WIDEST:
        return 0
    return 1 if abs(first - second) <= 2 * ONE_ARC else 2


@kernel
def follow(pieces: Floats, begin: float, end: float, run_end: int, tolerance: float, arcs: Floats) -> int:
    """How many arcs follow the outline from one place to another: 2 in the first rows of `arcs`, or the 1 in row 2;
    0 if two do not."""
    needed = join(pieces, begin, end, run_end, arcs)
    looks = int(LOOKS * max(2.0, end - begin))
    along_x, along_y = arcs[2, 2] - arcs[2, 0], arcs[2, 3] - arcs[2, 1]
    for look in range(1, looks if needed else 0):
        x, y = point_at(pieces, begin + (end - begin) * look / looks, run_end - 1)
        side = 0 if (x - arcs[1, 0]) * along_x + (y - arcs[1, 1]) * along_y < 0 else 1
        if distance_from_arc(x, y, arcs[side]) > MARGIN * tolerance:
            return 0
        if needed == 1 and distance_from_arc(x, y, arcs[2]) > MARGIN * tolerance:
            needed = 2
    return needed


@kernel
def longest_stretch(pieces: Floats, begin: float, run_end: int, step: float, tolerance: float, arcs: Floats) -> float:
    """The place up to which a biarc follows the run; `step` is how far one is likely to."""
    end = float(run_end)
    good, bad, is_bounded = begin, end, False
    reach = min(end, begin + step)
    while good < end and (good == begin or not is_bounded):
        if follow(pieces, begin, reach, run_end, tolerance, arcs):
            good, reach = reach, min(end, begin + 2 * (reach - begin))
        else:
            bad, reach, is_bounded = reach, (begin + reach) / 2, True
            if bad - begin < SHORTEST:
                return bad
    for _ in range(REFINEMENTS if good < end else 0):
        middle = (good + bad) / 2
        if follow(pieces, begin, middle, run_end, tolerance, arcs):
            good = middle
        else:
            bad = middle
    middle = (begin + end) / 2
    if middle < good < end and follow(pieces, begin, middle, run_end, tolerance, arcs):
        return middle  # two equal stretches are better than a crumb at the end
    return good


@allocating_kernel
def arc_outline(pieces: Floats, tolerance: float) -> Floats:
    """A closed outline as vertices: x, y, and half of how far the arc to the next one turns, above 0 to the left."""
    out = np.empty((2 * len(pieces) + 8, 3))
    arcs = np.zeros((3, 5))
    used, k = 0, 0
    while k < len(pieces):
        if is_line(pieces, k, tolerance):
            used, out = with_vertex(out, used, pieces[k, 0], pieces[k, 1], 0.0)
            k += 1
            continue
        run_end, place, step = end_of_run(pieces, k, tolerance), float(k), 1.0
        while place < run_end:
            reach = longest_stretch(pieces, place, run_end, step, tolerance, arcs)
            count = follow(pieces, place, reach, run_end, tolerance, arcs)
            x, y = point_at(pieces, place, run_end - 1)
            half = 0.0 if count == 0 else arcs[0 if count == 2 else 2, 4]
            used, out = with_vertex(out, used, x, y, half)
            if count == 2:
                used, out = with_vertex(out, used, arcs[1, 0], arcs[1, 1], arcs[1, 4])
            step, place = reach - place, reach
        k = run_end
    return out[:used]


@allocating_kernel
def with_vertex(out: Floats, used: int, x: float, y: float, half: float) -> tuple[int, Floats]:
    """The vertices and one more, in an array that has room for it."""
    if used == len(out):
        larger = np.empty((2 * used, 3))
        larger[:used] = out
        out = larger
    out[used, 0], out[used, 1], out[used, 2] = x, y, half
    return used + 1, out


@allocating_kernel
def circle_of(pieces: Floats, tolerance: float) -> tuple[float, float, float]:
    """Center and radius of the circle that a closed outline of curves is, within the tolerance; radius 0 if it is none.

    Least squares as Kåsa does it ("A circle fitting procedure and its error analysis", 1976), which is good where
    points lie all around.
    """
    count = len(pieces) * CIRCLE_LOOKS
    points = np.empty((count, 2))
    for k in range(len(pieces)):
        if is_line(pieces, k, tolerance):
            return 0.0, 0.0, 0.0
        for look in range(CIRCLE_LOOKS):
            x, y = point_at(pieces, k + look / CIRCLE_LOOKS, k)
            points[k * CIRCLE_LOOKS + look, 0], points[k * CIRCLE_LOOKS + look, 1] = x, y
    middle_x, middle_y = points[:, 0].mean(), points[:, 1].mean()
    xx = xy = yy = xz = yz = z = turn = 0.0
    for k in range(count):
        x, y = points[k, 0] - middle_x, points[k, 1] - middle_y
        next_x, next_y = points[(k + 1) % count, 0] - middle_x, points[(k + 1) % count, 1] - middle_y
        xx, xy, yy = xx + x * x, xy + x * y, yy + y * y
        square = x * x + y * y
        xz, yz, z = xz + x * square, yz + y * square, z + square
        turn += half_turn(x, y, next_x, next_y)
    determinant = xx * yy - xy * xy
    if determinant <= 1e-3 * xx * yy or abs(abs(turn) - 2 * math.pi) > 0.1:
        return 0.0, 0.0, 0.0
    x, y = (xz * yy - yz * xy) / determinant / 2, (yz * xx - xz * xy) / determinant / 2
    radius = math.sqrt(x * x + y * y + z / count)
    x, y = x + middle_x, y + middle_y
    most = min(tolerance, ROUND * radius)
    for k in range(count):
        if abs(math.hypot(points[k, 0] - x, points[k, 1] - y) - radius) > most:
            return 0.0, 0.0, 0.0
    return x, y, radius
