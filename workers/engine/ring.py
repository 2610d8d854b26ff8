"""Where an edge truly runs: pixel cracks moved to sub-pixel places by what the anti-aliased pixels say.

An edge pixel is a mixture of the two sides, and the share of each is the area it covers. Between a pixel of color A
and one of color B the covered areas, summed over up to two pixels on each side, tell how far the true edge lies from
the crack along its normal: exactly, if the edge is straight. No picture is enlarged for this.
"""

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.margin import PAGE_LEEWAY, place_at_edge
from workers.engine.mixture import Labels, cover_of
from workers.engine.notches import close_notches, is_rim
from workers.engine.outlines import Lattice, wrapped
from workers.engine.regions import Ids
from workers.engine.stacking import NOT_DRAWN, SEEN_THROUGH
from workers.engine.trails import find_trace

PURE_DEPTH = 2
"""So many pixels behind an edge pixel none of the edge is left: there a region shows its own color."""

CALM = 12.0
"""That color is pure if the next pixel differs from it by no more than this many levels."""

LIKE = 60.0
"""It cannot differ from the palette's color by more than this: then it is another shape's."""

CHORD = 2
"""A crack is dropped if it runs across its outline's direction, taken over this many steps both ways."""

SLANT = 0.7
SOFT_LEEWAY = 3.0
"""A border across which color hardly changes may be moved by up to so many pixels."""

DEEPEST = 4
"""No deeper under later shapes, in pixels, does an outline lie: from there on it strays more than it gets simpler."""

SURE = 0.35
"""So many pixels what lies below is sure to reach under a shape of two pixels or more, which may draw back as far."""

SHADOW_END = 8.0
"""A shadow that meets the page with a smaller step than this, in levels, ends there and has no edge."""


@kernel
def side_color(
    pixels: Pixels, palette: Floats, labels: Labels, y: int, x: int, dy: int, dx: int, soft: bool, out: Floats
) -> None:
    """The pure color of the region that begins at (y, x) and goes on in direction (dy, dx).

    That is its palette color; in a picture of smooth color the color near by, if two pixels there agree on it.
    """
    height, width = labels.shape
    for c in range(4):
        out[c] = palette[labels[y, x], c]
    if not soft:
        return
    near_y, near_x = y + PURE_DEPTH * dy, x + PURE_DEPTH * dx
    far_y, far_x = near_y + dy, near_x + dx
    if far_y < 0 or far_y >= height or far_x < 0 or far_x >= width:
        return
    for c in range(4):
        if abs(float(pixels[near_y, near_x, c]) - float(pixels[far_y, far_x, c])) > CALM:
            return
        if abs(float(pixels[near_y, near_x, c]) - palette[labels[y, x], c]) > LIKE:
            return
    for c in range(4):
        out[c] = pixels[y + PURE_DEPTH * dy, x + PURE_DEPTH * dx, c]


@kernel
def cover_inside(pixels: Pixels, ids: Ids, own: Floats, other: Floats, y: int, x: int, dy: int, dx: int) -> float:
    """Area of `other` in the run of at most two pixels that starts at (y, x) and goes on in direction (dy, dx)."""
    height, width = ids.shape
    share = cover_of(pixels, y, x, own, other)
    y2, x2 = y + dy, x + dx
    if y2 < 0 or y2 >= height or x2 < 0 or x2 >= width:
        return share
    if ids[y2, x2] != ids[y, x]:
        return 0.5 * share  # a run of one pixel: half belongs to the edge on its other side
    second = cover_of(pixels, y2, x2, own, other)
    if second >= share:
        return share
    y3, x3 = y2 + dy, x2 + dx
    if 0 <= y3 < height and 0 <= x3 < width and ids[y3, x3] != ids[y, x]:
        return share  # a run of two: the second pixel belongs to the other edge
    return share + second


@kernel
def depth_below(ids: Ids, ranks: Ids, rank: int, y: int, x: int, dy: int, dx: int) -> int:
    """How many pixels in a row, up to DEEPEST, from (y, x) in direction (dy, dx), are covered by later shapes."""
    height, width = ids.shape
    depth = 0
    while depth < DEEPEST and 0 <= y < height and 0 <= x < width and ranks[ids[y, x]] > rank:
        depth += 1
        y += dy
        x += dx
    return depth


@kernel
def step_across(pixels: Pixels, in_y: int, in_x: int, out_y: int, out_x: int) -> float:
    """Largest channel difference across a crack, between the pixels beside it and between those beyond them.

    Pixels beyond that are less opaque belong to an edge of the clear page, and tell nothing of this border.
    """
    height, width = pixels.shape[:2]
    ay, ax = min(height - 1, max(0, 2 * in_y - out_y)), min(width - 1, max(0, 2 * in_x - out_x))
    by, bx = min(height - 1, max(0, 2 * out_y - in_y)), min(width - 1, max(0, 2 * out_x - in_x))
    if pixels[ay, ax, 3] < pixels[in_y, in_x, 3]:
        ay, ax = in_y, in_x
    if pixels[by, bx, 3] < pixels[out_y, out_x, 3]:
        by, bx = out_y, out_x
    step = 0.0
    for c in range(4):
        step = max(step, abs(float(pixels[ay, ax, c]) - float(pixels[by, bx, c])))
        step = max(step, abs(float(pixels[in_y, in_x, c]) - float(pixels[out_y, out_x, c])))
    return step


@kernel
def soft_step_between(inside: int, outside: int, soft_step: float) -> float:
    """From which step on a border is an edge, in levels, by the ranks on its sides.

    What lies side by side and is seen through may not overlap anywhere, so only where a shadow ends is there leeway.
    """
    if inside != SEEN_THROUGH and outside != SEEN_THROUGH:
        return soft_step
    return SHADOW_END if outside == NOT_DRAWN else 0.0


@allocating_kernel
def place_ring(
    walk: Lattice,
    pixels: Pixels,
    palette: Floats,
    labels: Labels,
    ids: Ids,
    ranks: Ids,
    rank: int,
    soft_step: float,
    out: Floats,
    cracks: Ids,
) -> int:
    """Turn a closed walk along cracks into sub-pixel points, one for each crack that is kept; give their number.

    `ranks` has for every region its place in the drawing order, and `rank` is that of the shape walked around.
    Each row of `out` is a point and its leeway: x, y, the direction in which the outline may move because later
    shapes cover it there (0, 0 where it shows), and the least, the best and the greatest such move in pixels. `cracks`
    receives the index of each kept crack. A border with a step of less than `soft_step` levels is no edge and has
    leeway both ways, but little inward, and none into a rim at the clear page: what lies below ends under the rim.
    Where the outline shows, the three last columns tell where the tip around the point ends (`find_trace`).
    """
    own, other, covers = np.empty(4), np.empty(4), np.full(len(walk), -1, np.int32)
    kept = place_cracks(walk, pixels, palette, labels, ids, ranks, rank, soft_step, out, cracks, own, other, covers)
    soften_ends(out, kept)
    close_notches(covers, out, kept)
    return kept


@kernel
def place_cracks(
    walk: Lattice, pixels: Pixels, palette: Floats, labels: Labels, ids: Ids, ranks: Ids, rank: int, soft_step: float,
    out: Floats, cracks: Ids, own: Floats, other: Floats, covers: Ids,
) -> int:  # fmt: skip
    """As `place_ring`, crack by crack; where a later shape lies on the rim of the page, `covers` has its region."""
    height, width = ids.shape
    total, kept = len(walk), 0
    for k in range(total):
        x, y = int(walk[k, 0]), int(walk[k, 1])
        after = wrapped(k + 1, total)
        dx, dy = int(walk[after, 0]) - x, int(walk[after, 1]) - y
        in_y, in_x = y - (dy < 0 or dx < 0), x - (dx < 0 or dy > 0)
        out_y, out_x = y - (dx > 0 or dy < 0), x - (dx < 0 or dy < 0)
        offset = 0.0
        at_border = out_y < 0 or out_y >= height or out_x < 0 or out_x >= width
        if total >= 10 and not at_border:
            before, after = wrapped(k - CHORD, total), wrapped(k + CHORD, total)
            way_x = abs(int(walk[after, 0]) - int(walk[before, 0]))
            way_y = abs(int(walk[after, 1]) - int(walk[before, 1]))
            along, across = (way_y, way_x) if dx == 0 else (way_x, way_y)
            if along < SLANT * across:
                continue
        if not at_border and labels[in_y, in_x] != labels[out_y, out_x]:
            way_y, way_x = out_y - in_y, out_x - in_x
            side_color(pixels, palette, labels, in_y, in_x, -way_y, -way_x, soft_step > 0, own)
            side_color(pixels, palette, labels, out_y, out_x, way_y, way_x, soft_step > 0, other)
            gained = cover_inside(pixels, ids, other, own, out_y, out_x, way_y, way_x)
            lost = cover_inside(pixels, ids, own, other, in_y, in_x, -way_y, -way_x)
            offset = min(1.0, max(-1.0, gained - lost))
        out[kept, 0] = x + 0.5 * dx + offset * (out_x - in_x)
        out[kept, 1] = y + 0.5 * dy + offset * (out_y - in_y)
        out[kept, 2:] = 0.0
        cracks[kept] = k
        outward = depth = 0
        if not at_border and ranks[ids[out_y, out_x]] > rank:
            outward = 1
            depth = depth_below(ids, ranks, rank, out_y, out_x, out_y - in_y, out_x - in_x)
        elif not at_border and ranks[ids[in_y, in_x]] > rank:
            outward = -1
            depth = depth_below(ids, ranks, rank, in_y, in_x, in_y - out_y, in_x - out_x)
            if ranks[ids[out_y, out_x]] < 0:
                covers[kept] = ids[in_y, in_x]
        elif not at_border:
            step = step_across(pixels, in_y, in_x, out_y, out_x)
            least = soft_step_between(ranks[int(ids[in_y, in_x])], ranks[int(ids[out_y, out_x])], soft_step)
            if step < least:
                # No edge to be seen here, only where one band of a smooth area ends: it may run as it likes.
                reach = SOFT_LEEWAY * (1 - step / least)
                out[kept, 0], out[kept, 1] = x + 0.5 * dx, y + 0.5 * dy
                out[kept, 2], out[kept, 3] = out_x - in_x, out_y - in_y
                inward = 0.0 if is_rim(ids, ranks, in_y, in_x, in_y - out_y, in_x - out_x) else min(reach, SURE)
                out[kept, 4], out[kept, 5], out[kept, 6] = -inward, 0.0, reach
            elif soft_step == 0:
                inside, outside = int(labels[in_y, in_x]), int(labels[out_y, out_x])
                find_trace(walk, k, pixels, palette, labels, inside, outside, out[kept, 4:])
        if at_border:
            hidden, soft = int(ranks[ids[in_y, in_x]]) > rank, soft_step > 0
            place_at_edge(pixels, palette, labels, in_y, in_x, out_y - in_y, out_x - in_x, hidden, soft, out[kept])
        if outward:
            out[kept, 2], out[kept, 3] = outward * (out_x - in_x), outward * (out_y - in_y)
            if outward == 1 and ranks[ids[in_y, in_x]] > rank:
                out[kept, 4], out[kept, 5], out[kept, 6] = -0.5, 0.0, depth - 0.5
            else:
                out[kept, 4], out[kept, 5], out[kept, 6] = min(SURE, 0.2 * depth), min(0.8, 0.4 * depth), depth - 0.5
        kept += 1
    return kept


@kernel
def shows_at(ring: Floats, i: int) -> bool:
    """Whether no later shape covers the outline at a point."""
    return ring[i, 2] == 0 and ring[i, 3] == 0


@kernel
def soften_ends(ring: Floats, n: int) -> None:
    """Let leeway begin and end gently, so that an outline need not jump where a later shape begins to cover it.

    At the page's edge it begins where the pixels say.
    """
    if n < 3:
        return
    for i in range(n):
        if shows_at(ring, i) or ring[i, 6] == PAGE_LEEWAY:
            continue
        for step in range(1, 4):
            before, after = wrapped(i - step, n), wrapped(i + step, n)
            if shows_at(ring, before) or shows_at(ring, after):
                ring[i, 4] = min(ring[i, 4], -0.3 + 0.2 * step)
                ring[i, 5] = min(ring[i, 5], 0.2 * step)
                break
