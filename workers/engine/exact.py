"""Exactly so many colors: the palette merged pair by pair until it has that size.

The pair goes first whose merging dyes the least area by the least amount (Ward's criterion, 1963, on OKLab weighted
by pixels).
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from workers.engine.color import Floats, perceived
from workers.engine.decode import Pixels
from workers.engine.drawing import Shape
from workers.engine.flatness import Mask
from workers.engine.palette import Histogram

RADII = (0.035, 0.02, 0.012, 0.006, 0.003)
MOST_CANDIDATES = 96


def exact_palette(pixels: Pixels, flat: Mask, colors: int, fewest: float) -> Floats:
    """A palette of exactly `colors` visible colors, or of all there are; clear pixels do not count as one."""
    everything, palette = np.ones_like(flat), np.zeros((0, 4))
    for mask in (flat, everything):
        histogram = Histogram(pixels, mask)
        for radius in RADII:
            palette = histogram.palette(MOST_CANDIDATES, radius, fewest if mask is flat else 1)
            if (palette[:, 3] >= 1).sum() >= colors:
                return merged_to(palette, weights_of(histogram, palette), colors)
    return palette


def weights_of(histogram: Histogram, palette: Floats) -> Floats:
    """Pixels of each palette color."""
    weights = np.bincount(histogram.nearest(palette), histogram.counts, minlength=len(palette))
    return weights.astype(np.float64)


def merged_to(palette: Floats, weights: Floats, colors: int) -> Floats:
    """Merge visible colors until so many are left; a nearly clear color stays as it is."""
    clear = palette[palette[:, 3] < 1]
    seen = palette[:, 3] >= 1
    palette, weights = palette[seen], np.maximum(weights[seen], 1.0)
    while len(palette) > colors:
        places = perceived(palette)
        distance = ((places[:, None] - places[None]) ** 2).sum(2)
        cost = distance * (weights[:, None] * weights[None]) / (weights[:, None] + weights[None])
        np.fill_diagonal(cost, np.inf)
        a, b = divmod(int(cost.argmin()), len(palette))
        a, b = (a, b) if weights[a] >= weights[b] else (b, a)
        # The heavier color keeps its exact value unless the lighter one is of its size: flat art stays true.
        if weights[b] > 0.5 * weights[a]:
            palette[a] = (palette[a] * weights[a] + palette[b] * weights[b]) / (weights[a] + weights[b])
        weights[a] += weights[b]
        palette, weights = np.delete(palette, b, 0), np.delete(weights, b)
    return np.vstack([palette, clear])


def fills_of(shapes: tuple[Shape, ...]) -> Counter[str]:
    """The colors in use, and how many segments of path each one fills."""
    used = Counter[str]()
    for shape in shapes:
        used[shape.fill] += shape.segments
    return used


def with_fewer_fills(shapes: tuple[Shape, ...], colors: int) -> tuple[Shape, ...]:
    """The shapes in at most so many colors: the two closest become the more used one of them, again and again."""
    used, becomes = fills_of(shapes), dict[str, str]()
    while len(used) > colors:
        names = list(used)
        places = perceived(np.array([[*bytes.fromhex(name[1:]), 255] for name in names], float))
        distance = ((places[:, None] - places[None]) ** 2).sum(2)
        np.fill_diagonal(distance, np.inf)
        a, b = divmod(int(distance.argmin()), len(names))
        kept, gone = (names[a], names[b]) if used[names[a]] >= used[names[b]] else (names[b], names[a])
        used[kept] += used.pop(gone)
        becomes = {old: kept if new == gone else new for old, new in becomes.items()} | {gone: kept}
    return tuple(replace(shape, fill=becomes.get(shape.fill, shape.fill)) for shape in shapes)
