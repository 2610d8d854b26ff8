"""Pictures that were enlarged before they came, back at the size they had: enlarging adds pixels and no detail.

A tracer that takes edges several pixels wide for drawn ones finds a shape for each of their steps. Such edges give a
picture away: no step between neighbors is as high as the whole edge. Then it is made smaller and larger again, by ever
more, and the smallest copy that still holds all of it is traced (what is band-limited loses nothing; Shannon 1949).
"""

import numpy as np
from PIL import Image

from workers.engine.analyse import Analysis
from workers.engine.color import Floats
from workers.engine.decode import Pixels, Raster
from workers.engine.flatness import Spreads
from workers.engine.kernels import kernel
from workers.engine.resize import FILTER
from workers.engine.samples import Samples
from workers.engine.squares import has_smooth_edges, own_pixels

LOWEST_EDGE = 40
"""Edges are looked at whose steep part is so many levels high."""

EVERY = 3
"""One of so many edge pixels is looked at."""

FEWEST_EDGES = 20
STEEP = 0.93
"""The middle edge of a picture at its own size has at least this part of its height within three pixels, of seven. In
100 drawings it was 0.98 to 1; enlarged to twice the size, 0.53 to 0.96."""

BUSY = 30
MOST_LOST = 0.095
"""What a copy may lose where channels vary by more than the first within three pixels: this part of the variation. In
drawings enlarged to 1.5, 2, 3 or 4 times their size, copies of the true size lost 0.04 to 0.12, smaller ones more."""

SCALES = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
SMALLEST_SIDE = 24


def native(raster: Raster, samples: Samples, analysis: Analysis) -> Raster:
    """The picture at the size it had before it was enlarged, or as it is.

    So stay pixel art and other squares, photos, and JPEG files: with as many pixels their noise can be smoothed away,
    with fewer it is part of the edges. Errors of 18 drawings enlarged to twice their size as JPEG files grew by a
    quarter when they were made smaller.
    """
    if raster.lossy or analysis.suggested in ("photo", "pixel-art"):
        return raster
    if samples.square > 1 and has_smooth_edges(own_pixels(samples.pixels, samples.square)):
        return Raster(own_pixels(raster.rgba, samples.square), raster.opaque, lossy=False)
    if steepness(samples.pixels, samples.spreads) >= STEEP:
        return raster
    scale = enlargement(samples)
    if scale == 1.0:
        return raster
    small = np.asarray(Image.fromarray(raster.rgba).resize(sides_at(scale, raster.width, raster.height), FILTER))
    return Raster(np.ascontiguousarray(small), raster.opaque, lossy=False)


def enlargement(samples: Samples) -> float:
    """By how much the picture was enlarged: the largest of the scales whose copy holds all of it, or 1."""
    height, width = samples.spreads.shape
    busy = samples.spreads >= BUSY
    whole, pixels = Image.fromarray(samples.pixels, "RGBa"), samples.pixels[busy].astype(np.int16)
    allowed = MOST_LOST * float(samples.spreads[busy].mean())
    found = 1.0
    for scale in SCALES:
        size = sides_at(scale, width, height)
        if min(size) < SMALLEST_SIDE:
            break
        small = whole.resize(size, Image.Resampling.LANCZOS)
        copy = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))[busy]
        lost = np.abs(copy - pixels).max(1).astype(np.float64)
        if np.sqrt((lost**2).mean()) <= allowed:
            found = scale
        elif scale > 2 * found:
            break
    return found


def sides_at(scale: float, width: int, height: int) -> tuple[int, int]:
    """Width and height of the copy."""
    return max(1, round(width / scale)), max(1, round(height / scale))


def steepness(pixels: Pixels, spreads: Spreads) -> float:
    """What part of its height the middle edge has within three pixels, of seven; 1 if there are hardly any edges."""
    parts = np.empty(spreads.size // EVERY + 1)
    found = measure_edges(pixels, spreads, parts)
    return float(np.median(parts[:found])) if found >= FEWEST_EDGES else 1.0


@kernel
def measure_edges(pixels: Pixels, spreads: Spreads, parts: Floats) -> int:
    """Note for every third of the steepest places of edges the part of the height that three pixels hold; how many."""
    height, width = spreads.shape
    seen = found = 0
    for y in range(3, height - 3):
        for x in range(3, width - 3):
            here = spreads[y, x]
            if here < LOWEST_EDGE or spreads[y, x - 1] > here or spreads[y, x + 1] > here:
                continue
            if spreads[y - 1, x] > here or spreads[y + 1, x] > here:
                continue
            seen += 1
            if seen % EVERY:
                continue
            whole = 0
            for c in range(4):
                if extent(pixels, y, x, 1, c) == here:
                    whole = max(whole, extent(pixels, y, x, 3, c))
            parts[found] = here / whole
            found += 1
    return found


@kernel
def extent(pixels: Pixels, y: int, x: int, reach: int, channel: int) -> int:
    """By how many levels a channel varies within so many pixels to all sides."""
    low, high = 255, 0
    for v in range(y - reach, y + reach + 1):
        for u in range(x - reach, x + reach + 1):
            value = int(pixels[v, u, channel])
            low, high = min(low, value), max(high, value)
    return high - low
