"""Shading that one gradient cannot follow: smooth areas cut into pieces, each with a paint of its own.

Rims of light and cast shadows run along outlines, which no linear or radial gradient does. What the paint of a smooth
region leaves over is cut into pieces (`pieces`). Each has its region's own paint, shifted by its mean difference, or a
paint of its own where one fits it better.
"""

from dataclasses import dataclass, field

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fields import Singles, blurred, grow
from workers.engine.flatness import Mask
from workers.engine.gradients import CONSTANT, GAIN, error_of
from workers.engine.kernels import kernel
from workers.engine.leftover import Table, left_over, project, tabled
from workers.engine.patches import Patch, flat_pixels, sample_patches
from workers.engine.pieces import Pricing, cut_pieces
from workers.engine.polish import way_of
from workers.engine.regions import Borders, Ids, Regions, absorb_specks, find_regions
from workers.engine.samples import Samples
from workers.engine.softness import STRICT_ERROR, Paint, fitted
from workers.engine.tally import Counts
from workers.engine.translucency import translucent_regions

STEEPEST = 30
"""Pixels among which a channel varies by more levels lie on an edge and say nothing about shading."""

APART = 1e4
NEVER_A_SPECK = 1 << 40


@dataclass(frozen=True, slots=True)
class Shading:
    """When to cut, in levels and pixels, and what pieces cost.

    Borders with a mean step up to `softest` are no edges. The paint of a region may be wrong by `error`. Pieces follow
    the shading under a Gaussian of width `blur`.
    """

    softest: float = 14.0
    error: float = 4.0
    blur: float = 1.5
    pricing: Pricing = field(default_factory=Pricing)


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
    """The nearest and the farthest pixel of every piece along the gradient of the region it was cut from."""
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


def with_pieces(
    regions: Regions, borders: Borders, paints: dict[int, Paint], samples: Samples, colors: Floats, shading: Shading
) -> tuple[Regions, dict[int, Paint]]:
    """Regions and paints, smooth ones that their paint does not suit cut; `colors` has the flat color of each."""
    table, ids, pixels = tabled(paints, colors), regions.ids, samples.pixels
    soft = borders.steps <= shading.softest
    wanted = table.kinds != CONSTANT
    wanted[np.concatenate([borders.first[soft], borders.second[soft]])] = True
    wanted &= (regions.areas >= shading.pricing.fewest) & ~translucent_regions(colors, paints)
    if not wanted.any():
        return regions, paints
    calm = samples.flat(STEEPEST)
    over, axes, extents = left_over(ids, pixels, calm, wanted, table)
    wanted &= extents > shading.error
    if not wanted.any():
        return regions, paints
    shade, known = np.zeros(ids.shape, np.float32), np.zeros(ids.shape, np.bool_)
    project(ids, calm, wanted, over, axes, shade, known)
    grow(ids, wanted, shade, known)
    shade = blurred(ids, wanted, shade, shading.blur)
    pieces = cut_pieces(ids, wanted, shade, over, calm, shading.pricing)
    if pieces is None:
        return regions, paints
    cut, owners = without_scraps(pieces, regions, wanted, shade, shading.pricing.fewest)
    return Regions(cut.ids, cut.count, cut.areas, regions.labels[owners]), paints_of(
        cut, owners, wanted, paints, table, over, calm, pixels
    )


def without_scraps(pieces: Ids, regions: Regions, wanted: Mask, shade: Singles, fewest: int) -> tuple[Regions, Counts]:
    """Connected pieces, each of so many pixels, and the region each was cut from.

    A scrap joins the piece of its region beside it that is closest in shade.
    """
    labels, count = pieces.astype(np.int16), int(pieces.max()) + 1
    owners, places = np.empty(count, np.int64), np.zeros((count, 4))
    owners[pieces.ravel()] = regions.ids.ravel()
    places[:, 0] = owners * APART
    places[:, 1] = np.bincount(pieces.ravel(), shade.ravel(), count) / np.bincount(pieces.ravel())
    cut = find_regions(labels)
    areas = np.where(wanted[owners[cut.labels]], cut.areas, NEVER_A_SPECK)
    absorb_specks(cut.ids, labels, areas, cut.labels, places, fewest, APART / 2)
    cut = find_regions(labels)
    return cut, owners[cut.labels]


def paints_of(
    cut: Regions, owners: Counts, wanted: Mask, paints: dict[int, Paint], table: Table, over: Singles, calm: Mask,
    pixels: Pixels,
) -> dict[int, Paint]:  # fmt: skip
    """The paints of pieces, and those of all other regions as they were."""
    shifts, reach = np.zeros((cut.count, 5)), np.empty((cut.count, 2))
    sum_over(cut.ids, calm, over, shifts)
    measure_reach(cut.ids, owners, table.kinds, table.shapes, reach)
    shifts = shifts[:, :4] / np.maximum(shifts[:, 4:], 1)
    patches = sample_patches(cut, pixels, calm, flat_pixels(cut, calm), np.flatnonzero(wanted[owners]))
    out = dict[int, Paint]()
    for i, k in enumerate(owners.tolist()):
        if wanted[k]:
            out[i] = own_paint(patches[i], shifted(table, k, shifts[i], reach[i]))
        elif k in paints:
            out[i] = paints[k]
    return out


def own_paint(patch: Patch, paint: Paint) -> Paint:
    """The gradient that fits a piece best, or the paint it has if none is clearly better."""
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
