"""Cut-out paths: neighbors share their borders exactly, so that nothing overlaps and no gap shows at any zoom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.arcs import (
    add_line,
    arriving_line,
    find_junctions,
    fit_arc,
    place_junction,
    reversed_curves,
    straight,
)
from workers.engine.brim import touch_brim
from workers.engine.closed import fit_ring
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.outlines import Lattice, Outline
from workers.engine.pathdata import Pen, new_pen, write_path
from workers.engine.regions import Ids
from workers.engine.rings import Tracer

NOBODY = -1
"""The page's outside."""

Point = tuple[int, int]
Key = tuple[Point, Point]
Curves = tuple[Floats, Pixels]


@dataclass(frozen=True, slots=True)
class Arc:
    """Lattice points from junction to junction (or once around), and the region on the other side."""

    points: Lattice
    other: int
    first: int
    closed: bool


class Junction:
    """What is known of one junction: the lines that arrive there and the points nearest to it."""

    __slots__ = ("near", "normal", "right")

    def __init__(self) -> None:
        self.normal, self.right, self.near = np.zeros(3), np.zeros(2), np.zeros(3)


class CutTracer:
    """Writes cut-out paths for the shapes of one picture. All outlines must be known before the first path."""

    def __init__(self, tracer: Tracer, outlines: Sequence[Outline]) -> None:
        self.tracer = tracer
        self.height, self.width = tracer.height, tracer.width
        self.drawn = {outline.region for outline in outlines}
        self.junctions = find_junctions(tracer.ids)
        self.fitted = dict[Key, Curves]()
        places = dict[Point, Junction]()
        waiting = list[tuple[Arc, Floats]]()
        for outline in outlines:
            for walk in outline.rings:
                self.measure(outline.region, walk, places, waiting)
        self.found = {point: self.place(point, junction) for point, junction in places.items()}
        for arc, points in waiting:
            self.fit(arc, points)

    def path(self, region: int, walks: list[Lattice]) -> tuple[str, int]:
        """Path data of all walks around a region, and the number of its segments."""
        pen = new_pen()
        pieces = [self.closed_path(region, walk, pen) for walk in walks]
        return "".join(data for data, _ in pieces), sum(segments for _, segments in pieces)

    def closed_path(self, region: int, walk: Lattice, pen: Pen) -> tuple[str, int]:
        """Path data of one walk, its arcs one after the other."""
        parts = [self.curves_of(region, arc) for arc in self.arcs(walk)]
        curves, lines = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        return write_path(curves, lines, len(curves), self.tracer.recipe.units, pen) if len(curves) else ("", 0)

    def is_first(self, region: int, other: int) -> bool:
        """Which of two neighbors fits their border: the one with the lower number, if both are drawn."""
        return region < other or other not in self.drawn

    def curves_of(self, region: int, arc: Arc) -> Curves:
        """An arc's curves in the direction of the walk that it was found on."""
        if arc.other == NOBODY:
            corners = page_corners(arc.points)
            for end in (0, -1):
                corners[end] = self.found.get((int(corners[end, 0]), int(corners[end, 1])), corners[end])
            return straight(corners)
        if self.is_first(region, arc.other):
            return self.fitted[key_of(arc.points)]
        return reversed_curves(*self.fitted[key_of(arc.points[::-1])])

    def arcs(self, walk: Lattice) -> list[Arc]:
        """A walk's arcs in order; without a junction it is one, that begins at its topmost leftmost point."""
        n = len(walk)
        others = self.others(walk)
        cuts = np.flatnonzero(self.junctions[walk[:, 1], walk[:, 0]])
        if not len(cuts):
            first = int(np.lexsort((walk[:, 0], walk[:, 1]))[0])
            return [Arc(walk[np.arange(first, first + n + 1) % n], int(others[0]), first, closed=True)]
        ends = np.append(cuts[1:], cuts[0] + n)
        return [
            Arc(walk[np.arange(a, b + 1) % n], int(others[a]), int(a), closed=False)
            for a, b in zip(cuts.tolist(), ends.tolist(), strict=True)
        ]

    def others(self, walk: Lattice) -> NDArray[np.int32]:
        """For every step of a walk the region on its left."""
        step = np.roll(walk, -1, 0) - walk
        dx, dy = step[:, 0], step[:, 1]
        y, x = walk[:, 1] - ((dx > 0) | (dy < 0)), walk[:, 0] - ((dx < 0) | (dy < 0))
        inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        ids: Ids = self.tracer.ids
        return np.where(inside, ids[np.clip(y, 0, self.height - 1), np.clip(x, 0, self.width - 1)], NOBODY)

    def measure(
        self, region: int, walk: Lattice, places: dict[Point, Junction], waiting: list[tuple[Arc, Floats]]
    ) -> None:
        """Find the sub-pixel points of the arcs that this region is to fit, and tell the junctions of them."""
        mine = [arc for arc in self.arcs(walk) if arc.other != NOBODY and self.is_first(region, arc.other)]
        if not mine:
            return
        ring, cracks = self.tracer.placed(walk, 1 << 30)
        for arc in mine:
            length = len(arc.points) - 1
            along = (cracks - arc.first) % len(walk)
            kept = np.flatnonzero(along < length)
            points = np.ascontiguousarray(ring[kept[np.argsort(along[kept], kind="stable")]])
            waiting.append((arc, points))
            if not arc.closed:
                for last in (False, True):
                    tell_junction(places.setdefault(end_of(arc, last=last), Junction()), points, last=last)

    def place(self, point: Point, junction: Junction) -> Floats:
        """Where a junction truly is."""
        out = np.empty(2)
        place_junction(*point, junction.normal, junction.right, junction.near, self.width, self.height, out)
        return out

    def fit(self, arc: Arc, points: Floats) -> None:
        """Fit one arc for both of its sides."""
        fit, n = self.tracer.recipe.fit, len(points)
        curves, lines = np.empty((n + 8, 8)), np.empty(n + 8, np.uint8)
        dials, page = (fit.tolerance, fit.corner, fit.smoothing, fit.straight), (float(self.width), float(self.height))
        if not arc.closed:
            start, end = self.found[end_of(arc, last=False)], self.found[end_of(arc, last=True)]
            made = fit_arc(points, n, start, end, *dials, fit.refined, *page, curves, lines)
        elif n < 3:
            self.fitted[key_of(arc.points)] = straight(arc.points.astype(float))
            return
        else:
            made = fit_ring(points, n, *dials, fit.speck, fit.refined, *page, curves, lines)
        touch_brim(curves, made, *page, self.tracer.recipe.units)
        self.fitted[key_of(arc.points)] = curves[:made], lines[:made]


def key_of(points: Lattice) -> Key:
    """An arc's name: its first step, in the direction in which it is fitted."""
    (a, b), (c, d) = points[0].tolist(), points[1].tolist()
    return (a, b), (c, d)


def end_of(arc: Arc, *, last: bool) -> Point:
    """The lattice point at which an arc begins or ends."""
    x, y = arc.points[-1 if last else 0].tolist()
    return x, y


def tell_junction(junction: Junction, points: Floats, *, last: bool) -> None:
    """Add the way in which an arc arrives."""
    if not len(points):
        return
    line = np.empty(4)
    if arriving_line(points, len(points), last, line):
        add_line(junction.normal, junction.right, line)
    junction.near[:2] += points[-1 if last else 0, :2]
    junction.near[2] += 1


def page_corners(points: Lattice) -> Floats:
    """The ends of a walk along the page's edge, and the page's corners between them."""
    before, after = points[1:-1] - points[:-2], points[2:] - points[1:-1]
    turns = np.flatnonzero((before != after).any(1)) + 1
    return points[[0, *turns.tolist(), len(points) - 1]].astype(float)
