"""From a shape's walks along pixel cracks to path data: sub-pixel rings and curves, or exact squares."""

import numpy as np

from workers.engine.closed import fit_ring
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.labels import Labelled
from workers.engine.outlines import Lattice
from workers.engine.pathdata import rectangle, write_path
from workers.engine.recipe import Recipe
from workers.engine.regions import Ids
from workers.engine.ring import place_ring


class Tracer:
    """Writes paths for the shapes of one picture."""

    def __init__(self, pixels: Pixels, labelled: Labelled, ids: Ids, ranks: Ids, recipe: Recipe) -> None:
        self.pixels = pixels
        self.labelled = labelled
        self.ids = ids
        self.ranks = ranks
        self.recipe = recipe
        self.height, self.width = ids.shape

    def path(self, walks: list[Lattice], rank: int) -> tuple[str, int]:
        """Path data of all walks of the shape drawn at this rank, and the number of its segments."""
        pieces = [self.squares(walk) if self.recipe.squares else self.curves(walk, rank) for walk in walks]
        return "".join(data for data, _ in pieces), sum(segments for _, segments in pieces)

    def curves(self, walk: Lattice, rank: int) -> tuple[str, int]:
        """A walk as lines and cubics."""
        if self.is_page(walk):
            return rectangle(self.width, self.height, self.recipe.units)
        fit = self.recipe.fit
        ring, _ = self.placed(walk, rank)
        n = len(ring)
        if n < 3:
            return "", 0
        curves, lines = np.empty((n + 8, 8)), np.empty(n + 8, np.uint8)
        page = (float(self.width), float(self.height))
        made = fit_ring(
            ring,
            n,
            fit.tolerance,
            fit.corner,
            fit.smoothing,
            fit.straight,
            fit.speck,
            fit.refined,
            *page,
            curves,
            lines,
        )
        return write_path(curves, lines, made, self.recipe.units)

    def placed(self, walk: Lattice, rank: int) -> tuple[Floats, Ids]:
        """The sub-pixel points of a walk, and the index of the crack that each was."""
        ring, cracks = np.empty((len(walk), 7)), np.empty(len(walk), np.int32)
        n = place_ring(
            walk,
            self.pixels,
            self.labelled.palette,
            self.labelled.labels,
            self.ids,
            self.ranks,
            rank,
            self.recipe.soft_step,
            ring,
            cracks,
        )
        return ring[:n], cracks[:n]

    def squares(self, walk: Lattice) -> tuple[str, int]:
        """A walk exactly as it is: horizontal and vertical lines between its turns."""
        before, after = walk - np.roll(walk, 1, 0), np.roll(walk, -1, 0) - walk
        corners = walk[(before != after).any(1)].astype(float)
        n = len(corners)
        curves = np.zeros((n, 8))
        curves[:, :2], curves[:, 6:] = corners, np.roll(corners, -1, 0)
        return write_path(curves, np.ones(n, np.uint8), n, self.recipe.units)

    def is_page(self, walk: Lattice) -> bool:
        """Whether a walk is the edge of the page: a round shape that meets all four sides is just as long."""
        if len(walk) != 2 * (self.width + self.height):
            return False
        x, y = walk[:, 0], walk[:, 1]
        return bool(((x == 0) | (x == self.width) | (y == 0) | (y == self.height)).all())
