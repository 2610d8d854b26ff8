"""One shape of a small label map walked around and placed, as the engine does for every shape of a drawing."""

import numpy as np

from workers.engine.color import Floats
from workers.engine.flatness import Mask
from workers.engine.outlines import Lattice, find_tops, walk_outlines
from workers.engine.regions import Ids
from workers.engine.ring import place_ring


def placed(
    inside: Mask, ids: Ids, ranks: Ids, rank: int, palette: Floats, soft_step: float = 0.0
) -> tuple[Lattice, Floats]:
    """Where the cracks of a shape's only outline begin, and its points and leeway: rows of seven as of `place_ring`.

    Each region is one label, and every pixel has exactly its color.
    """
    height, width = ids.shape
    shape, labels = inside.astype(np.int32), ids.astype(np.int16)
    points, starts = np.empty((4 * height * width, 2), np.int32), np.empty(8, np.int64)
    seen, box = np.zeros((height + 1, width + 1), np.bool_), np.array([0, 0, width - 1, height - 1], np.int32)
    assert 1 == walk_outlines(shape, 1, 2, box, *find_tops(shape), seen, points, starts)
    walk = points[: starts[1]].copy()
    ring, cracks = np.empty((len(walk), 7)), np.empty(len(walk), np.int32)
    n = place_ring(walk, palette[labels].astype(np.uint8), palette, labels, ids, ranks, rank, soft_step, ring, cracks)
    return walk[cracks[:n]], ring[:n]
