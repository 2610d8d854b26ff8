"""Which borders are edges: where color jumps, however blurred, and not only goes on changing.

Three differences over five pixels each are taken on a line across a border: from two pixels before it to three behind,
and the next on both sides, which lie within the two regions. On a slope all three are alike, even where it becomes
steeper. At an edge, the one across is larger than the mean of the others by the height of the edge.
"""

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel
from workers.engine.regions import Borders, Ids, Regions
from workers.engine.tally import Counts

NEAR, FAR = 2, 7
"""Between so many pixels from the border color goes on as it does within a region."""

HIGHEST, FEWEST = 4.0, 16
"""A border is an edge if the mean jump of a channel at so many places or more is higher, in levels. In a noisy
photograph of flat hills and waves under a fading sky, edges had 6 to 116 and borders within the sky at most 1."""


@kernel
def sum_jumps(ids: Ids, pixels: Pixels, pairs: Counts, count: int, sums: Floats) -> None:
    """Sum the jumps of all channels across the borders of the pairs, and count them.

    `pairs` has the numbers first × count + second in ascending order, not all that touch; `sums` has a row for each.
    """
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            here = int(ids[y, x])
            for down in range(2):
                dy, dx = down, 1 - down
                if y + dy >= height or x + dx >= width or ids[y + dy, x + dx] == here:
                    continue
                top, left = y - FAR * dy, x - FAR * dx
                bottom, right = y + (FAR + 1) * dy, x + (FAR + 1) * dx
                if top < 0 or left < 0 or bottom >= height or right >= width:
                    continue
                there = int(ids[y + dy, x + dx])
                y1, x1, y2, x2 = y - NEAR * dy, x - NEAR * dx, y + (NEAR + 1) * dy, x + (NEAR + 1) * dx
                if ids[top, left] != here or ids[y1, x1] != here or ids[y2, x2] != there or ids[bottom, right] != there:
                    continue
                key = min(here, there) * count + max(here, there)
                at = np.searchsorted(pairs, key)
                if at == len(pairs) or pairs[at] != key:
                    continue
                way = 1.0 if here < there else -1.0
                for c in range(4):
                    across = 1.5 * (float(pixels[y2, x2, c]) - float(pixels[y1, x1, c]))
                    whole = 0.5 * (float(pixels[bottom, right, c]) - float(pixels[top, left, c]))
                    sums[at, c] += way * (across - whole)
                sums[at, 4] += 1


def edges_among(regions: Regions, borders: Borders, pixels: Pixels) -> list[tuple[int, int]]:
    """Those of the pairs of touching regions between which an edge runs."""
    sums = np.zeros((len(borders.first), 5))
    sum_jumps(regions.ids, pixels, borders.first * regions.count + borders.second, regions.count, sums)
    jumps = np.abs(sums[:, :4]).max(1, initial=0) / np.maximum(sums[:, 4], 1)
    edges = (jumps > HIGHEST) & (sums[:, 4] >= FEWEST)
    return list(zip(borders.first[edges].tolist(), borders.second[edges].tolist(), strict=True))
