"""One number for every pixel, grown and smoothed within each region as if the others were not there."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel
from workers.engine.regions import Ids

Singles = NDArray[np.float32]

FURTHEST = 2.0
"""The Gaussian ends after so many standard deviations."""


@allocating_kernel
def grow(ids: Ids, wanted: Mask, field: Singles, known: Mask) -> None:
    """Give unknown pixels of wanted regions the mean of their known neighbors in the region, ring by ring."""
    height, width = ids.shape
    ring = np.empty((height * width, 2), np.int32)
    waiting = 0
    for y in range(height):
        for x in range(width):
            if wanted[ids[y, x]] and not known[y, x]:
                ring[waiting, 0], ring[waiting, 1] = y, x
                waiting += 1
    while waiting:
        left, fresh = 0, 0
        done = np.empty((waiting, 2), np.int32)
        for k in range(waiting):
            y, x = ring[k, 0], ring[k, 1]
            total, n = 0.0, 0
            for ny in range(max(0, y - 1), min(height, y + 2)):
                for nx in range(max(0, x - 1), min(width, x + 2)):
                    if known[ny, nx] and ids[ny, nx] == ids[y, x]:
                        total += field[ny, nx]
                        n += 1
            if n:
                field[y, x] = total / n
                done[fresh, 0], done[fresh, 1] = y, x
                fresh += 1
            else:
                ring[left, 0], ring[left, 1] = y, x
                left += 1
        for k in range(fresh):
            known[done[k, 0], done[k, 1]] = True
        if fresh == 0:
            return
        waiting = left


@allocating_kernel
def blurred(ids: Ids, wanted: Mask, field: Singles, width: float) -> Singles:
    """The field under a Gaussian of this standard deviation that sees each region alone."""
    reach = int(FURTHEST * width) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    rows, columns = ids.shape
    source = field
    for turn in range(2):
        out = np.zeros_like(source)
        for y in range(rows):
            for x in range(columns):
                i = ids[y, x]
                if not wanted[i]:
                    continue
                total, value = 0.0, 0.0
                for d in range(-reach, reach + 1):
                    ny, nx = (y + d, x) if turn else (y, x + d)
                    if 0 <= ny < rows and 0 <= nx < columns and ids[ny, nx] == i:
                        total += weights[d + reach]
                        value += weights[d + reach] * source[ny, nx]
                out[y, x] = value / total
        source = out
    return source
