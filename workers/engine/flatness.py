"""Which pixels lie inside a flat area, and premultiplication that makes edges linear."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.decode import Pixels, Raster
from workers.engine.kernels import kernel

Mask = NDArray[np.bool_]


def premultiplied(raster: Raster) -> Pixels:
    """Samples with color scaled by alpha.

    Only so is an anti-aliased pixel a mixture of its two neighbors in every channel (Porter, Duff 1984), with
    transparency as just one more color.
    """
    if raster.opaque:
        return raster.rgba
    alpha = raster.rgba[..., 3:].astype(np.uint16)
    samples = (raster.rgba.astype(np.uint16) * alpha + 127) // 255
    samples[..., 3:] = alpha
    return np.ascontiguousarray(samples.astype(np.uint8))


def flat_mask(pixels: Pixels, most: int) -> Mask:
    """True where no channel varies by more than `most` levels within the 3 by 3 pixels around."""
    height, width = pixels.shape[:2]
    flat = np.empty((height, width), np.bool_)
    mark_flat(pixels.reshape(height, width * 4), most, flat)
    return flat


@kernel
def mark_flat(rows: Pixels, most: int, flat: Mask) -> None:
    """Separable running minimum and maximum: three rows first, then three columns of four channels."""
    height, length = rows.shape
    low = np.empty(length, np.uint8)
    high = np.empty(length, np.uint8)
    for y in range(height):
        above, below = max(0, y - 1), min(height - 1, y + 1)
        for i in range(length):
            a, b, c = rows[above, i], rows[y, i], rows[below, i]
            low[i] = min(a, min(b, c))
            high[i] = max(a, max(b, c))
        for x in range(length // 4):
            left, right = max(0, x - 1) * 4, min(length // 4 - 1, x + 1) * 4
            widest = 0
            for c in range(4):
                bottom = min(low[left + c], min(low[x * 4 + c], low[right + c]))
                top = max(high[left + c], max(high[x * 4 + c], high[right + c]))
                widest = max(widest, int(top) - int(bottom))
            flat[y, x] = widest <= most
