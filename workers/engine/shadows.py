"""Shadows and glows that no gradient can follow: one color, with an alpha that fades along an outline.

They are cut at equal distances of alpha (isophotes). Each band lies on the next fainter one and adds what that lacks,
so that there are no seams between them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fields import Singles, blurred, grow
from workers.engine.flatness import Mask
from workers.engine.kernels import kernel
from workers.engine.labels import Labelled
from workers.engine.regions import ANY, Borders, Ids, Regions, absorb_specks, find_regions
from workers.engine.samples import Samples
from workers.engine.shading import NEVER_A_SPECK, STEEPEST
from workers.engine.softness import Paint
from workers.engine.translucency import translucent_regions

SOFTEST = 14.0
"""Translucent regions with a smaller mean step between them, in levels, are parts of one shadow."""

STEP = 8.0
"""Levels of alpha from band to band: less is seen by nobody, and each band is a path."""

ONE_COLOR = 4.0
"""Root of the mean squared error, in levels, by which a shadow of one color may be off it."""

BLUR = 2.0
FEWEST = 24
"""Pixels of a Gaussian under which the alpha is cut, and of the smallest band."""

MOST_LEVELS = 20
MOST_BANDS = 30_000
"""More are no shadows but noise, and stay as they are."""


@dataclass(frozen=True, slots=True)
class Faded:
    """Regions, the paints of those that are not flat, and the labels of pixels, with a color for each."""

    regions: Regions
    paints: dict[int, Paint]
    labelled: Labelled


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


def cut_shadows(faded: Faded, borders: Borders, page: NDArray[np.bool_], samples: Samples) -> Faded:
    """The same with shadows cut into bands where more than one region makes up one; `page` tells labels of the page."""
    regions, paints = faded.regions, faded.paints
    fading = translucent_regions(faded.labelled.palette[regions.labels], paints) & ~page[regions.labels]
    soft = (borders.steps <= SOFTEST) & fading[borders.first] & fading[borders.second]
    if not soft.any():
        return faded
    joined = joined_regions(regions.count, borders.first[soft], borders.second[soft])
    ids = joined[regions.ids]
    wanted = np.bincount(joined, minlength=regions.count) > 1
    pixels, calm = samples.pixels, samples.flat(STEEPEST)
    tints = tints_of(ids, wanted, calm, pixels)
    wanted &= ~np.isnan(tints[:, 0])
    if not wanted.any():
        return faded
    field, known = pixels[..., 3].astype(np.float32) - 128, wanted[ids] & calm
    grow(ids, wanted, field, known)
    field = blurred(ids, wanted, field, BLUR)
    bands = np.empty_like(ids)
    number_bands(ids, wanted, field, STEP, bands)
    return banded(faded, ids, bands, wanted, tints, field)


def joined_regions(count: int, first: NDArray[np.int64], second: NDArray[np.int64]) -> Ids:
    """For every region the lowest number among those that it hangs together with by these pairs."""
    names = np.arange(count)
    while True:
        lowest = np.minimum(names[first], names[second])
        lower = names.copy()
        np.minimum.at(lower, names[first], lowest)
        np.minimum.at(lower, names[second], lowest)
        lower = lower[lower]
        if (lower == names).all():
            return names.astype(np.int32)
        names = lower


def tints_of(ids: Ids, wanted: Mask, calm: Mask, pixels: Pixels) -> Floats:
    """The color of every wanted region at full alpha, channels 0 to 1; not a number where it has more than one."""
    inside = calm & wanted[ids]
    owners, samples = ids[inside], pixels[inside].astype(np.float64)
    alpha, count = samples[:, 3], len(wanted)
    shares = np.column_stack([np.bincount(owners, samples[:, c] * alpha, minlength=count) for c in range(3)])
    squares = np.column_stack([np.bincount(owners, samples[:, c] ** 2, minlength=count) for c in range(3)])
    weights = np.bincount(owners, alpha**2, minlength=count)[:, None]
    tints = shares / np.maximum(weights, 1.0)
    left_over = (squares - 2 * tints * shares + tints**2 * weights).sum(1)
    one = wanted & (left_over <= 3 * ONE_COLOR**2 * np.bincount(owners, minlength=count)) & (weights[:, 0] > 0)
    return np.where(one[:, None], np.minimum(tints, 1.0), np.nan)


def banded(faded: Faded, ids: Ids, bands: Ids, wanted: Mask, tints: Floats, field: NDArray[np.float32]) -> Faded:
    """Every band as a region of its own, with its shadow's color at its mean alpha."""
    regions, labelled = faded.regions, faded.labelled
    inside, kept = wanted[ids], len(labelled.palette)
    names, places = np.unique(bands[inside], return_inverse=True)
    alpha = np.bincount(places, field[inside]) / np.bincount(places) + 128
    tones = np.column_stack([tints[names // (2 * MOST_LEVELS + 1)] * alpha[:, None], alpha])
    marks = regions.ids.copy()
    marks[inside] = regions.count + places
    if regions.count + len(names) > MOST_BANDS:
        return faded
    colors = np.vstack([labelled.palette[regions.labels], tones])
    marks = marks.astype(np.int16)
    cut = find_regions(marks)
    areas = np.where(cut.labels >= regions.count, cut.areas, NEVER_A_SPECK)
    absorb_specks(cut.ids, marks, areas, cut.labels, colors, FEWEST, ANY)
    cut = find_regions(marks)
    labels, band = labelled.labels.copy(), marks >= regions.count
    labels[band] = marks[band] - regions.count + kept
    own = np.concatenate([regions.labels, kept + np.arange(len(names))]).astype(np.int16)
    paints = {i: faded.paints[k] for i, k in enumerate(cut.labels.tolist()) if k in faded.paints}
    palette = np.vstack([labelled.palette, tones])
    return Faded(Regions(cut.ids, cut.count, cut.areas, own[cut.labels]), paints, Labelled(labels, palette))
