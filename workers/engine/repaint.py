"""A color of its own for every region, where its inner pixels tell one.

Labelling gives a region the palette's color, which is the mean of all that looks alike. What lies away from a region's
edges shows its very color: exactly in a file without loss, and as well as its noise allows in one with. Regions whose
colors do not differ by more than that go on sharing one, so that flat art keeps as few colors as it was drawn with.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import NEARLY, OPAQUE, Floats, solid
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.labels import Labelled
from workers.engine.palette import Packed, packed, run_end, run_from
from workers.engine.regions import Ids, Regions
from workers.engine.tally import Counts
from workers.engine.translucency import CLEAR

FEWEST_INNER = 4
"""Inner pixels that tell a region's color; fewer may all be touched by an edge."""

MAJORITY = 0.5
"""A region in which one exact color holds more than this share of the inner pixels is of that color."""

SAME = 0.5
"""Exact colors are the same if no channel differs by more levels than this."""

MOST_COLORS = 4_000
"""More colors than this are not told apart: labels are 16 bits wide."""


@dataclass(frozen=True, slots=True)
class Repainting:
    """By how many levels the mean color of a region must differ from another's to be another one.

    To `step` comes `doubt` divided by the square root of the number of inner pixels. With `exact`, a color that most
    inner pixels have is the region's, and another one if it differs at all: not where compression left noise.

    For JPEG files, `step` and `doubt` were measured on 240 drawings of quality 60: above them, in regions of any size,
    a mean of inner pixels is closer to the true color than the palette's in four of five regions.
    """

    step: float = 2.5
    doubt: float = 0.0
    exact: bool = True


def with_own_colors(
    regions: Regions, labelled: Labelled, pixels: Pixels, flat: Mask, repainting: Repainting
) -> tuple[Regions, Labelled]:
    """The regions, and the label image, with labels of a palette of the regions' own colors."""
    count, colors, known = regions.count, packed(pixels), len(labelled.palette)
    inner, names, votes = np.zeros(flat.shape, np.bool_), np.zeros(count, np.uint32), np.zeros(count, np.int64)
    sizes, own = np.zeros(count, np.int64), np.zeros((count, 4))
    find_inner(regions.ids, flat, inner)
    elect(regions.ids, inner, colors, names, votes, sizes, own)
    own /= np.maximum(sizes, 1)[:, None]
    steps = repainting.step + repainting.doubt / np.sqrt(np.maximum(sizes, 1))
    if repainting.exact:
        count_votes(regions.ids, inner, colors, names, votes)
        elected = votes > MAJORITY * sizes
        own[elected] = names.view(np.uint8).reshape(-1, 4)[elected]
        steps[elected] = SAME
    palette, labels = np.zeros((known + min(count, MOST_COLORS), 4)), np.empty(count, np.int16)
    palette[:known] = labelled.palette
    order = np.argsort(-sizes, kind="stable")
    found = share_colors(order, sizes, own, steps, regions.labels, palette, known, labels)
    # What is clear stays so: it is the page, or the end of a shadow.
    labels = np.where(labelled.palette[regions.labels, 3] < CLEAR, regions.labels, labels)
    # What is too thin for inner pixels and nearly opaque is so because it is nothing but edges.
    rims = (sizes < FEWEST_INNER) & (palette[labels, 3] >= NEARLY) & (palette[labels, 3] < OPAQUE)
    rows, places = np.unique(labels[rims], return_inverse=True)
    labels[rims] = found + places
    if (labels == regions.labels).all():
        return regions, labelled
    palette = np.vstack([palette[:found], solid(palette[rows])])
    return replace(regions, labels=labels), Labelled(np.take(labels, regions.ids), palette)


@kernel
def find_inner(ids: Ids, flat: Mask, inner: Mask) -> None:
    """Mark the flat pixels that have only pixels of their own region around them; none at the picture's edge."""
    height, width = ids.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            own = ids[y, x]
            inner[y, x] = (
                flat[y, x]
                & (ids[y, x - 1] == own)
                & (ids[y, x + 1] == own)
                & (ids[y - 1, x - 1] == own)
                & (ids[y - 1, x] == own)
                & (ids[y - 1, x + 1] == own)
                & (ids[y + 1, x - 1] == own)
                & (ids[y + 1, x] == own)
                & (ids[y + 1, x + 1] == own)
            )


@kernel
def elect(ids: Ids, inner: Mask, colors: Packed, names: Packed, votes: Counts, sizes: Counts, sums: Floats) -> None:
    """The one exact color that most of a region's inner pixels may have, by majority vote (Boyer, Moore 1981).

    Counts each region's inner pixels, too, and sums their channels. Equal pixels in a row vote at once: they are of one
    region, for inner pixels have no other beside them.
    """
    height, width = ids.shape
    for y in range(height):
        x = run_from(inner, y, 0)
        while x < width:
            i, name, end = ids[y, x], colors[y, x], run_end(colors, inner, y, x)
            sizes[i] += end - x
            for c in range(4):
                sums[i, c] += (np.int64(name) >> (8 * c) & 255) * (end - x)
            if names[i] == name:
                votes[i] += end - x
            elif votes[i] >= end - x:
                votes[i] -= end - x
            else:
                names[i], votes[i] = name, end - x - votes[i]
            x = run_from(inner, y, end)


@kernel
def count_votes(ids: Ids, inner: Mask, colors: Packed, names: Packed, votes: Counts) -> None:
    """How many inner pixels of each region have its elected color."""
    height, width = ids.shape
    votes[:] = 0
    for y in range(height):
        x = run_from(inner, y, 0)
        while x < width:
            end = run_end(colors, inner, y, x)
            if colors[y, x] == names[ids[y, x]]:
                votes[ids[y, x]] += end - x
            x = run_from(inner, y, end)


@allocating_kernel
def share_colors(
    order: Counts, sizes: Counts, own: Floats, steps: Floats, labels: NDArray[np.int16], colors: Floats, found: int,
    out: NDArray[np.int16],
) -> int:  # fmt: skip
    """Give every region a color, those with most inner pixels first; give the number of colors.

    The first `found` colors are those of the labels. A region keeps the color of its label if that is close enough,
    or takes the closest there is so far, or founds one. One whose color cannot be told takes the first of its label.
    """
    firsts = np.full(found, -1, np.int64)
    for i in order:
        label = int(labels[i])
        at = firsts[label] if firsts[label] >= 0 else label
        if sizes[i] >= FEWEST_INNER:
            best = 0.0
            for c in range(4):
                best = max(best, abs(own[i, c] - colors[label, c]))
            at = label
            for k in range(found if best > steps[i] else 0):
                away = 0.0
                for c in range(4):
                    away = max(away, abs(own[i, c] - colors[k, c]))
                if away < best:
                    best, at = away, k
            if best > steps[i] and found < len(colors):
                at = found
                colors[at] = own[i]
                found += 1
            if firsts[label] < 0:
                firsts[label] = at
        out[i] = at
    return found
