"""What the paints of regions leave over: the difference between the picture and its paints, pixel by pixel."""

from dataclasses import dataclass

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.fields import Singles
from workers.engine.flatness import Mask
from workers.engine.gradients import BINS, painted
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids
from workers.engine.softness import Paint
from workers.engine.tally import Counts


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


@allocating_kernel
def measure(
    ids: Ids, pixels: Pixels, calm: Mask, wanted: Mask, kinds: Counts, shapes: Floats, profiles: Floats, bins: Counts,
    over: Singles, moments: Floats,
) -> None:  # fmt: skip
    """What the paints of the wanted regions leave over at calm pixels, and for each region the sums of its products."""
    measure_with(np.empty(4), ids, pixels, calm, wanted, kinds, shapes, profiles, bins, over, moments)


@kernel
def measure_with(
    color: Floats, ids: Ids, pixels: Pixels, calm: Mask, wanted: Mask, kinds: Counts, shapes: Floats, profiles: Floats,
    bins: Counts, over: Singles, moments: Floats,
) -> None:  # fmt: skip
    """`measure` in a room for one color."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            i = int(ids[y, x])
            if not wanted[i] or not calm[y, x]:
                continue
            painted(kinds[i], shapes[i], profiles[i], bins[i], x + 0.5, y + 0.5, color)
            for c in range(4):
                over[y, x, c] = pixels[y, x, c] - color[c]
            moments[i, 4, 4] += 1
            for c in range(4):
                moments[i, 4, c] += over[y, x, c]
                for d in range(4):
                    moments[i, c, d] += over[y, x, c] * over[y, x, d]


@kernel
def project(ids: Ids, calm: Mask, wanted: Mask, over: Singles, axes: Floats, field: Singles, known: Mask) -> None:
    """The difference along each region's main axis."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            i = int(ids[y, x])
            if wanted[i] and calm[y, x]:
                total = 0.0
                for c in range(4):
                    total += over[y, x, c] * axes[i, c]
                field[y, x] = total
                known[y, x] = True


def left_over(ids: Ids, pixels: Pixels, calm: Mask, wanted: Mask, table: Table) -> tuple[Singles, Floats, Floats]:
    """The difference at the calm pixels of wanted regions, and of each region its main axis and its extent along it.

    The axis is a direction among the four channels, the extent the root of the mean squared difference in levels.
    """
    count = len(wanted)
    over, moments = np.zeros((*ids.shape, 4), np.float32), np.zeros((count, 5, 5))
    measure(ids, pixels, calm, wanted, table.kinds, table.shapes, table.profiles, table.bins, over, moments)
    counts = np.maximum(moments[:, 4, 4], 1)
    spread, axes = np.linalg.eigh(moments[:, :4, :4] / counts[:, None, None])
    return over, np.ascontiguousarray(axes[:, :, -1]), np.sqrt(np.maximum(0, spread[:, -1]))
