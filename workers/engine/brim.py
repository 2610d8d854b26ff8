"""Curves that come within a hair of the page's edge touch it, so that no line of the page shows at its brim.

A round shape that fills its page touches the edge at a point. The least squares of a fit leave a part of its tolerance
there, of either sign; outside nobody sees it, and inside it is a gap.
"""

import math

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.outlines import wrapped

HAIR = 0.15
"""How close, in pixels, is close enough. No picture of 8 bits tells such a part of a pixel at a point of a curve."""

END = 0.05
"""A curve that turns in this part of its way, or the last, is moved at its knot, together with its neighbor there."""


@kernel
def touch_brim(curves: Floats, count: int, width: float, height: float, units: int) -> None:
    """Move what is closer to an edge of the page than HAIR onto it, in place: knots, and turns between them.

    curves: count rows of start, two handles and end (x, y each), in pixels. Turns go over the edge by half of a drawing
    unit, of which there are `units` in a pixel: so the rounding of handles brings none of them back.
    """
    over = 0.5 / units
    for k in range(count):
        for c in range(2):
            limit = height if c else width
            for knot, handle in ((c, c + 2), (c + 6, c + 4)):
                off = to_brim(curves[k, knot], limit, 0.0)
                curves[k, knot] += off
                curves[k, handle] += off
            push_turns(curves, count, k, c, limit, over)


@kernel
def to_brim(at: float, limit: float, over: float) -> float:
    """What brings a coordinate so far over the edge that is a hair away; 0 if none is, or if it is that far already."""
    if -over < at < HAIR:
        return -over - at
    if limit - HAIR < at < limit + over:
        return limit + over - at
    return 0.0


@kernel
def push_turns(curves: Floats, count: int, k: int, c: int, limit: float, over: float) -> None:
    """Push the handles of curve k in x (c is 0) or y until it turns over the edge, if it does so a hair from it."""
    curve = curves[k]
    p0, p1, p2, p3 = curve[c], curve[c + 2], curve[c + 4], curve[c + 6]
    if min(p0, p1, p2, p3) > HAIR and max(p0, p1, p2, p3) < limit - HAIR:
        return
    # The derivative over 3: a t² + b t + d.
    a, b, d = p3 - 3 * p2 + 3 * p1 - p0, 2 * (p2 - 2 * p1 + p0), p1 - p0
    root = b * b - 4 * a * d
    if root <= 0.0:
        return
    sign = 1.0 if b >= 0 else -1.0
    q = -0.5 * (b + sign * math.sqrt(root))
    for turn in range(2):
        top, bottom = (q, a) if turn == 0 else (d, q)
        if abs(bottom) < 1e-12:
            continue
        t = top / bottom
        if not 0 < t < 1:
            continue
        u = 1 - t
        off = to_brim(u * u * u * p0 + 3 * u * u * t * p1 + 3 * u * t * t * p2 + t * t * t * p3, limit, over)
        if off == 0.0:
            continue
        if t <= END:
            if 0 < p0 < limit:
                move_knot_by(curves, count, k, c, off)
        elif t >= 1 - END:
            if 0 < p3 < limit:
                move_knot_by(curves, count, wrapped(k + 1, count), c, off)
        else:
            curve[c + 2] += off / (3 * t * u)
            curve[c + 4] += off / (3 * t * u)
        return


@kernel
def move_knot_by(curves: Floats, count: int, k: int, c: int, off: float) -> None:
    """Move the knot at which curve k begins, and both of its handles, in x (c is 0) or y."""
    before = wrapped(k - 1, count)
    for place in (c, c + 2):
        curves[k, place] += off
    for place in (c + 4, c + 6):
        curves[before, place] += off
