"""Shading that a gradient cannot follow: what it leaves over is cut into bands of even steps.

Rims of light and cast shadows run along outlines, which no linear or radial gradient does. Where the paint of a region
clashes with its neighbor's although the picture has no edge there, the difference from the picture is smoothed and cut
at equal distances (isophotes). A band has its region's own paint, shifted by its mean difference, so that the steps
between bands are all alike, and too small to be seen as edges; or a paint of its own where one fits it better.
"""

from dataclasses import dataclass

import numpy as np

from workers.engine.clashes import Table, clashing, tabled
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fields import Singles, blurred, grow
from workers.engine.flatness import Mask
from workers.engine.gradients import CONSTANT, GAIN, error_of, painted
from workers.engine.kernels import kernel
from workers.engine.patches import Patch, flat_pixels, sample_patches
from workers.engine.polish import way_of
from workers.engine.regions import Borders, Ids, Regions, absorb_specks, find_regions
from workers.engine.samples import Samples
from workers.engine.softness import STRICT_ERROR, Paint, fitted
from workers.engine.tally import Counts

STEEPEST = 30
"""Pixels among which a channel varies by more levels lie on an edge and say nothing about shading."""

MOST_LEVELS = 20
MOST_BANDS = 30_000
"""More are no shading but noise, and stay as they are."""

APART = 1e4
NEVER_A_SPECK = 1 << 40


@dataclass(frozen=True, slots=True)
class Shading:
    """When to cut and how finely, in levels and pixels.

    Borders with a mean step up to `softest` are no edges. A painted step may be `clash` levels larger than the
    picture's, and the paint of a region that clashes may be wrong by `error`. Bands are `step` levels apart, have at
    least `fewest` pixels, and follow the shading under a Gaussian of width `blur`.
    """

    softest: float = 14.0
    clash: float = 16.0
    error: float = 4.0
    step: float = 18.0
    fewest: int = 48
    blur: float = 2.0


@kernel
def measure_left_over(
    ids: Ids, pixels: Pixels, calm: Mask, wanted: Mask, kinds: Counts, shapes: Floats, profiles: Floats, bins: Counts,
    over: Singles, moments: Floats,
) -> None:  # fmt: skip
    """What the paints of the wanted regions leave over at calm pixels, and for each region the sums of its products."""
    height, width = ids.shape
    color = np.empty(4)
    for y in range(height):
        for x in range(width):
            i = int(ids[y, x])
            if not wanted[i] or not calm[y, x]:
                continue
            painted(kinds[i], shapes[i], profiles[i], bins[i], x + 0.5, y + 0.5, color)
            for c in range(4):
                over[y, x, c] = pixels[y, x, c] - color[c]
            moments[i, 4, 4] += 1
            for c in range(4):
                moments[i, 4, c] += over[y, x, c]
                for d in range(4):
                    moments[i, c, d] += over[y, x, c] * over[y, x, d]


@kernel
def project(ids: Ids, calm: Mask, wanted: Mask, over: Singles, axes: Floats, field: Singles, known: Mask) -> None:
    """The difference along each region's main axis."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            i = int(ids[y, x])
            if wanted[i] and calm[y, x]:
                total = 0.0
                for c in range(4):
                    total += over[y, x, c] * axes[i, c]
                field[y, x] = total
                known[y, x] = True


@kernel
def number_bands(ids: Ids, wanted: Mask, field: Singles, step: float, bands: Ids) -> None:
    """Number every band of every region."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            level = 0
            if wanted[ids[y, x]]:
                level = int(np.rint(field[y, x] / step))
                level = min(MOST_LEVELS, max(-MOST_LEVELS, level))
            bands[y, x] = ids[y, x] * (2 * MOST_LEVELS + 1) + level + MOST_LEVELS


@kernel
def sum_over(ids: Ids, calm: Mask, over: Singles, sums: Floats) -> None:
    """Sum the difference over the calm pixels of every region, and count these."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            if calm[y, x]:
                i = ids[y, x]
                sums[i, 4] += 1
                for c in range(4):
                    sums[i, c] += over[y, x, c]


@kernel
def measure_reach(ids: Ids, owners: Counts, kinds: Counts, shapes: Floats, reach: Floats) -> None:
    """The nearest and the farthest pixel of every band along the gradient of the region it was cut from."""
    height, width = ids.shape
    reach[:, 0], reach[:, 1] = np.inf, -np.inf
    for y in range(height):
        for x in range(width):
            i = ids[y, x]
            k = owners[i]
            way, kind = 0.0, int(kinds[k])
            if kind != CONSTANT:
                way = way_of(kind, shapes[k], x + 0.5, y + 0.5)
            reach[i, 0], reach[i, 1] = min(reach[i, 0], way), max(reach[i, 1], way)


def cut_bands(
    regions: Regions, borders: Borders, paints: dict[int, Paint], samples: Samples, colors: Floats, shading: Shading
) -> tuple[Regions, dict[int, Paint]]:
    """Regions and paints, with those that clash cut into bands; `colors` has the flat color of each region."""
    table, pixels = tabled(paints, colors), samples.pixels
    soft = borders.steps <= shading.softest
    wanted = np.zeros(regions.count, np.bool_)
    pairs = (borders.first * regions.count + borders.second)[soft]
    wanted[clashing(regions, pixels, table, pairs, shading.clash)] = True
    wanted &= regions.areas >= 3 * shading.fewest
    if not wanted.any():
        return regions, paints
    calm = samples.flat(STEEPEST)
    over, moments = np.zeros((*regions.ids.shape, 4), np.float32), np.zeros((regions.count, 5, 5))
    measure_left_over(
        regions.ids, pixels, calm, wanted, table.kinds, table.shapes, table.profiles, table.bins, over, moments
    )
    counts = np.maximum(moments[:, 4, 4], 1)
    spread, axes = np.linalg.eigh(moments[:, :4, :4] / counts[:, None, None])
    wanted &= np.sqrt(spread[:, -1]) > shading.error
    if not wanted.any():
        return regions, paints
    field, known = np.zeros(regions.ids.shape, np.float32), np.zeros(regions.ids.shape, np.bool_)
    project(regions.ids, calm, wanted, over, np.ascontiguousarray(axes[:, :, -1]), field, known)
    grow(regions.ids, wanted, field, known)
    field = blurred(regions.ids, wanted, field, shading.blur)
    bands = np.empty_like(regions.ids)
    number_bands(regions.ids, wanted, field, shading.step, bands)
    return separated(bands, regions, wanted, paints, table, over, calm, shading, pixels)


def separated(
    bands: Ids, regions: Regions, wanted: Mask, paints: dict[int, Paint], table: Table, over: Singles, calm: Mask,
    shading: Shading, pixels: Pixels,
) -> tuple[Regions, dict[int, Paint]]:  # fmt: skip
    """The bands as regions with paints."""
    present = np.zeros(regions.count * (2 * MOST_LEVELS + 1), np.bool_)
    present[bands] = True
    names = np.flatnonzero(present)
    if len(names) > MOST_BANDS:
        return regions, paints
    labels = (np.cumsum(present, dtype=np.int32) - 1).astype(np.int16)[bands]
    owner, level = names // (2 * MOST_LEVELS + 1), names % (2 * MOST_LEVELS + 1)
    places = np.zeros((len(names), 4))
    places[:, 0], places[:, 1] = owner * APART, level * shading.step
    cut = find_regions(labels)
    areas = np.where(wanted[owner[cut.labels]], cut.areas, NEVER_A_SPECK)
    absorb_specks(cut.ids, labels, areas, cut.labels, places, shading.fewest, APART)
    cut = find_regions(labels)
    owners = owner[cut.labels]
    shifts, reach = np.zeros((cut.count, 5)), np.empty((cut.count, 2))
    sum_over(cut.ids, calm, over, shifts)
    measure_reach(cut.ids, owners, table.kinds, table.shapes, reach)
    shifts = shifts[:, :4] / np.maximum(shifts[:, 4:], 1)
    out = dict[int, Paint]()
    patches = sample_patches(cut, pixels, calm, flat_pixels(cut, calm), np.flatnonzero(wanted[owners]))
    for i, k in enumerate(owners.tolist()):
        if wanted[k]:
            out[i] = own_paint(patches[i], shifted(table, k, shifts[i], reach[i]))
        elif k in paints:
            out[i] = paints[k]
    return Regions(cut.ids, cut.count, cut.areas, regions.labels[owners]), out


def own_paint(patch: Patch, paint: Paint) -> Paint:
    """The gradient that fits a band best, or the paint it has if none is clearly better."""
    own, error = fitted(patch.samples, STRICT_ERROR)
    if own.kind == CONSTANT or error > GAIN * error_of(patch.samples, paint.kind, paint.shape, paint.profile):
        return paint
    return own


def shifted(table: Table, k: int, shift: Floats, reach: Floats) -> Paint:
    """The paint of region k with all its colors moved by so many levels, used from one distance to another."""
    used = int(table.bins[k])
    profile = table.profiles[k, :used].copy()
    profile[:, 1:] = np.clip(profile[:, 1:] + shift, 0, 255)
    return Paint(int(table.kinds[k]), table.shapes[k].copy(), profile, *reach.tolist())
