"""Where an outline meets the page's edge: in front of it by as much as the pixels there say, or somewhere beyond it.

A crack at the page's edge has pixels on one side only. If its pixel is partly clear, or partly of the color that goes
on beside the region along the edge, the region ends within it, as a disc does that touches its page. If not, the
region is cut off by the edge and may end anywhere behind it.
"""

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel
from workers.engine.mixture import PAGE_STEP, PURE, Labels, cover_of

LEAST, BEST, PAGE_LEEWAY = 0.0, 0.3, 1.01
"""How far, in pixels, an outline that is cut off runs over the page's edge, where nobody sees it; `use_leeway` adds to
the least what a curve may stray. No other point has the greatest, which tells such points from others."""

COVERED = -1.0
"""Where a later shape covers it, it may end as far in front of the edge."""

NEAR = 24
"""So many pixels along the edge a region's neighbor is looked for: a disc of 1000 pixels touches for no more."""

CONTRAST = 64.0
"""How far apart, in levels, two colors must be for noise not to look like a share of one in the other."""


@kernel
def neighbor_along(labels: Labels, y: int, x: int, dy: int, dx: int) -> int:
    """The label nearest to that of (y, x) along the page's edge, which is in direction (dy, dx); -1 if none is near."""
    height, width = labels.shape
    for step in range(1, NEAR):
        for side in (-step, step):
            at_y, at_x = y + side * dx, x + side * dy
            if 0 <= at_y < height and 0 <= at_x < width and labels[at_y, at_x] != labels[y, x]:
                return int(labels[at_y, at_x])
    return -1


@kernel
def share_beyond(
    pixels: Pixels, palette: Floats, labels: Labels, y: int, x: int, dy: int, dx: int, soft: bool
) -> float:
    """How much of pixel (y, x), at the page's edge in direction (dy, dx), is not of its region; 0 if it is unclear."""
    own = int(labels[y, x])
    if palette[own, 3] < PAGE_STEP:
        return 0.0
    share = 1 - pixels[y, x, 3] / palette[own, 3]
    if share > PURE:
        return share
    other = -1 if soft else neighbor_along(labels, y, x, dy, dx)
    if other < 0:
        return 0.0
    contrast = 0.0
    for c in range(4):
        contrast = max(contrast, abs(palette[other, c] - palette[own, c]))
    if contrast < CONTRAST or cover_of(pixels, y - dy, x - dx, palette[own], palette[other]) > 0:
        return 0.0
    return cover_of(pixels, y, x, palette[own], palette[other])


@kernel
def place_at_edge(
    pixels: Pixels, palette: Floats, labels: Labels, y: int, x: int, dy: int, dx: int, hidden: bool, soft: bool,
    point: Floats,
) -> None:  # fmt: skip
    """Move a ring's point at the page's edge, beside pixel (y, x) and in direction (dy, dx), or give it its leeway.

    `hidden` says that a later shape covers it, `soft` that colors are not flat: then clearness alone tells.
    """
    height, width = labels.shape
    inside = 0 <= y - dy < height and 0 <= x - dx < width and labels[y - dy, x - dx] == labels[y, x]
    share = share_beyond(pixels, palette, labels, y, x, dy, dx, soft) if inside and not hidden else 0.0
    if share > 0:
        point[0] -= share * dx
        point[1] -= share * dy
        return
    point[2], point[3] = dx, dy
    point[4], point[5], point[6] = COVERED if hidden else LEAST, BEST, PAGE_LEEWAY
