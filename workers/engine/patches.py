"""What is known of a region that may become part of a soft area: some of its pixels, and whether it is flat."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids, Regions
from workers.engine.tally import Counts

MOST_SAMPLES = 600
FLAT_VARIATION = 1.0
FEWEST_FLAT = 6
"""A region with fewer flat pixels is known by all of its pixels."""

SLOPE = 0.5
"""A plane through the colors of a slope leaves less than this part of their variation."""


@dataclass(slots=True)
class Patch:
    """One or more regions that share a paint so far."""

    samples: Floats
    pixels: int
    mean: Floats
    flat: bool
    rim: bool = False
    cells: Floats = field(default_factory=lambda: np.empty((0, 9)))
    version: int = 0


@allocating_kernel
def gather_samples(
    ids: Ids, pixels: Pixels, flat: Mask, inner: Mask, sizes: Counts, taken: Counts, starts: Counts, samples: Floats
) -> None:
    """Collect evenly spaced pixels of every region (x, y, four channels), in reading order.

    Of `sizes` pixels, only flat ones where `inner`, the next `taken` go to the rows from `starts`.
    """
    height, width = ids.shape
    seen, made = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    for y in range(height):
        for x in range(width):
            i = ids[y, x]
            if taken[i] == 0 or (inner[i] and not flat[y, x]):
                continue
            wanted = seen[i]
            if taken[i] < sizes[i]:
                wanted = made[i] * (sizes[i] - 1) // (taken[i] - 1)
            if seen[i] == wanted:
                row = starts[i] + made[i]
                samples[row, 0], samples[row, 1] = x + 0.5, y + 0.5
                for c in range(4):
                    samples[row, 2 + c] = pixels[y, x, c]
                made[i] += 1
            seen[i] += 1


@kernel
def count_flat(ids: Ids, flat: Mask, counts: Counts) -> None:
    """Count each region's flat pixels."""
    height, width = ids.shape
    for y in range(height):
        run = 0
        for x in range(width):
            run += flat[y, x]
            if x + 1 == width or ids[y, x + 1] != ids[y, x]:
                counts[ids[y, x]] += run
                run = 0


@kernel
def describe(samples: Floats, mean: Floats) -> float:
    """The mean color of samples, and how much they vary in levels."""
    n = len(samples)
    total = 0.0
    for c in range(4):
        first = second = 0.0
        for i in range(n):
            first += samples[i, 2 + c]
        mean[c] = first / n
        for i in range(n):
            second += (samples[i, 2 + c] - mean[c]) ** 2
        total += second / n
    return math.sqrt(total / 3)


def is_slope(samples: Floats) -> bool:
    """Whether color rises or falls evenly across samples, so that all of a narrow band have the same mean along it."""
    places, colors = np.column_stack((np.ones(len(samples)), samples[:, :2])), samples[:, 2:]
    left = colors - places @ np.linalg.lstsq(places, colors, rcond=None)[0]
    return bool((left**2).sum() < SLOPE**2 * ((colors - colors.mean(0)) ** 2).sum())


def flat_pixels(regions: Regions, flat: Mask) -> Counts:
    """How many flat pixels each region has."""
    counts = np.zeros(regions.count, np.int64)
    count_flat(regions.ids, flat, counts)
    return counts


def sample_patches(
    regions: Regions, pixels: Pixels, flat: Mask, counts: Counts, wanted: NDArray[np.int64]
) -> dict[int, Patch]:
    """Up to MOST_SAMPLES samples of each wanted region: of its flat pixels, so many, or of all if those are few."""
    inner = counts >= FEWEST_FLAT
    sizes, taken = np.where(inner, counts, regions.areas), np.zeros(regions.count, np.int64)
    taken[wanted] = np.minimum(sizes[wanted], MOST_SAMPLES)
    ends = np.cumsum(taken)
    samples = np.empty((int(ends[-1]), 6))
    gather_samples(regions.ids, pixels, flat, inner, sizes, taken, ends - taken, samples)
    patches = dict[int, Patch]()
    for i, end, count, area in zip(
        wanted.tolist(), ends[wanted].tolist(), taken[wanted].tolist(), regions.areas[wanted].tolist(), strict=True
    ):
        own, mean = samples[end - count : end], np.empty(4)
        patches[i] = Patch(own, area, mean, describe(own, mean) < FLAT_VARIATION)
    return patches
