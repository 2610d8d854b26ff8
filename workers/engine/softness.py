"""Merging the bands into which labelling cuts a smooth area, softest border first, as long as one paint fits all."""

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import NEARLY, OPAQUE, Floats, solid
from workers.engine.decode import Pixels
from workers.engine.edges import edges_among
from workers.engine.flatness import Mask
from workers.engine.gradients import BINS, CONSTANT, error_of, fit_paint
from workers.engine.patches import FEWEST_FLAT, MOST_SAMPLES, Patch, flat_pixels, is_slope, sample_patches
from workers.engine.polish import best_paint, reach_of
from workers.engine.regions import Borders, Regions
from workers.engine.tally import Counts
from workers.engine.witnesses import SOFT_LIMIT, call_witnesses, holds, together

STRICT_ERROR = 2.0
SAME_FLAT = 1.5
"""Two flat regions whose means differ by more than this many levels were drawn as two, and stay two."""

RIM_WIDTH, RIM_SHARE = 4.0, 0.5
"""A region thinner than so many pixels of whose border this part is an edge is a rim of what lies beside it."""


@dataclass(frozen=True, slots=True)
class Softness:
    """Largest mean step across a border that may vanish, and largest error of the paint that replaces it.

    A region whose parts differ by no more than `even` is flat. All are levels.
    """

    step: float = 18.0
    error: float = 6.0
    even: float = 0.3


@dataclass(frozen=True, slots=True)
class Paint:
    """A fitted paint: kind, shape and profile as `fit_paint` gives them, and from where to where it is used.

    `low` and `high` are distances along the profile, in pixels.
    """

    kind: int
    shape: Floats
    profile: Floats
    low: float
    high: float


class Merger:
    """The state of merging: patches, who touches whom and how softly, who stays apart, and which went into which."""

    def __init__(self, patches: dict[int, Patch], softness: Softness) -> None:
        self.patches = patches
        self.softness = softness
        self.into = {i: i for i in patches}
        self.touching: dict[int, dict[int, float]] = {i: {} for i in patches}
        self.apart: dict[int, set[int]] = {i: set() for i in patches}
        self.waiting: list[tuple[float, int, int, int, int]] = []
        self.shape, self.profile = np.zeros(6), np.zeros((BINS, 5))

    def touch(self, a: int, b: int, step: float) -> None:
        """Note a soft border."""
        self.touching[a][b] = self.touching[b][a] = step
        heapq.heappush(self.waiting, (step, self.patches[a].version, self.patches[b].version, a, b))

    def part(self, a: int, b: int) -> None:
        """Note an edge: these two never become one, nor what they become part of."""
        self.apart[a].add(b)
        self.apart[b].add(a)

    def root(self, i: int) -> int:
        """The patch a region belongs to."""
        while self.into[i] != i:
            self.into[i] = self.into[self.into[i]]
            i = self.into[i]
        return i

    def run(self) -> None:
        """Merge until no soft border is left that one paint could cover."""
        while self.waiting:
            _, version_a, version_b, a, b = heapq.heappop(self.waiting)
            if self.into[a] != a or self.into[b] != b:
                continue
            first, second = self.patches[a], self.patches[b]
            if (first.version, second.version) != (version_a, version_b) or b in self.apart[a]:
                continue
            if first.flat and second.flat and np.abs(first.mean - second.mean).max() > SAME_FLAT:
                continue
            pooled = pool(first, second)
            kind, error, bins = fit_paint(pooled, self.softness.error, self.shape, self.profile)
            if error <= (STRICT_ERROR if dominates(first, second) else self.softness.error):
                if self.spoils(first, second, kind, bins):
                    continue
                cells = together(first.cells, second.cells)
                if holds(cells, kind, self.shape, self.profile, bins):
                    self.join(a, b, pooled, cells)

    def spoils(self, first: Patch, second: Patch, kind: int, bins: int) -> bool:
        """Whether the paint found for a flat patch and a gradient, which may be much smaller, is a bad one for that."""
        soft = second if first.flat else first
        if first.flat == second.flat or soft.version == 0:
            return False
        return error_of(soft.samples, kind, self.shape, self.profile[:bins]) > self.softness.error

    def absorb_rims(self) -> None:
        """Give each rim that no paint was found for to the gradient that goes on into it most softly.

        The gradient stays as it is: a rim is where it does not fit.
        """
        for i in [i for i, patch in self.patches.items() if patch.rim]:
            beside = [(step, j) for j, step in self.touching[i].items() if self.takes_rim(i, j)]
            if beside:
                j = min(beside)[1]
                taker = self.patches[j]
                mean, flat = taker.mean, taker.flat
                self.join(j, i, taker.samples, taker.cells)
                taker.mean, taker.flat = mean, flat

    def takes_rim(self, rim: int, other: int) -> bool:
        """Whether a patch is a gradient without an edge to the rim."""
        patch = self.patches[other]
        return patch.version > 0 and not patch.rim and other not in self.apart[rim]

    def join(self, a: int, b: int, pooled: Floats, cells: Floats) -> None:
        """Put patch b into patch a."""
        first, second = self.patches[a], self.patches.pop(b)
        self.into[b] = a
        weight = second.pixels / (first.pixels + second.pixels)
        first.mean = first.mean + weight * (second.mean - first.mean)
        first.samples, first.cells, first.pixels = pooled, cells, first.pixels + second.pixels
        first.flat = first.flat and second.flat
        first.version += 1
        for i in self.apart.pop(b):
            self.apart[i].discard(b)
            self.part(a, i)
        rim, touched = first.rim and second.rim, dict[int, float]()
        for i, patch in ((b, second), (a, first)):
            for other, step in self.touching[i].items():
                del self.touching[other][i]
                if other != a and patch.rim <= rim:
                    touched[other] = min(step, touched.get(other, math.inf))
            self.touching[i] = {}
        first.rim = rim
        for other, step in touched.items():
            self.touch(a, other, step)


def dominates(first: Patch, second: Patch) -> bool:
    """Whether one patch is a large flat area and the other a small soft one: a blurred rim must not dye it."""
    if first.flat == second.flat:
        return False
    flat, soft = (first, second) if first.flat else (second, first)
    return flat.pixels > 3 * soft.pixels


def pool(first: Patch, second: Patch) -> Floats:
    """Samples of both, thinned in proportion to their areas."""
    a, b = first.samples, second.samples
    if len(a) + len(b) > MOST_SAMPLES:
        share = max(20, MOST_SAMPLES * first.pixels // (first.pixels + second.pixels))
        a = a[:: max(1, -(-len(a) // share))]
        b = b[:: max(1, -(-len(b) // max(20, MOST_SAMPLES - share)))]
    return np.concatenate([a, b])


def merge_soft(
    regions: Regions, borders: Borders, pixels: Pixels, flat: Mask, softness: Softness
) -> tuple[NDArray[np.int64], dict[int, Paint]]:
    """For every region the one it was merged into, and a paint for each merged one that is not one color."""
    into = np.arange(regions.count)
    soft = borders.steps <= softness.step
    if not soft.any():
        return into, {}
    pairs = list(
        zip(borders.first[soft].tolist(), borders.second[soft].tolist(), borders.steps[soft].tolist(), strict=True)
    )
    touched = np.unique(np.concatenate([borders.first[soft], borders.second[soft]]))
    counts = flat_pixels(regions, flat)
    patches = sample_patches(regions, pixels, flat, counts, touched)
    hear(patches, regions, pixels, flat, counts, softness.even)
    for i in rims_of(regions, borders, soft):
        if i in patches:
            patches[i].rim = True
    merger = Merger(patches, softness)
    for a, b, step in pairs:
        merger.touch(a, b, step)
    for a, b in edges_among(regions, borders, pixels):
        if a in patches and b in patches:
            merger.part(a, b)
    merger.run()
    merger.absorb_rims()
    for i in merger.into:
        into[i] = merger.root(i)
    merged = np.flatnonzero(np.bincount(into, minlength=regions.count) > 1).tolist()
    return into, {i: paint_of(merger.patches[i], softness) for i in merged}


def rims_of(regions: Regions, borders: Borders, soft: Mask) -> list[int]:
    """Regions that are thin and run along edges; the mask tells which borders are soft."""
    lengths, hard = np.zeros(regions.count), np.zeros(regions.count)
    for ends in (borders.first, borders.second):
        lengths += np.bincount(ends, borders.lengths, regions.count)
        hard += np.bincount(ends, np.where(soft, 0, borders.lengths), regions.count)
    return np.flatnonzero((2 * regions.areas < RIM_WIDTH * lengths) & (hard >= RIM_SHARE * lengths)).tolist()


def hear(patches: dict[int, Patch], regions: Regions, pixels: Pixels, flat: Mask, counts: Counts, near: float) -> None:
    """Let every patch know what its paint must meet.

    One of which most parts are within `near` levels of each other is flat, too, but for a band that is no wider than
    such a part, across which color changes.
    """
    wanted = np.zeros(regions.count, np.bool_)
    wanted[list(patches)] = True
    witnesses = call_witnesses(regions.ids, pixels, flat, counts >= FEWEST_FLAT, wanted, near)
    for i, patch in patches.items():
        patch.cells = witnesses.of(i)
        if witnesses.even[i] and not patch.flat:
            patch.flat = not is_slope(patch.samples)
            if not patch.flat:
                patch.cells[:, 7] = SOFT_LIMIT


def fitted(samples: Floats, most_error: float) -> tuple[Paint, float]:
    """The best paint for samples, and its error in levels; one that is nearly opaque where most samples are is so."""
    shape, profile = np.zeros(6), np.zeros((BINS, 5))
    kind, error, bins = fit_paint(samples, most_error, shape, profile)
    kind, error, bins = best_paint(samples, kind, shape, profile, bins, error)
    profile = profile[:bins].copy()
    mostly_opaque = 2 * np.count_nonzero(samples[:, 5] == OPAQUE) > len(samples)
    if mostly_opaque and profile[:, 4].min() >= NEARLY:
        profile[:, 1:] = solid(profile[:, 1:])
    return Paint(kind, shape, profile, *reach_of(samples, kind, shape)), error


def paint_of(patch: Patch, softness: Softness) -> Paint:
    """The final paint of a patch."""
    paint, _ = fitted(patch.samples, softness.error)
    if paint.kind == CONSTANT:
        paint.profile[0, 1:] = patch.mean  # by area: the samples favor small parts
    return paint
