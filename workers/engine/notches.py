"""Where covers end at the clear page, what lies under them stays close enough for the page not to show between them.

Glass is as good as the page here: what is opaque never lies on it. The ranks of both are negative.
"""

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.outlines import Lattice, wrapped
from workers.engine.regions import Ids

THIN = 3
"""A region of no more pixels is a rim, under which there is little room."""

REACH = 4
"""So many points on each side of the place where two covers meet have corners of them near by."""

LEAST, BEST, MOST = 0.2, 0.3, 0.5
"""How far, in pixels, an outline stays under its covers there."""


@kernel
def is_rim(ids: Ids, ranks: Ids, y: int, x: int, dy: int, dx: int) -> bool:
    """Whether the clear page or glass begins within THIN pixels of (y, x) in direction (dy, dx)."""
    height, width = ids.shape
    for _ in range(THIN):
        y += dy
        x += dx
        if not (0 <= y < height and 0 <= x < width):
            return False
        if ranks[ids[y, x]] < 0:
            return True
    return False


@kernel
def cover_at(walk: Lattice, k: int, ids: Ids, ranks: Ids, rank: int) -> int:
    """The region that covers the shape of this rank inside crack k of its walk, beside what is clear; -1 if none."""
    height, width = ids.shape
    x, y = int(walk[k, 0]), int(walk[k, 1])
    after = wrapped(k + 1, len(walk))
    dx, dy = int(walk[after, 0]) - x, int(walk[after, 1]) - y
    out_y, out_x = y - (dx > 0 or dy < 0), x - (dx < 0 or dy < 0)
    if not (0 <= out_y < height and 0 <= out_x < width) or ranks[ids[out_y, out_x]] >= 0:
        return -1
    inside = int(ids[y - (dy < 0 or dx < 0), x - (dx < 0 or dy > 0)])
    return inside if ranks[inside] > rank else -1


@kernel
def close_notches(walk: Lattice, cracks: Ids, ids: Ids, ranks: Ids, rank: int, ring: Floats, n: int) -> None:
    """Keep the n points of a ring close to the clear page where two of its covers meet, in place.

    The covers have corners there, which may be blunt: the page would show in the notch between them. `cracks` has the
    index in the walk of each point, `rank` is that of the shape walked around.
    """
    before = cover_at(walk, cracks[n - 1], ids, ranks, rank) if n else -1
    for i in range(n):
        cover = cover_at(walk, cracks[i], ids, ranks, rank)
        if cover != before and cover >= 0 and before >= 0:
            for step in range(-REACH, REACH):
                at = wrapped(i + step, n)
                if cover_at(walk, cracks[at], ids, ranks, rank) >= 0:
                    ring[at, 4], ring[at, 5], ring[at, 6] = LEAST, BEST, MOST
        before = cover
