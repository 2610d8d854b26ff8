"""Edges that compression gave a color of their own: slivers of a shade between two areas, a color that is elsewhere.

An edge pixel is a mixture of the colors on both sides. Where that mixture is a color of the picture as well, and noise
hides the edge's own two, labelling takes it for a thin line of that color. It is one only if something else lies
around it.
"""

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel
from workers.engine.labels import MOST_NEAR, Labelled, is_shade
from workers.engine.mixture import Labels, share_of
from workers.engine.thin import LEAST_CONTRAST, squared_distance_of

REACH = 3
"""How far, in pixels, the areas on both sides of a sliver may be."""

WIDE, SOLID = 2, 3
"""A line in which squares of so many pixels fit is one, and an area in which larger ones fit is no line."""

SLACK = 1.3
"""A sliver's color may miss the mixture of its neighbors by so many times what a pixel's may."""


@allocating_kernel
def mark_blocks(labels: Labels, side: int) -> Mask:
    """The pixels that lie in some square of one label whose sides are so long (morphological opening)."""
    height, width = labels.shape
    blocks = np.zeros((height, width), np.bool_)
    for y in range(height - side + 1):
        for x in range(width - side + 1):
            whole = True
            for ny in range(y, y + side):
                for nx in range(x, x + side):
                    whole = whole and labels[ny, nx] == labels[y, x]
            if whole:
                blocks[y : y + side, x : x + side] = True
    return blocks


@allocating_kernel
def dissolve(pixels: Pixels, labels: Labels, palette: Floats, most_error: float) -> Labels:
    """The labels, those of slivers replaced by that of the side which covers more of the pixel."""
    height, width = labels.shape
    wide, solid = mark_blocks(labels, WIDE), mark_blocks(labels, SOLID)
    out, near = labels.copy(), np.empty(MOST_NEAR, np.int64)
    for y in range(height):
        for x in range(width):
            if wide[y, x]:
                continue
            own, found, alone = labels[y, x], 0, True
            for ny in range(max(0, y - REACH), min(height, y + REACH + 1)):
                for nx in range(max(0, x - REACH), min(width, x + REACH + 1)):
                    if not solid[ny, nx]:
                        continue
                    label = labels[ny, nx]
                    alone = alone and label != own
                    k = 0
                    while k < found and near[k] != label:
                        k += 1
                    if k == found and found < MOST_NEAR:
                        near[found] = label
                        found += 1
            for i in range(found if alone else 0):
                for j in range(i):
                    if squared_distance_of(palette, near[i], near[j]) < LEAST_CONTRAST * LEAST_CONTRAST:
                        continue  # a border of two bands of shading
                    if is_shade(palette[own], palette[near[i]], palette[near[j]], most_error):
                        share = share_of(pixels, y, x, palette, near[i], near[j])
                        out[y, x] = near[j] if share >= 0.5 else near[i]
    return out


def without_slivers(pixels: Pixels, labelled: Labelled, mix_error: float) -> Labelled:
    """The label image without slivers; `mix_error` is what a pixel may miss a mixture by, of the channel range."""
    labels = dissolve(pixels, labelled.labels, labelled.palette, mix_error * 255 * SLACK)
    return Labelled(labels, labelled.palette)
