"""Connected regions of one label, without specks, and how they touch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.mixture import Labels
from workers.engine.tally import means_by_key

Ids = NDArray[np.int32]
ROUNDS = 40
MANY_SPECKS = 0.3


@dataclass(frozen=True, slots=True)
class Regions:
    """A region number for every pixel, and of each region its area in pixels and its label."""

    ids: Ids
    count: int
    areas: NDArray[np.int64]
    labels: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Borders:
    """Pairs of touching regions: the length of their border in pixels and the mean step of color across it."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    lengths: NDArray[np.int64]
    steps: Floats


@kernel
def root_of(parents: Ids, at: int) -> int:
    """The representative of a set, with path halving (Tarjan, van Leeuwen 1984)."""
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


@allocating_kernel
def connect(labels: Labels, ids: Ids, parents: Ids) -> int:
    """Number 4-connected components in reading order: two passes with union-find (Rosenfeld, Pfaltz 1966)."""
    height, width = labels.shape
    made = 0
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            left = int(ids[y, x - 1]) if x > 0 and labels[y, x - 1] == label else -1
            above = int(ids[y - 1, x]) if y > 0 and labels[y - 1, x] == label else -1
            if left < 0 and above < 0:
                parents[made] = made
                ids[y, x] = made
                made += 1
            elif left >= 0 and above >= 0 and left != above:
                a, b = root_of(parents, left), root_of(parents, above)
                parents[max(a, b)] = min(a, b)
                ids[y, x] = min(a, b)
            else:
                ids[y, x] = max(left, above)
    count = 0
    final = np.empty(made, np.int32)
    for i in range(made):
        root = root_of(parents, i)
        if root == i:
            final[i] = count
            count += 1
        else:
            final[i] = final[root]
    for y in range(height):
        for x in range(width):
            ids[y, x] = final[ids[y, x]]
    return count


@kernel
def measure(ids: Ids, labels: Labels, areas: NDArray[np.int64], region_labels: NDArray[np.int16]) -> None:
    """Count each region's pixels and note its label."""
    height, width = ids.shape
    for y in range(height):
        begin = 0
        for x in range(1, width + 1):
            if x == width or ids[y, x] != ids[y, begin]:
                areas[ids[y, begin]] += x - begin
                region_labels[ids[y, begin]] = labels[y, begin]
                begin = x


def find_regions(labels: Labels) -> Regions:
    """The connected regions of a label image."""
    ids = np.empty(labels.shape, np.int32)
    count = connect(labels, ids, np.empty(labels.size, np.int32))
    areas, region_labels = np.zeros(count, np.int64), np.zeros(count, np.int16)
    measure(ids, labels, areas, region_labels)
    return Regions(ids, count, areas, region_labels)


ANY = 1e9
"""No color is farther than this from another, in levels."""


@allocating_kernel
def absorb_specks(
    ids: Ids, labels: Labels, areas: NDArray[np.int64], region_labels: NDArray[np.int16], palette: Floats, fewest: int,
    farthest: float,
) -> None:  # fmt: skip
    """Let the pixels of small regions join the neighbor closest in color, from the rim inward.

    None joins what is `farthest` levels or more from its own color, but waits until another comes near.
    """
    height, width = ids.shape
    total = 0
    for y in range(height):
        for x in range(width):
            total += areas[ids[y, x]] < fewest
    ys, xs, waiting = np.empty(total, np.int32), np.empty(total, np.int32), np.zeros((height, width), np.bool_)
    found = 0
    for y in range(height):
        for x in range(width):
            if areas[ids[y, x]] < fewest:
                ys[found], xs[found], waiting[y, x] = y, x, True
                found += 1
    chosen = np.empty(total, np.int16)
    for _ in range(ROUNDS):
        changed = False
        for i in range(total):
            chosen[i] = -1
            y, x = ys[i], xs[i]
            if not waiting[y, x]:
                continue
            own, closest = region_labels[ids[y, x]], farthest * farthest
            for turn in range(4):
                ny, nx = y + (turn == 0) - (turn == 1), x + (turn == 2) - (turn == 3)
                if ny < 0 or ny >= height or nx < 0 or nx >= width or waiting[ny, nx]:
                    continue
                label = labels[ny, nx]
                distance = 0.0
                for c in range(4):
                    distance += (palette[label, c] - palette[own, c]) ** 2
                if distance < closest:
                    closest, chosen[i] = distance, label
        for i in range(total):
            if chosen[i] >= 0:
                labels[ys[i], xs[i]] = chosen[i]
                waiting[ys[i], xs[i]] = False
                changed = True
        if not changed:
            return


def without_specks(labels: Labels, palette: Floats, fewest: int) -> Regions:
    """Regions of at least `fewest` pixels; the labels of smaller ones are changed in place."""
    regions = find_regions(labels)
    if regions.areas.min() >= fewest:
        return regions
    specks = int(regions.areas[regions.areas < fewest].sum())
    # Where specks are everywhere there is nothing large they could join: then they grow together step by step.
    steps = [2**k for k in range(1, 24) if 2**k < fewest] if specks > MANY_SPECKS * labels.size else []
    for step in (*steps, fewest):
        absorb_specks(regions.ids, labels, regions.areas, regions.labels, palette, step, ANY)
        regions = find_regions(labels)
    return regions


@kernel
def walk_borders(ids: Ids, count: int, pixels: Pixels, keys: NDArray[np.int64], steps: Floats) -> int:
    """Note both regions and the largest channel step at every side between two pixels of different regions."""
    height, width = ids.shape
    found = 0
    for y in range(height):
        for x in range(width):
            here = int(ids[y, x])
            for down in range(2):
                ny, nx = y + down, x + 1 - down
                if ny == height or nx == width or ids[ny, nx] == here:
                    continue
                there = int(ids[ny, nx])
                keys[found] = min(here, there) * count + max(here, there)
                step = 0.0
                for c in range(4):
                    # float, because numba's int() of a byte is unsigned and its differences wrap around
                    step = max(step, abs(float(pixels[y, x, c]) - float(pixels[ny, nx, c])))
                steps[found] = step
                found += 1
    return found


def find_borders(regions: Regions, pixels: Pixels) -> Borders:
    """Every pair of touching regions."""
    keys, steps = np.empty(2 * regions.ids.size, np.int64), np.empty(2 * regions.ids.size)
    found = walk_borders(regions.ids, regions.count, pixels, keys, steps)
    pairs, lengths, means = means_by_key(keys, steps, found)
    return Borders(pairs // regions.count, pairs % regions.count, lengths, means)
