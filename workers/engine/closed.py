"""A closed ring of points as lines and cubics: find its corners, sharpen them, fit what lies between.

A corner is where the direction turns by more than an angle over a few steps. Anti-aliasing rounds it off, so its
true place is where the lines fitted to both of its sides meet.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fit import fit_pieces
from workers.engine.kernels import kernel
from workers.engine.ring import PAGE_LEEWAY

SPAN = 2
NEAREST_PAGE = 0.8
"""A corner closer to the page's edge than this, in pixels, lies on it."""

SURE = math.radians(75)
"""A sharper bend than this is a corner whatever lies around it."""

EVEN = 0.7
MOST_MOVE = 1.6
PARALLEL = 0.3
CUT, FAR = 1, 4
LONG = 10
STRAIGHT = 0.06
"""A side of more than `LONG` points whose points lie this close to a line, in pixels, is trusted from one point on."""

"""Points next to a corner that are left out of the fit, and how many beyond them make its sides."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Pixels a curve may stray, the bend in radians that makes a corner, and the width of the smoothing."""

    tolerance: float = 0.17
    corner: float = math.radians(43)
    smoothing: float = 0.4


@kernel
def smoothed(points: Floats, n: int, width: float, closed: bool) -> Floats:
    """A copy of a ring or an open run under a small Gaussian; it takes the rounding of 8 bits off the offsets."""
    out = points[:n].copy()
    if width <= 0 or n < 6:
        return out
    w1, w2 = math.exp(-0.5 / (width * width)), math.exp(-2.0 / (width * width))
    total = 1 + 2 * w1 + 2 * w2
    for i in range(n) if closed else range(2, n - 2):
        for c in range(2):
            next_to = points[(i + 1) % n, c] + points[i - 1 if i else n - 1, c]
            further = points[(i + 2) % n, c] + points[(i - 2) % n, c]
            out[i, c] = (points[i, c] + w1 * next_to + w2 * further) / total
    return out


@kernel
def covered(ring: Floats, n: int, at: int, span: int) -> bool:
    """Whether later shapes cover the ring at a point and for `span` points on both sides."""
    for d in range(-span, span + 1):
        i = (at + d) % n
        if (ring[i, 2] == 0 and ring[i, 3] == 0) or ring[i, 6] == PAGE_LEEWAY:
            return False
    return True


@kernel
def use_leeway(ring: Floats, n: int) -> None:
    """Move covered points to their best place; their leeway then counts from there."""
    for i in range(n):
        ring[i, 0] += ring[i, 5] * ring[i, 2]
        ring[i, 1] += ring[i, 5] * ring[i, 3]
        ring[i, 4] -= ring[i, 5]
        ring[i, 5] = ring[i, 6] - ring[i, 5]


@kernel
def find_corners(ring: Floats, n: int, corner: float, closed: bool, found: NDArray[np.int64]) -> int:
    """Indices of the corners of a ring or an open run, in order; of several bends in one place the sharpest counts."""
    span = SPAN if n >= 4 * SPAN else max(1, n // 6)
    bends = np.zeros(n)
    for i in range(n) if closed else range(span, n - span):
        if covered(ring, n, i, span):
            continue
        back, ahead = (i - span) % n, (i + span) % n
        ax, ay = ring[i, 0] - ring[back, 0], ring[i, 1] - ring[back, 1]
        bx, by = ring[ahead, 0] - ring[i, 0], ring[ahead, 1] - ring[i, 1]
        bends[i] = abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by))
    taken = np.zeros(n, np.bool_)
    count = 0
    for i in np.argsort(-bends):
        if bends[i] < corner:
            break
        if taken[i] or (bends[i] < SURE and not stands_out(bends, n, i)):
            continue
        found[count] = i
        count += 1
        for d in range(-span, span + 1):
            taken[(i + d) % n] = True
    found[:count] = np.sort(found[:count])
    return count


@kernel
def stands_out(bends: Floats, n: int, at: int) -> bool:
    """Whether the ring bends much more here than a little way off; on a small circle it bends alike everywhere."""
    near = bends[(at - 2) % n] + bends[(at + 2) % n]
    further = bends[(at - 3) % n] + bends[(at + 3) % n]
    return min(near, further) < 2 * EVEN * bends[at]


@kernel
def line_through(ring: Floats, n: int, a: int, b: int) -> tuple[float, float, float, float]:
    """Center and direction of the total least squares line through points a to b (modulo n)."""
    count = b - a + 1
    cx = cy = sxx = sxy = syy = 0.0
    for i in range(a, b + 1):
        cx += ring[i % n, 0]
        cy += ring[i % n, 1]
    cx /= count
    cy /= count
    for i in range(a, b + 1):
        x, y = ring[i % n, 0] - cx, ring[i % n, 1] - cy
        sxx += x * x
        sxy += x * y
        syy += y * y
    angle = 0.5 * math.atan2(2 * sxy, sxx - syy)
    return cx, cy, math.cos(angle), math.sin(angle)


@kernel
def side_line(ring: Floats, n: int, at: int, way: int, far: int, is_long: bool) -> tuple[float, float, float, float]:
    """The line along one side of the corner at index `at`: its points from `CUT` to `far` away in this direction.

    Where a corner falls between pixels, or was blurred by resizing, the point next to it lies off its side. A long
    side that is straight beyond that point tells more without it.
    """
    if is_long:
        a, b = (at + CUT + 1, at + far + 1) if way > 0 else (at - far - 1 + n, at - CUT - 1 + n)
        cx, cy, ux, uy = line_through(ring, n, a, b)
        worst = 0.0
        for i in range(a, b + 1):
            worst = max(worst, abs((ring[i % n, 0] - cx) * uy - (ring[i % n, 1] - cy) * ux))
        if worst < STRAIGHT:
            return cx, cy, ux, uy
    if way > 0:
        return line_through(ring, n, at + CUT, at + far)
    return line_through(ring, n, at - far + n, at - CUT + n)


@kernel
def sharpen(ring: Floats, n: int, at: int, before: int, after: int, width: float, height: float, out: Floats) -> None:
    """The true place of the corner at index `at`, whose neighbors lie `before` and `after` points away."""
    out[0] = ring[at, 0]
    out[1] = ring[at, 1]
    back, ahead = min(FAR, before - CUT), min(FAR, after - CUT)
    if back >= CUT + 1 and ahead >= CUT + 1:
        ax, ay, aux, auy = side_line(ring, n, at, -1, back, before > LONG)
        bx, by, bux, buy = side_line(ring, n, at, 1, ahead, after > LONG)
        cross = aux * buy - auy * bux
        if abs(cross) > PARALLEL:
            way = ((bx - ax) * buy - (by - ay) * bux) / cross
            x, y = ax + way * aux, ay + way * auy
            if math.hypot(x - out[0], y - out[1]) < MOST_MOVE:
                out[0], out[1] = x, y
    for c in range(2):
        limit = width if c == 0 else height
        if out[c] < NEAREST_PAGE:
            out[c] = 0.0
        elif out[c] > limit - NEAREST_PAGE:
            out[c] = limit


@kernel
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
def fit_round(ring: Floats, n: int, tolerance: float, curves: Floats, lines: Pixels) -> int:
    """Fit a ring without corners in two halves, from its leftmost to its rightmost point and back."""
    left, right = 0, 0
    for i in range(n):
        if ring[i, 0] < ring[left, 0]:
            left = i
    run = np.empty((n + 1, 7))
    for i in range(n + 1):
        run[i] = ring[(left + i) % n]
    if n >= 12:
        calmed(run, n, 0, n - 1, True)
        run[n] = run[0]
    for i in range(n):
        if run[i, 0] > run[right, 0]:
            right = i
    if right < 3 or n - right < 3:
        right = n // 2
    sx, sy = direction(run[:n], n, 0, min(SPAN, n // 2))
    ex, ey = direction(run[:n], n, right, min(SPAN, n // 2))
    made = fit_pieces(run, 0, right, True, sx, sy, True, -ex, -ey, tolerance, SPAN, curves, lines, 0)
    return fit_pieces(run, right, n, True, ex, ey, True, -sx, -sy, tolerance, SPAN, curves, lines, made)


@kernel
def fit_ring(
    points: Floats, n: int, tolerance: float, corner: float, smoothing: float, width: float, height: float,
    curves: Floats, lines: Pixels,
) -> int:  # fmt: skip
    """Fit a closed ring of n points on a page of this size; gives the number of curves (room for n + 8 is needed)."""
    ring = smoothed(points, n, smoothing, True)
    at = np.empty(n, np.int64)
    count = find_corners(ring, n, corner, True, at)
    if count == 0:
        use_leeway(ring, n)
        return fit_round(ring, n, tolerance, curves, lines)
    places = np.empty((count, 2))
    for k in range(count):
        before = (at[k] - at[k - 1 if k else count - 1]) % n
        after = (at[(k + 1) % count] - at[k]) % n
        sharpen(ring, n, at[k], before if before else n, after if after else n, width, height, places[k])
    use_leeway(ring, n)
    run = np.zeros((n + 2, 7))
    made = 0
    for k in range(count):
        length = (at[(k + 1) % count] - at[k]) % n
        if length == 0:
            length = n
        trim = CUT if length > 3 * CUT else 0
        run[0, :2] = places[k]
        used = 1
        for i in range(at[k] + 1 + trim, at[k] + length - trim):
            run[used] = ring[i % n]
            used += 1
        calmed(run, used, 1, used - 1, False)
        run[used] = 0.0
        run[used, :2] = places[(k + 1) % count]
        made = fit_pieces(run, 0, used, False, 0.0, 0.0, False, 0.0, 0.0, tolerance, SPAN, curves, lines, made)
    return made
