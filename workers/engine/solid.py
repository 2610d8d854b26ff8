"""Gradients that are opaque: at the edge of what is drawn the pixels are part page, and that is no glass.

A gradient is fitted to all pixels of its regions, those at the edge included, and may so run into the page. Drawn like
that it would be seen through: it could neither lie on its neighbors nor they on it, and where two curves do not quite
meet, the page would show. What is clear itself shows it away from the edge too.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import NEARLY, Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.regions import Ids
from workers.engine.softness import Paint
from workers.engine.translucency import OPAQUE

STRAYS = 0.02
"""This part of an opaque region's pixels, away from the page, may be less than opaque: renderers leave such seams."""

GLASS = 0.5
"""A region with less than this part of its pixels opaque is glass: what touches it has edges there, too."""


def with_solid_paints(paints: dict[int, Paint], ids: Ids, page: NDArray[np.bool_], pixels: Pixels) -> dict[int, Paint]:
    """The paints of regions, opaque where all pixels of a region are that do not touch the page or glass.

    `page` tells regions that are clear, `pixels` are premultiplied (height, width, 4). Glass are regions most of whose
    pixels one sees through.
    """
    clear = [i for i, paint in paints.items() if paint.profile[:, 4].min() < OPAQUE]
    if not clear:
        return paints
    inside, clean = np.zeros(len(page), np.bool_), pixels[..., 3] >= OPAQUE
    inside[clear] = True
    glass = np.bincount(ids[clean], minlength=len(page)) < GLASS * np.bincount(ids.ravel(), minlength=len(page))
    away = inside[ids] & ~beside((page | glass)[ids])
    found = np.bincount(ids[away], minlength=len(page))
    strays = np.bincount(ids[away & ~clean], minlength=len(page))
    solid = [i for i in clear if (strays[i] <= STRAYS * found[i] if found[i] else is_nearly(paints[i]))]
    return paints | {i: replace(paints[i], profile=opaque_profile(paints[i].profile)) for i in solid}


def is_nearly(paint: Paint) -> bool:
    """Whether a paint is nearly opaque throughout: a region that is nothing but edge may be so."""
    return bool(paint.profile[:, 4].min() >= NEARLY)


def beside(mask: Mask) -> Mask:
    """Where a pixel or one of the eight around it is true."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    out = wide.copy()
    out[:, 1:] |= wide[:, :-1]
    out[:, :-1] |= wide[:, 1:]
    return out


def opaque_profile(profile: Floats) -> Floats:
    """The profile of a paint with the colors that it has where it is opaque; RGBA, premultiplied, from column 1."""
    colors = profile[:, 1:] * (255 / np.maximum(profile[:, 4:], 1.0))
    return np.column_stack([profile[:, :1], np.clip(colors, 0, 255)])
