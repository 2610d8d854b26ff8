"""The background: the color that meets most of the page's edge, in all its regions that touch the edge."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.regions import Regions

LEAST_SHARE = 0.4
"""A color must hold this much of the page's edge to be its background."""


def background_regions(regions: Regions) -> NDArray[np.intp]:
    """Numbers of the regions that make up the background; none if no color rules the page's edge."""
    ids = regions.ids
    edge = np.concatenate([ids[0], ids[-1], ids[:, 0], ids[:, -1]])
    labels = regions.labels[edge]
    counts = np.bincount(labels)
    ruler = int(counts.argmax())
    if counts[ruler] < LEAST_SHARE * len(edge):
        return np.empty(0, np.intp)
    return np.unique(edge[labels == ruler]).astype(np.intp)
