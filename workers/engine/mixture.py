"""A pixel as a mixture of two colors of the palette: how far from one, and how much of the other."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel

Labels = NDArray[np.int16]

PURE = 0.02
"""Less than this of the other color is rounding, not coverage."""

PAGE_STEP = 240.0
"""Colors whose alpha, of 255, differs by so much are the page and something opaque."""


@kernel
def squared_distance(pixels: Pixels, y: int, x: int, palette: Floats, label: int) -> float:
    """Squared distance of a pixel from a palette color."""
    total = 0.0
    for c in range(4):
        total += (pixels[y, x, c] - palette[label, c]) ** 2
    return total


@kernel
def share_of(pixels: Pixels, y: int, x: int, palette: Floats, own: int, other: int) -> float:
    """How much of a pixel is `other` if it is a mixture of `own` and `other`, 0 to 1."""
    length = along = 0.0
    for c in range(4):
        way = palette[other, c] - palette[own, c]
        length += way * way
        along += (pixels[y, x, c] - palette[own, c]) * way
    return 0.0 if length < 1 else min(1.0, max(0.0, along / length))


@kernel
def share_between(pixels: Pixels, y: int, x: int, own: Floats, other: Floats) -> float:
    """How much of a pixel is `other` if it is a mixture of these two colors, 0 to 1.

    Between something opaque and the page alpha alone tells: a shade of the color is no part of the page.
    """
    length = along = 0.0
    for c in range(3 if abs(other[3] - own[3]) >= PAGE_STEP else 0, 4):
        way = other[c] - own[c]
        length += way * way
        along += (pixels[y, x, c] - own[c]) * way
    return 0.0 if length < 1 else min(1.0, max(0.0, along / length))


@kernel
def cover_of(pixels: Pixels, y: int, x: int, own: Floats, other: Floats) -> float:
    """The share of `other` in a pixel of color `own`, with rounding taken off both ends."""
    share = share_between(pixels, y, x, own, other)
    return 0.0 if share < PURE else 1.0 if share > 1 - PURE else share
