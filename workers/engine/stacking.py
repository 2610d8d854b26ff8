"""Which shape lies on which: shapes are stacked like cut paper, so that no page shows between neighbors.

The smallest region is merged into the neighbor with which it shares most border, again and again; drawing in the
reverse order puts it on top. Each shape is its own region and all that lie on it. Numbered depth first, a shape
is one range of numbers, so that a single walker can outline any of them.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.kernels import kernel
from workers.engine.regions import Borders, Ids, Regions
from workers.engine.softness import Paint
from workers.engine.translucency import lay_translucent, translucent_regions

NOT_DRAWN, SEEN_THROUGH = -1, -2
SOFT_STEP = 16.0
"""A smaller step than this, in levels, is where a band of a smooth area ends and no edge."""

SOFT = 8
"""Bands of a smooth area lie on each other: a soft border counts so many times its length."""

LIKE, LIKE_UNITS = 8.0, 64
"""Where every region has a color of its own, a border whose step is so many levels counts for half of one without a
step, in units of that part of a pixel. What shows where two curves do not quite meet is then of a like color: 1 - SSIM
of photos is .97 of what it was."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Regions in drawing order; shape i covers the pixels whose number lies in [first[i], end[i])."""

    order: list[int]
    parents: list[int]
    numbers: Ids
    first: Ids
    end: Ids
    boxes: Ids
    translucent: NDArray[np.bool_]

    def ranks(self) -> Ids:
        """For every region its place in the drawing order; -1 where none is drawn."""
        ranks = np.full(len(self.parents), NOT_DRAWN, np.int32)
        ranks[self.order] = np.arange(len(self.order), dtype=np.int32)
        return ranks

    def covers(self) -> Ids:
        """The same, but SEEN_THROUGH for translucent ones, which hide nothing that lies under them."""
        ranks = self.ranks()
        return np.where(self.translucent & (ranks >= 0), np.int32(SEEN_THROUGH), ranks)


def merge_smallest_first(areas: list[int], touching: list[dict[int, int]]) -> tuple[list[int], list[int]]:
    """Drawing order, bottom first, and the shape each one lies on (-1: the page)."""
    alive, parents, merged = [True] * len(areas), [NOT_DRAWN] * len(areas), list[int]()
    waiting = [(area, i) for i, area in enumerate(areas)]
    heapq.heapify(waiting)
    while waiting:
        area, i = heapq.heappop(waiting)
        if not alive[i] or area != areas[i]:
            continue
        alive[i] = False
        merged.append(i)
        neighbors = touching[i]
        if not neighbors:
            continue
        below = max(neighbors, key=lambda j: (neighbors[j], -j))
        parents[i] = below
        areas[below] += area
        heapq.heappush(waiting, (areas[below], below))
        for j, length in neighbors.items():
            del touching[j][i]
            if j != below:
                touching[below][j] = touching[below].get(j, 0) + length
                touching[j][below] = touching[j].get(below, 0) + length
    return merged[::-1], parents


def stack_regions(
    regions: Regions, borders: Borders, hidden: NDArray[np.bool_], colors: Floats,
    paints: Mapping[int, Paint], *, by_color: bool = False,
) -> Stack:  # fmt: skip
    """Stack all regions but the hidden ones (the clear parts of the page), which stay holes in every shape.

    `colors` has the flat color of every region, `paints` those that are not flat. With `by_color` a border counts the
    less, the larger its step is.
    """
    translucent = translucent_regions(colors, paints)
    alone = hidden | translucent
    touching: list[dict[int, int]] = [{} for _ in range(regions.count)]
    lengths = np.where(borders.steps < SOFT_STEP, SOFT * borders.lengths, borders.lengths)
    if by_color:
        parts = borders.lengths * LIKE_UNITS * LIKE / (LIKE + borders.steps)
        lengths = np.maximum(1, np.rint(parts)).astype(np.int64)
    for a, b, length in zip(borders.first.tolist(), borders.second.tolist(), lengths.tolist(), strict=True):
        if not (alone[a] or alone[b]):
            touching[a][b] = touching[b][a] = length
    order, parents = merge_smallest_first(regions.areas.tolist(), touching)
    order = [i for i in order if not hidden[i]]
    if translucent[order].any():
        order = lay_translucent(order, parents, borders, hidden, translucent, colors, paints)
    boxes = np.full((regions.count, 4), -1, np.int32)
    boxes[:, :2] = 1 << 30
    find_boxes(regions.ids, boxes)
    first, end = number_depth_first(order, parents, boxes)
    return Stack(order, parents, first[regions.ids], first, end, boxes, translucent)


def number_depth_first(order: list[int], parents: list[int], boxes: Ids) -> tuple[Ids, Ids]:
    """Number shapes so that all that lie on one follow it; widen each box to hold them. Hidden ones get -1."""
    children: list[list[int]] = [[] for _ in parents]
    roots = list[int]()
    for i in order:
        (children[parents[i]] if parents[i] >= 0 else roots).append(i)
    first, end, reach = [NOT_DRAWN] * len(parents), [NOT_DRAWN] * len(parents), boxes.tolist()
    number, walk = 0, [(i, False) for i in reversed(roots)]
    while walk:
        i, leaving = walk.pop()
        if not leaving:
            first[i] = number
            number += 1
            walk.append((i, True))
            walk.extend((j, False) for j in children[i])
            continue
        end[i] = number
        left, top, right, bottom = reach[i]
        for j in children[i]:
            box = reach[j]
            left, top, right, bottom = min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3])
        reach[i] = [left, top, right, bottom]
    boxes[:] = reach
    return np.array(first, np.int32), np.array(end, np.int32)


@kernel
def find_boxes(ids: Ids, boxes: Ids) -> None:
    """Left, top, right and bottom pixel of every region."""
    height, width = ids.shape
    for y in range(height):
        begin = 0
        for x in range(1, width + 1):
            if x == width or ids[y, x] != ids[y, begin]:
                i = ids[y, begin]
                boxes[i, 0] = min(boxes[i, 0], begin)
                boxes[i, 1] = min(boxes[i, 1], y)
                boxes[i, 2] = max(boxes[i, 2], x - 1)
                boxes[i, 3] = max(boxes[i, 3], y)
                begin = x
