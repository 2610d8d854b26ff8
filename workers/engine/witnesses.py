"""What a paint must meet everywhere: the mean colors of a region in the cells of a grid.

An average error over a whole area says little about its parts: a large flat page outvotes what stands on it. So the
picture is cut into about a thousand square cells, and of every region each cell that it fills to some extent bears
witness: a paint that is to cover the region must have nearly the color there that the picture has.
"""

from dataclasses import dataclass

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.gradients import painted
from workers.engine.kernels import allocating_kernel
from workers.engine.regions import Ids
from workers.engine.tally import Counts

CELLS = 1024
"""About so many cells a picture has: at 512 by 512 pixels each is 16 pixels wide, at twice 128 it is 8."""

FEWEST = 12
"""A region with fewer pixels in a cell is not heard there."""

MOST = 400
"""Of a patch no more than so many cells are asked, those with the most pixels."""

EVEN_SHARE, EVEN_CELLS = 0.5, 4
"""A region of so many cells is flat if this part of its pixels lies in cells whose means are all but the same. In flat
areas of JPEG files it was .55 to .99 within a level, however their rims vary; in bands of gradients below .25."""

FLAT_LIMIT, SOFT_LIMIT, MOST_MISSED = 2.5, 10.0, 0.5
"""By how many levels a paint may miss the mean of a cell: never more than the first where the region is flat; more than
the second in at most this part of any region. Measured on 20 drawings of gradients: with a limit of 6 in every cell the
bands that stay apart are ragged (edge F1 91.6, segments .95 of vtracer's), with these it is 93.8 and .65."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Cells in order of their regions: x, y, four channels, number of pixels, limit in levels, and the region.

    `ends` has for each region where its cells end, `even` whether they show it to be flat.
    """

    cells: Floats
    ends: Counts
    even: Mask

    def of(self, region: int) -> Floats:
        """The cells of one region."""
        return self.cells[self.ends[region - 1] if region else 0 : self.ends[region]]


@allocating_kernel
def tally_cells(
    ids: Ids, pixels: Pixels, flat: Mask, inner: Mask, wanted: Mask, side: int, owners: Counts, cells: Floats
) -> int:
    """Mean place and color of every wanted region in every cell, of its flat pixels only where `inner`; how many."""
    height, width = ids.shape
    rows = np.full(len(wanted), -1, np.int64)
    made = 0
    for top in range(0, height, side):
        for left in range(0, width, side):
            fresh = made
            for y in range(top, min(height, top + side)):
                for x in range(left, min(width, left + side)):
                    i = ids[y, x]
                    if not wanted[i] or (inner[i] and not flat[y, x]):
                        continue
                    if rows[i] < 0:
                        rows[i] = fresh
                        owners[fresh] = i
                        cells[fresh] = 0
                        cells[fresh, 8] = i
                        fresh += 1
                    row = rows[i]
                    cells[row, 0] += x + 0.5
                    cells[row, 1] += y + 0.5
                    for c in range(4):
                        cells[row, 2 + c] += pixels[y, x, c]
                    cells[row, 6] += 1
            first = made
            for row in range(first, fresh):
                rows[owners[row]] = -1
                if cells[row, 6] >= FEWEST:
                    owners[made], cells[made] = owners[row], cells[row]
                    for k in range(6):
                        cells[made, k] /= cells[made, 6]
                    made += 1
    return made


@allocating_kernel
def judge(cells: Floats, ends: Counts, even: Mask, near: float) -> None:
    """Find the regions that are flat, with cells `near` levels from the middle one, and set the limits of all cells."""
    start, middle = 0, np.empty(4)
    for i in range(len(ends)):
        own = cells[start : ends[i]]
        start = ends[i]
        n, same, total = len(own), 0.0, 0.0
        own[:, 7] = SOFT_LIMIT
        if n < EVEN_CELLS:
            continue
        for c in range(4):
            middle[c] = np.sort(own[:, 2 + c])[n // 2]
        for k in range(n):
            total += own[k, 6]
            if np.abs(own[k, 2:6] - middle).max() <= near:
                same += own[k, 6]
                own[k, 7] = FLAT_LIMIT
        even[i] = same >= EVEN_SHARE * total
        if not even[i]:
            own[:, 7] = SOFT_LIMIT


@allocating_kernel
def holds(cells: Floats, kind: int, shape: Floats, profile: Floats, bins: int) -> bool:
    """Whether a paint meets all flat cells, and enough of every region; cells of a region follow each other."""
    color = np.empty(4)
    region, missed, total = -1.0, 0.0, 0.0
    for k in range(len(cells)):
        if cells[k, 8] != region:
            if missed > MOST_MISSED * total:
                return False
            region, missed, total = cells[k, 8], 0.0, 0.0
        painted(kind, shape, profile, bins, cells[k, 0], cells[k, 1], color)
        off = 0.0
        for c in range(4):
            off = max(off, abs(color[c] - cells[k, 2 + c]))
        if off > cells[k, 7]:
            if cells[k, 7] == FLAT_LIMIT:
                return False
            missed += cells[k, 6]
        total += cells[k, 6]
    return missed <= MOST_MISSED * total


def call_witnesses(ids: Ids, pixels: Pixels, flat: Mask, inner: Mask, wanted: Mask, near: float) -> Witnesses:
    """The cells of all wanted regions; where `inner`, of flat pixels only. `near` is what a flat one may vary by."""
    side = max(4, round((ids.size / CELLS) ** 0.5))
    most = ids.size // FEWEST + side * side
    owners, cells = np.empty(most, np.int64), np.empty((most, 9))
    made = tally_cells(ids, pixels, flat, inner, wanted, side, owners, cells)
    order = np.argsort(owners[:made], kind="stable")
    cells = cells[order]
    ends, even = np.searchsorted(owners[order], np.arange(len(wanted)), "right"), np.zeros(len(wanted), np.bool_)
    judge(cells, ends, even, near)
    return Witnesses(cells, ends, even)


def together(first: Floats, second: Floats) -> Floats:
    """Cells of both, or those with the most pixels."""
    cells = np.concatenate([first, second])
    if len(cells) > MOST:
        cells = cells[np.sort(np.argsort(-cells[:, 6], kind="stable")[:MOST])]
    return cells
