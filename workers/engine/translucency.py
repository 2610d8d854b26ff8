"""Areas that one sees through: what may lie under them, and what they are painted with.

Cut paper may be stacked as long as it is opaque. What shines through a translucent shape is part of the picture, so
such a shape lies on the page alone, before all opaque ones, which have a hole where it is. Two may be stacked after
all: an opaque shape with nothing but one translucent one around it lies on that; and so does a translucent one, if
some paint laid over the one around it gives its color (the "over" operator solved for the upper layer; Porter,
Duff 1984). So the steps of a shadow lie on each other and have no seams.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.labels import Labelled
from workers.engine.regions import ANY, Borders, Regions, absorb_specks, find_regions
from workers.engine.softness import Paint

OPAQUE = 250.0
"""Alpha, of 255, from which a color hides what lies under it: so little of that is left that nobody sees it."""

LEAST_LAYER = 2.5
"""An upper layer has at least so much alpha, of 255."""

MISSED = 1.5
"""By so many levels the color of two layers may miss the one wanted."""

FAINT = 2
"""A flat pixel with so much alpha, of 255, may be the end of a shadow; 1 may be rounding."""

CLEAR = 4.0
"""Palette colors with less alpha than this, of 255, are the page."""


SEAM_ENDS = 0.25
"""A seam meets what is not opaque, or the picture's edge, with no more than this part of its border, where it ends."""


def without_seams(regions: Regions, borders: Borders, labelled: Labelled) -> Regions:
    """Regions without the seams that renderers leave between opaque shapes with one edge; changes the labels in place.

    Each shape covers a part of the pixels there, and both together less than all, so the page shines through. Of one
    or two pixels between opaque colors that is no glass, but belongs to one side. Most seams are closed before
    (`is_seam`); these are two pixels wide, or meet others.
    """
    alpha = labelled.palette[regions.labels, 3]
    thin = (alpha < OPAQUE) & (alpha >= CLEAR)
    if not thin.any():
        return regions
    ids = regions.ids
    same = (ids[1:-1, 1:-1] == ids[:-2, 1:-1]) & (ids[1:-1, 1:-1] == ids[2:, 1:-1])
    same &= (ids[1:-1, 1:-1] == ids[1:-1, :-2]) & (ids[1:-1, 1:-1] == ids[1:-1, 2:])
    thin[ids[1:-1, 1:-1][same]] = False
    ends = np.bincount(np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]]), minlength=regions.count).astype(float)
    around = ends.copy()
    for one, other in ((borders.first, borders.second), (borders.second, borders.first)):
        around += np.bincount(one, borders.lengths, minlength=regions.count)
        ends += np.bincount(one, borders.lengths * (alpha[other] < OPAQUE), minlength=regions.count)
    seam = thin & (ends <= SEAM_ENDS * around) & (around > 0)
    if not seam.any():
        return regions
    areas = np.where(seam, 0, regions.areas)
    absorb_specks(ids, labelled.labels, areas, regions.labels, labelled.palette, 1, ANY)
    return find_regions(labelled.labels)


def with_faint(labelled: Labelled, page: Mask, pixels: Pixels, flat: Mask) -> Labelled:
    """Labels with one more, clear as those of the page, for what is nearly so: there shadows end.

    A gradient may go on to its end there; where none does, what has this label is the page after all.
    """
    faint = page[labelled.labels] & flat & (pixels[..., 3] >= FAINT)
    if not faint.any():
        return labelled
    labels = np.where(faint, np.int16(len(labelled.palette)), labelled.labels)
    return Labelled(labels, np.vstack([labelled.palette, np.zeros((1, 4))]))


def without_page(borders: Borders, page: NDArray[np.bool_]) -> Borders:
    """Borders of which those with the page are edges: however softly a color ends, none runs into it."""
    return replace(borders, steps=np.where(page[borders.first] | page[borders.second], np.inf, borders.steps))


def translucent_regions(colors: Floats, paints: Mapping[int, Paint]) -> NDArray[np.bool_]:
    """Which regions one sees through, by their premultiplied flat colors and, where they have one, their paints."""
    found = colors[:, 3] < OPAQUE
    for i, paint in paints.items():
        found[i] = paint.profile[:, 4].min() < OPAQUE
    return found


def layer_over(below: Floats, wanted: Floats) -> Floats | None:
    """What to lay over one premultiplied color so that another is seen; None if there is no such layer."""
    cover = 1 - (255 - wanted[3]) / max(1e-9, 255 - below[3])
    layer = wanted - (1 - cover) * below
    if layer[3] < LEAST_LAYER or (layer[:3] < -MISSED).any() or (layer[:3] > layer[3] + MISSED).any():
        return None
    return np.clip(layer, 0, layer[3])


def is_layer(region: int, below: int, colors: Floats, paints: Mapping[int, Paint]) -> bool:
    """Whether a translucent region may lie on another."""
    flat = region not in paints and below not in paints
    return flat and layer_over(colors[below], colors[region]) is not None


def layers(colors: Floats, parents: Sequence[int], translucent: NDArray[np.bool_]) -> Floats:
    """What to paint flat regions with: translucent ones that lie on others with what these leave to be added."""
    out = colors.copy()
    for i in np.flatnonzero(translucent).tolist():
        if parents[i] >= 0 and (layer := layer_over(colors[parents[i]], colors[i])) is not None:
            out[i] = layer
    return out


def lay_translucent(
    order: list[int],
    parents: list[int],
    borders: Borders,
    hidden: NDArray[np.bool_],
    translucent: NDArray[np.bool_],
    colors: Floats,
    paints: Mapping[int, Paint],
) -> list[int]:
    """The drawing order with translucent regions first; notes in `parents` which shapes lie on these.

    `order` and `parents` are those of the opaque regions, and of the others as if each lay on the page.
    """
    groups = list(range(len(parents)))
    for i in order:  # from the page upward, so that what a shape lies on is known
        groups[i] = groups[parents[i]] if parents[i] >= 0 else i
    touching: list[set[int]] = [set() for _ in parents]
    for a, b in zip(borders.first.tolist(), borders.second.tolist(), strict=True):
        if groups[a] != groups[b]:
            touching[groups[a]].add(groups[b])
            touching[groups[b]].add(groups[a])
    # What is opaque is drawn later and covers what lies under it, so nothing translucent is bounded by it.
    bounding = hidden | translucent
    around = [{j for j in near if bounding[j]} if translucent[i] else near.copy() for i, near in enumerate(touching)]
    waiting, lain = [i for i in order if groups[i] == i], list[int]()
    while waiting:
        i = waiting.pop()
        if parents[i] >= 0 or len(around[i]) != 1:
            continue
        (below,) = around[i]
        if hidden[below] or (translucent[i] and not is_layer(i, below, colors, paints)):
            continue
        parents[i] = below
        lain.append(i)
        for j in touching[i]:
            if i in around[j]:
                around[j] = around[j] - {i} | {below} - {j}
                waiting.append(j)
    upward = lain[::-1]  # what lies on something was laid before that was
    sheets = [i for i in order if translucent[i] and parents[i] < 0] + [i for i in upward if translucent[i]]
    return sheets + [i for i in order if not translucent[i]]
