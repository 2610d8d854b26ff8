"""Which pixels of a photo are blends of two neighbors, as on every edge, and to which of the two they belong.

A pixel whose color lies between those of two opposite neighbors that differ much shows both: through anti-aliasing, or
a lens that is never perfectly sharp. It says where the edge runs and little of the color on either side.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel

STEEP = 40.0
"""Least distance of the two neighbors' colors, in levels over all channels. With 20 a tenth more of 1 - SSIM is lost,
with 50 as much as with 30."""

PURE_SHARE = 0.1
"""A pixel that has less than this of the other color is no blend."""

OFF_SHARE = 0.2
"""How far a blend's color may lie off the line between the two, as a part of their distance."""

BLEND_WEIGHT = 0.1
"""What a blend counts for in the color of its region; a region of nothing but blends has a color, too."""

LEFT, RIGHT, ABOVE, BELOW = 1, 2, 3, 4
"""Which neighbor a blend belongs to; 0 for other pixels."""

Links = NDArray[np.uint8]


@kernel
def find_blends(pixels: Pixels, weights: Floats, links: Links) -> None:
    """For every pixel what it counts for in the color of its region, and the neighbor that a blend belongs to."""
    height, width = pixels.shape[:2]
    for y in range(height):
        for x in range(width):
            steepest, link = STEEP * STEEP, 0
            for down in range(2):
                dy, dx = down, 1 - down
                if y < dy or x < dx or y + dy >= height or x + dx >= width:
                    continue
                length = along = 0.0
                for c in range(4):
                    before, after = float(pixels[y - dy, x - dx, c]), float(pixels[y + dy, x + dx, c])
                    length += (after - before) ** 2
                    along += (pixels[y, x, c] - before) * (after - before)
                if length <= steepest or not PURE_SHARE <= along / length <= 1 - PURE_SHARE:
                    continue
                t, off = along / length, 0.0
                for c in range(4):
                    before, after = float(pixels[y - dy, x - dx, c]), float(pixels[y + dy, x + dx, c])
                    off += (pixels[y, x, c] - before - t * (after - before)) ** 2
                if off <= OFF_SHARE * OFF_SHARE * length:
                    steepest, link = length, 2 * down + (LEFT if t < 0.5 else RIGHT)
            links[y, x] = link
            weights[y, x] = BLEND_WEIGHT if link else 1.0
