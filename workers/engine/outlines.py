"""The outlines of shapes as walks along the cracks between pixels (crack following; Rosenfeld, Kak 1976)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.regions import Ids
from workers.engine.stacking import Stack

Lattice = NDArray[np.int32]
Starts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outline:
    """All closed walks around one shape: lattice points, one for each pixel side, the shape on the right.

    Walk k has the points from starts[k] to starts[k + 1].
    """

    region: int
    points: Lattice
    starts: Starts

    @property
    def rings(self) -> list[Lattice]:
        """The walks one by one."""
        ends = self.starts.tolist()
        return [self.points[first:last] for first, last in pairwise(ends)]


@kernel
def wrapped(i: int, n: int) -> int:
    """An index into a ring of n points that runs over an end by n at most; a division takes several times as long."""
    return i - n if i >= n else i + n if i < 0 else i


@allocating_kernel
def find_tops(numbers: Ids) -> tuple[Ids, Starts]:
    """The columns of the pixels that are not like the one above them, row by row, and where each row begins."""
    height, width = numbers.shape
    starts = np.zeros(height + 1, np.int64)
    for y in range(height):
        starts[y + 1] = starts[y]
        for x in range(width):
            starts[y + 1] += y == 0 or numbers[y, x] != numbers[y - 1, x]
    columns, found = np.empty(starts[height], np.int32), 0
    for y in range(height):
        for x in range(width):
            if y == 0 or numbers[y, x] != numbers[y - 1, x]:
                columns[found] = x
                found += 1
    return columns, starts


@kernel
def first_from(columns: Ids, low: int, high: int, least: int) -> int:
    """The first place from `low` on, or `high`, with a column of at least `least`, by bisection."""
    while low < high:
        middle = (low + high) // 2
        if columns[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def walk_outlines(
    numbers: Ids, low: int, high: int, box: Ids, columns: Ids, rows: Starts, seen: Mask, points: Lattice,
    starts: Starts,
) -> int:  # fmt: skip
    """Walk around every part and hole of {low <= number < high} in the box; give the number of walks.

    Every walk has a top, so that none is looked for elsewhere. `seen` is false everywhere before and after.
    """
    height, width = numbers.shape
    used = rings = 0
    for y in range(box[1], box[3] + 1):
        for top in range(first_from(columns, rows[y], rows[y + 1], box[0]), rows[y + 1]):
            x = int(columns[top])
            if x > box[2]:
                break
            if not low <= numbers[y, x] < high or (y > 0 and low <= numbers[y - 1, x] < high) or seen[y, x]:
                continue
            starts[rings] = used
            rings += 1
            at_x, at_y, dx, dy = x, y, 1, 0
            while True:
                if dx == 1:
                    if seen[at_y, at_x]:
                        break
                    seen[at_y, at_x] = True
                points[used, 0] = at_x
                points[used, 1] = at_y
                used += 1
                at_x += dx
                at_y += dy
                right_y, right_x = at_y - (dy < 0 or dx < 0), at_x - (dx < 0 or dy > 0)
                left_y, left_x = at_y - (dx > 0 or dy < 0), at_x - (dx < 0 or dy < 0)
                right = 0 <= right_y < height and 0 <= right_x < width and low <= numbers[right_y, right_x] < high
                left = 0 <= left_y < height and 0 <= left_x < width and low <= numbers[left_y, left_x] < high
                if not right:
                    dx, dy = -dy, dx
                elif left:
                    dx, dy = dy, -dx
    starts[rings] = used
    for k in range(used):
        seen[points[k, 1], points[k, 0]] = False
    return rings


def outline_shapes(stack: Stack, *, alone: bool = False) -> Iterator[Outline]:
    """The outline of every shape, in drawing order; `alone` leaves out what lies on it."""
    height, width = stack.numbers.shape
    columns, rows = find_tops(stack.numbers)
    seen = np.zeros((height + 1, width + 1), np.bool_)
    points, starts = np.empty((4 * height * width + 8, 2), np.int32), np.empty(height * width + 2, np.int64)
    for i in stack.order:
        low = int(stack.first[i])
        high = low + 1 if alone else int(stack.end[i])
        rings = walk_outlines(stack.numbers, low, high, stack.boxes[i], columns, rows, seen, points, starts)
        yield Outline(i, points[: starts[rings]].copy(), starts[: rings + 1].copy())
