"""How far a tip goes on beyond its last whole pixel: as far as the pixels ahead of it hold some of its color.

The sides of a needle or a slit tell where it would end if they were straight to the end. Many bend shortly before, or
end round; then nothing is left of its color where the straight sides would meet.
"""

import math

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel
from workers.engine.mixture import Labels, share_between
from workers.engine.outlines import Lattice, wrapped

BACK = 6
"""A walk that comes back within so many steps on both sides goes around a tip."""

NARROW, LONG = 8, 3
"""It is no wider than this there, and at least so long, in pixels."""

FARTHEST, STRIDE, WIDE = 12.0, 0.5, 0.7
"""How far ahead to look, in which steps, and how far to both sides, in pixels."""

FAINT = 0.06
"""Less of the color than this in a pixel is rounding."""

MISSING = 1.5
"""After so many pixels without the color the tip is over."""

NEAREST = 0.5
"""A tip of which no pixel ahead holds a trace ends within this distance, in pixels."""


@kernel
def find_trace(
    walk: Lattice, k: int, pixels: Pixels, palette: Floats, labels: Labels, inside: int, outside: int, out: Floats
) -> None:
    """Find where the tip around step k of a closed walk ends: x, y, and how far ahead that is.

    Where there is no tip `out` stays as it is. `inside` and `outside` are the labels on both sides of the step; the tip
    is of one of them.
    """
    total = len(walk)
    if total < 4 * BACK:
        return
    behind, ahead = wrapped(k - BACK, total), wrapped(k + BACK, total)
    ax, ay, bx, by = int(walk[behind, 0]), int(walk[behind, 1]), int(walk[ahead, 0]), int(walk[ahead, 1])
    if abs(ax - bx) + abs(ay - by) > NARROW:
        return
    x, y = float(walk[k, 0]), float(walk[k, 1])
    way_x, way_y = x - 0.5 * (ax + bx), y - 0.5 * (ay + by)
    length = math.hypot(way_x, way_y)
    if length < LONG:
        return
    way_x, way_y = way_x / length, way_y / length
    needle = (x - ax) * (by - y) >= (y - ay) * (bx - x)  # a walk has its shape on the right
    own, other = (palette[inside], palette[outside]) if needle else (palette[outside], palette[inside])
    height, width = labels.shape
    out[0], out[1] = x, y
    last = at = 0.0
    while at < FARTHEST and at - last < MISSING:
        at += STRIDE
        found = found_x = found_y = 0.0
        for side in range(-1, 2):
            px, py = math.floor(x + at * way_x - side * WIDE * way_y), math.floor(y + at * way_y + side * WIDE * way_x)
            share = 0.0
            if 0 <= px < width and 0 <= py < height:
                share = share_between(pixels, py, px, other, own)
            if share > FAINT:
                found += share
                found_x += share * (px + 0.5)
                found_y += share * (py + 0.5)
        if found > 0:
            last = at
            out[0], out[1] = found_x / found, found_y / found
    out[2] = max(NEAREST, (out[0] - x) * way_x + (out[1] - y) * way_y)
