"""Which pixels lie inside a flat area, and premultiplication that makes edges linear and closes seams."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.decode import Pixels, Raster
from workers.engine.kernels import allocating_kernel, kernel

Mask = NDArray[np.bool_]
Spreads = NDArray[np.uint8]


SEAM = 188
"""Where two shapes with one edge cover parts of a pixel, at least three quarters of it are opaque, less rounding."""


def premultiplied(raster: Raster) -> Pixels:
    """Samples with color scaled by alpha.

    Only so is an anti-aliased pixel a mixture of its two neighbors in every channel (Porter, Duff 1984), with
    transparency as just one more color.
    """
    if raster.opaque:
        return raster.rgba
    samples = np.empty_like(raster.rgba)
    scale_by_alpha(raster.rgba, samples)
    return samples


@kernel
def scale_by_alpha(rgba: Pixels, samples: Pixels) -> None:
    """Write the premultiplied samples, rounded; a seam is opaque and keeps its color, a mixture of those beside it."""
    height, width = rgba.shape[:2]
    for y in range(height):
        for x in range(width):
            alpha = np.int64(rgba[y, x, 3])
            if SEAM <= alpha < 255 and is_seam(rgba, y, x):
                alpha = np.int64(255)
            for c in range(3):
                samples[y, x, c] = (np.int64(rgba[y, x, c]) * alpha + 127) // 255
            samples[y, x, 3] = alpha


@kernel
def is_seam(rgba: Pixels, y: int, x: int) -> bool:
    """Whether a pixel lies between two opaque ones, on a line of others that are nearly opaque."""
    height, width = rgba.shape[:2]
    if y == 0 or x == 0 or y == height - 1 or x == width - 1:
        return False
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        across = min(rgba[y + dy, x + dx, 3], rgba[y - dy, x - dx, 3])
        along = min(rgba[y + dx, x - dy, 3], rgba[y - dx, x + dy, 3])  # a quarter turn on; a hole there is no seam
        if across == 255 and along >= SEAM:
            return True
    return False


def flat_mask(pixels: Pixels, most: int) -> Mask:
    """True where no channel varies by more than `most` levels within the 3 by 3 pixels around."""
    return spreads_of(pixels) <= most


def spreads_of(pixels: Pixels) -> Spreads:
    """For every pixel how much the channel that varies most does so within the 3 by 3 pixels around, in levels."""
    height, width = pixels.shape[:2]
    spreads = np.empty((height, width), np.uint8)
    measure_spreads(pixels.reshape(height, width * 4), spreads)
    return spreads


@allocating_kernel
def measure_spreads(rows: Pixels, spreads: Spreads) -> None:
    """Separable running minimum and maximum: three rows first, then three columns of four channels."""
    height, length = rows.shape
    # A column of padding on both sides repeats the outermost pixels, so that the loops have no special cases.
    low, high = np.empty(length + 8, np.uint8), np.empty(length + 8, np.uint8)
    ranges = np.empty(length, np.uint8)
    for y in range(height):
        above, below = max(0, y - 1), min(height - 1, y + 1)
        for i in range(length):
            a, b, c = rows[above, i], rows[y, i], rows[below, i]
            low[i + 4] = min(a, min(b, c))
            high[i + 4] = max(a, max(b, c))
        for c in range(4):
            low[c], high[c] = low[c + 4], high[c + 4]
            low[length + 4 + c], high[length + 4 + c] = low[length + c], high[length + c]
        for i in range(length):
            top = max(high[i], max(high[i + 4], high[i + 8]))
            bottom = min(low[i], min(low[i + 4], low[i + 8]))
            ranges[i] = top - bottom
        for x in range(length // 4):
            first, second = max(ranges[4 * x], ranges[4 * x + 1]), max(ranges[4 * x + 2], ranges[4 * x + 3])
            spreads[y, x] = max(first, second)
