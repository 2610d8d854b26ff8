"""The background: the color that meets most of the page's edge, in all its regions that touch the edge."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.regions import Regions

LEAST_SHARE = 0.4
"""A color must hold this much of the page's edge to be its background."""


LIKE = 24.0
"""Where every region has a color of its own, those that differ by at most so many levels in any channel are one."""


def background_regions(regions: Regions, palette: Floats | None = None) -> NDArray[np.intp]:
    """Numbers of the regions that make up the background; none if no color rules the page's edge.

    With a palette, labels of like colors count as one.
    """
    ids = regions.ids
    edge = np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]])
    labels = regions.labels[edge]
    ruler = int(np.bincount(labels).argmax())
    rules = labels == ruler
    if palette is not None:
        rules = np.abs(palette[labels] - palette[ruler]).max(1) <= LIKE
    if rules.sum() < LEAST_SHARE * len(edge):
        return np.empty(0, np.intp)
    return np.unique(edge[rules]).astype(np.intp)
