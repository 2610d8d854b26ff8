"""Where two paints clash: the drawing would show an edge that the picture does not have."""

from dataclasses import dataclass

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.gradients import BINS, painted
from workers.engine.kernels import kernel
from workers.engine.regions import Ids, Regions
from workers.engine.softness import Paint
from workers.engine.tally import Counts, means_by_key

SHORTEST = 5
"""A border of fewer pixels cannot clash."""


@dataclass(frozen=True, slots=True)
class Table:
    """The paints of all regions as arrays that kernels can read."""

    kinds: Counts
    shapes: Floats
    profiles: Floats
    bins: Counts


def tabled(paints: dict[int, Paint], colors: Floats) -> Table:
    """Paints of all regions; `colors` has the flat color of each."""
    count = len(colors)
    table = Table(np.zeros(count, np.int64), np.zeros((count, 6)), np.zeros((count, BINS, 5)), np.ones(count, np.int64))
    table.profiles[:, 0, 1:] = colors
    for i, paint in paints.items():
        used = len(paint.profile)
        table.kinds[i], table.shapes[i], table.bins[i] = paint.kind, paint.shape, used
        table.profiles[i, :used] = paint.profile
    return table


@kernel
def mark_clashes(
    ids: Ids,
    pixels: Pixels,
    kinds: Counts,
    shapes: Floats,
    profiles: Floats,
    bins: Counts,
    keys: Counts,
    excess: Floats,
) -> int:
    """At every side between pixels of two regions note both, and by how much the painted step is the larger."""
    height, width = ids.shape
    count = len(kinds)
    a, b = np.empty(4), np.empty(4)
    found = 0
    for y in range(height):
        for x in range(width):
            here = int(ids[y, x])
            for down in range(2):
                ny, nx = y + down, x + 1 - down
                if ny >= height or nx >= width or ids[ny, nx] == here:
                    continue
                there = int(ids[ny, nx])
                step = drawn = 0.0
                mx, my = (x + nx + 1) / 2, (y + ny + 1) / 2
                painted(kinds[here], shapes[here], profiles[here], bins[here], mx, my, a)
                painted(kinds[there], shapes[there], profiles[there], bins[there], mx, my, b)
                for c in range(4):
                    step = max(step, abs(float(pixels[y, x, c]) - float(pixels[ny, nx, c])))
                    drawn = max(drawn, abs(a[c] - b[c]))
                keys[found] = min(here, there) * count + max(here, there)
                excess[found] = drawn - step
                found += 1
    return found


def clashing(regions: Regions, pixels: Pixels, table: Table, soft: Counts, most: float) -> Counts:
    """Regions whose paint clashes with a neighbor's across a soft border, given as keys first × count + second."""
    keys, excess = np.empty(2 * regions.ids.size, np.int64), np.empty(2 * regions.ids.size)
    found = mark_clashes(regions.ids, pixels, table.kinds, table.shapes, table.profiles, table.bins, keys, excess)
    pairs, lengths, means = means_by_key(keys, excess, found)
    bad = pairs[(means > most) & (lengths >= SHORTEST) & np.isin(pairs, soft)]
    return np.unique(np.concatenate([bad // regions.count, bad % regions.count]))
