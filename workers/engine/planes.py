"""Regions of a photo across which color changes evenly become one, painted with a linear gradient.

A region's cost is its squared error around its mean, or around the best color that is linear in one direction plus the
price of a gradient, whichever is less. Both come in closed form from sums over its pixels, which are added when regions
merge; two of them do so while that costs less than their border.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fields import Singles
from workers.engine.gradients import LINEAR
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids, root_of
from workers.engine.segmentation import CLEAR, Segments, colors_of
from workers.engine.softness import Paint
from workers.engine.touching import pairs_of, renamed, renumber

SUMS = 19
"""Weight; x, y; xx, xy, yy; four channels; x times each; y times each; all channels squared. Places in pixels."""

MODEL = 12
"""Center x, y; unit direction x, y; four mean channels; their slopes along the direction."""

PRICES = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Parts of the price at which regions are merged, one after the other."""


@kernel
def add_pixels(ids: Ids, pixels: Pixels | Singles, weights: Floats, sums: Floats) -> None:
    """Add every pixel to the sums of its region."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            i, weight, px, py = ids[y, x], weights[y, x], x + 0.5, y + 0.5
            sums[i, 0] += weight
            sums[i, 1] += weight * px
            sums[i, 2] += weight * py
            sums[i, 3] += weight * px * px
            sums[i, 4] += weight * px * py
            sums[i, 5] += weight * py * py
            for c in range(4):
                value = weight * pixels[y, x, c]
                sums[i, 6 + c] += value
                sums[i, 10 + c] += value * px
                sums[i, 14 + c] += value * py
                sums[i, 18] += value * pixels[y, x, c]


@kernel
def best_slope(sums: Floats) -> tuple[float, float, float, float]:
    """Squared error around the mean, what the best linear color saves of it, and its unit direction x, y.

    Of all directions that one whose coordinate explains most of the channels: the largest eigenvalue of the inverse
    scatter of places times the product of their covariance with the channels.
    """
    weight, x, y = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    error, a, b, d = sums[18], 0.0, 0.0, 0.0
    for c in range(4):
        error -= sums[6 + c] * sums[6 + c] / weight
        along_x, along_y = sums[10 + c] - x * sums[6 + c], sums[14 + c] - y * sums[6 + c]
        a += along_x * along_x
        b += along_x * along_y
        d += along_y * along_y
    xx, xy, yy = sums[3] - x * sums[1], sums[4] - x * sums[2], sums[5] - y * sums[2]
    determinant = xx * yy - xy * xy
    if determinant <= 1e-6 * weight * weight:
        return error, 0.0, 1.0, 0.0
    p, q = (yy * a - xy * b) / determinant, (yy * b - xy * d) / determinant
    r, s = (xx * b - xy * a) / determinant, (xx * d - xy * b) / determinant
    largest = (p + s) / 2 + math.sqrt(max(0.0, (p - s) * (p - s) / 4 + q * r))
    way_x, way_y = q, largest - p
    if abs(largest - s) > abs(way_y):
        way_x, way_y = largest - s, r
    length = math.hypot(way_x, way_y)
    if length < 1e-12:
        return error, 0.0, 1.0, 0.0
    return error, largest, way_x / length, way_y / length


@kernel
def cost_of(sums: Floats, gradient: float) -> float:
    """What a region costs with the cheaper paint, in squared levels."""
    error, saved, _, _ = best_slope(sums)
    return error - max(0.0, saved - gradient)


@kernel
def costs_of(sums: Floats, gradient: float, costs: Floats) -> None:
    """What every region costs."""
    for i in range(len(sums)):
        costs[i] = cost_of(sums[i], gradient)


@allocating_kernel
def join_even(
    first: Ids, second: Ids, lengths: Floats, price: float, gradient: float, parents: Ids, sums: Floats, costs: Floats
) -> None:
    """Join pairs that cost less together than apart and with their border; what is clear stays by itself."""
    both = np.empty(SUMS)
    for k in range(len(first)):
        a, b = root_of(parents, first[k]), root_of(parents, second[k])
        if a == b or (sums[a, 9] < CLEAR * sums[a, 0]) != (sums[b, 9] < CLEAR * sums[b, 0]):
            continue
        for i in range(SUMS):
            both[i] = sums[a, i] + sums[b, i]
        cost = cost_of(both, gradient)
        if cost - costs[a] - costs[b] < price * lengths[k]:
            kept = min(a, b)
            parents[max(a, b)] = kept
            sums[kept], costs[kept] = both, cost


@kernel
def measure_models(sums: Floats, gradient: float, models: Floats) -> None:
    """Center, unit direction, mean channels and their slopes along it, per pixel, of every region.

    Slopes are 0 where the best linear color saves no more than a gradient costs.
    """
    for i in range(len(sums)):
        _, saved, way_x, way_y = best_slope(sums[i])
        weight, x, y = sums[i, 0], sums[i, 1] / sums[i, 0], sums[i, 2] / sums[i, 0]
        models[i, 0], models[i, 1], models[i, 2], models[i, 3] = x, y, way_x, way_y
        xx, xy, yy = sums[i, 3] - weight * x * x, sums[i, 4] - weight * x * y, sums[i, 5] - weight * y * y
        along = way_x * way_x * xx + 2 * way_x * way_y * xy + way_y * way_y * yy
        for c in range(4):
            mean = sums[i, 6 + c] / weight
            slope = way_x * (sums[i, 10 + c] - sums[i, 1] * mean) + way_y * (sums[i, 14 + c] - sums[i, 2] * mean)
            models[i, 4 + c], models[i, 8 + c] = mean, slope / along if saved > gradient else 0.0


@kernel
def find_reach(ids: Ids, models: Floats, reach: Floats) -> None:
    """From where to where every region extends in its direction, in pixels from its center."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            i = ids[y, x]
            at = (x + 0.5 - models[i, 0]) * models[i, 2] + (y + 0.5 - models[i, 1]) * models[i, 3]
            reach[i, 0], reach[i, 1] = min(reach[i, 0], at), max(reach[i, 1], at)


def merge_even(
    segments: Segments, pixels: Pixels, price: float, gradient: float
) -> tuple[Ids, Floats, dict[int, Paint]]:
    """Numbers and mean colors of the merged regions, and the gradients of those for which one pays.

    A pixel of border costs `price` squared levels, a gradient as much as `gradient` of them.
    """
    ids, count = segments.ids, len(segments.colors)
    sums, costs = np.zeros((count, SUMS)), np.empty(count)
    add_pixels(ids, pixels, segments.weights, sums)
    costs_of(sums, gradient * price, costs)
    parents, pairs = np.arange(count, dtype=np.int32), pairs_of(ids, count)
    for part in PRICES:
        join_even(pairs.first, pairs.second, pairs.lengths, part * price, gradient * price, parents, sums, costs)
        pairs = renamed(pairs, parents)
    sums, merged = sums[parents == np.arange(count)], ids.copy()
    renumber(parents, merged, np.empty(count, np.int32))
    models, reach = np.empty((len(sums), MODEL)), np.empty((len(sums), 2))
    measure_models(sums, gradient * price, models)
    reach[:] = np.inf, -np.inf
    find_reach(merged, models, reach)
    even = np.flatnonzero(models[:, 8:].any(1)).tolist()
    colors = colors_of(sums[:, 6:10], sums[:, :1])
    return merged, colors, {i: paint_of(models[i], reach[i]) for i in even}


def paint_of(model: Floats, reach: NDArray[np.float64]) -> Paint:
    """The linear color of a region by its model, over all of its reach."""
    low, high = reach.tolist()
    profile = np.array([[at, *np.clip(model[4:8] + at * model[8:], 0, 255)] for at in (low, high)])
    return Paint(LINEAR, np.array([*model[:4], 0.0, 0.0]), profile, low, high)
