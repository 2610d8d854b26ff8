"""Where covers end at the clear page, what lies under them stays close enough for the page not to show between them.

Glass is as good as the page here: what is opaque never lies on it. The ranks of both are negative.
"""

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.outlines import wrapped
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
def close_notches(covers: Ids, ring: Floats, n: int) -> None:
    """Keep the n points of a ring close to the clear page where two of its covers meet, in place.

    The covers have corners there, which may be blunt: the page would show in the notch between them. `covers` has for
    every point the region that covers the outline there, beside what is clear; -1 where none does.
    """
    before = covers[n - 1] if n else -1
    for i in range(n):
        if covers[i] != before and covers[i] >= 0 and before >= 0:
            for step in range(-REACH, REACH):
                at = wrapped(i + step, n)
                if covers[at] >= 0:
                    ring[at, 4], ring[at, 5], ring[at, 6] = LEAST, BEST, MOST
        before = covers[i]
