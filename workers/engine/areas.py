"""From labels to areas: connected regions, each in its own color, and smooth ones joined under one gradient."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.flatness import Mask
from workers.engine.labels import Labelled
from workers.engine.planes import merge_even
from workers.engine.recipe import Recipe
from workers.engine.regions import Borders, Regions, find_borders, without_specks
from workers.engine.repaint import with_own_colors
from workers.engine.samples import Samples
from workers.engine.segmentation import Segmentation, segmented
from workers.engine.shading import Shading, with_pieces
from workers.engine.shadows import Faded, cut_shadows
from workers.engine.softness import Paint, Softness, merge_soft
from workers.engine.solid import with_solid_paints
from workers.engine.translucency import CLEAR, with_faint, without_page, without_seams

MOST_REGIONS = 12_000
"""More regions than this are noise: ever larger ones are absorbed until fewer are left."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Regions with their borders, the labels and palette that tell their colors, and the paints of those not flat.

    `coarse` says that regions had to be left out, for there were too many.
    """

    regions: Regions
    borders: Borders
    labelled: Labelled
    paints: dict[int, Paint]
    coarse: bool

    def clear(self) -> NDArray[np.bool_]:
        """Which regions are the page: clear, and not the end of a gradient."""
        clear = self.labelled.palette[self.regions.labels, 3] < CLEAR
        clear[list(self.paints)] = False
        return clear


def areas_of(samples: Samples, labelled: Labelled, recipe: Recipe) -> Areas:
    """The areas of a labelled picture."""
    pixels, flat = samples.pixels, samples.flat(recipe.flat)
    page = np.append(labelled.palette[:, 3] < CLEAR, False)
    if recipe.softness is not None and page.any():
        labelled = with_faint(labelled, page, pixels, flat)
    regions, coarse = bounded_regions(labelled, recipe.smallest_region)
    if not samples.opaque:
        regions = without_seams(regions, find_borders(regions, pixels), labelled)
    if recipe.repainting:
        regions, labelled = with_own_colors(regions, labelled, pixels, flat, recipe.repainting)
        page = np.append(page, np.zeros(len(labelled.palette), np.bool_))
    areas = Areas(regions, find_borders(regions, pixels), labelled, {}, coarse)
    if recipe.softness is None:
        return areas
    areas = with_gradients(areas, samples, flat, recipe.softness, page)
    if recipe.shading:
        areas = shaded(areas, samples, recipe.shading)
    if not page.any():
        return areas
    return replace(areas, paints=with_solid_paints(areas.paints, areas.regions.ids, areas.clear(), pixels))


def with_gradients(areas: Areas, samples: Samples, flat: Mask, softness: Softness, page: Mask) -> Areas:
    """Soft regions joined, and shadows cut; `page` tells labels of the page."""
    regions, labelled, pixels, soft = areas.regions, areas.labelled, samples.pixels, areas.borders
    if page.any():
        soft = without_page(soft, page[regions.labels])
    paints, borders = dict[int, Paint](), areas.borders
    into, merged = merge_soft(regions, soft, pixels, flat, softness)
    if merged:
        regions, paints = renumbered(regions, into, merged)
        borders = find_borders(regions, pixels)
    if page.any():
        faded = cut_shadows(Faded(regions, paints, labelled), borders, page, samples)
        if faded.regions is not regions:
            regions, paints, labelled = faded.regions, faded.paints, faded.labelled
            borders = find_borders(regions, pixels)
    return replace(areas, regions=regions, borders=borders, labelled=labelled, paints=paints)


def shaded(areas: Areas, samples: Samples, shading: Shading) -> Areas:
    """Areas whose shading no one gradient follows, cut into pieces."""
    colors = areas.labelled.palette[areas.regions.labels]
    regions, paints = with_pieces(areas.regions, areas.borders, areas.paints, samples, colors, shading)
    return replace(areas, regions=regions, borders=find_borders(regions, samples.pixels), paints=paints)


def segments_of(samples: Samples, recipe: Recipe, segmentation: Segmentation) -> Areas:
    """The areas of a photo: regions by what they cost, each in a color or gradient of its own."""
    pixels = samples.pixels
    segments = segmented(pixels, segmentation.price, recipe.smallest_region, MOST_REGIONS)
    ids, colors, paints = segments.ids, segments.colors, dict[int, Paint]()
    if segmentation.gradient is not None:
        ids, colors, paints = merge_even(segments, pixels, segmentation.price, segmentation.gradient)
    # Edges are found between the colors near them, so regions that were merged keep theirs in the labels.
    count, near = len(colors), len(segments.colors)
    labelled = Labelled(segments.ids.astype(np.int16), np.vstack([segments.colors, colors]))
    areas = np.bincount(ids.ravel(), minlength=count).astype(np.int64)
    regions = Regions(ids, count, areas, np.arange(near, near + count, dtype=np.int16))
    return Areas(regions, find_borders(regions, pixels), labelled, paints, segments.coarse)


def bounded_regions(labelled: Labelled, smallest: int) -> tuple[Regions, bool]:
    """Regions without specks; ever larger specks go until the regions are few enough. Says if that was needed."""
    regions = without_specks(labelled.labels, labelled.palette, smallest)
    coarse = regions.count > MOST_REGIONS
    while regions.count > MOST_REGIONS:
        smallest = max(2 * smallest, 4)
        regions = without_specks(labelled.labels, labelled.palette, smallest)
    return regions, coarse


def renumbered(regions: Regions, into: NDArray[np.int64], merged: dict[int, Paint]) -> tuple[Regions, dict[int, Paint]]:
    """Regions after merging, numbered without holes."""
    kept, numbers = np.unique(into, return_inverse=True)
    ids = np.ascontiguousarray(numbers.astype(np.int32)[regions.ids])
    areas = np.bincount(numbers, regions.areas, minlength=len(kept)).astype(np.int64)
    paints = {int(numbers[i]): paint for i, paint in merged.items()}
    return replace(regions, ids=ids, count=len(kept), areas=areas, labels=regions.labels[kept]), paints
