"""From a shape's walks along pixel cracks to path data: sub-pixel rings and curves, or exact squares."""

import numpy as np

from workers.engine.brim import touch_brim
from workers.engine.closed import fit_ring
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.labels import Labelled
from workers.engine.mixture import Labels
from workers.engine.outlines import Lattice, Outline, Starts
from workers.engine.pathdata import MOST_BYTES, Pen, Text, decoded, new_pen, put_closed, put_page, write_path
from workers.engine.recipe import Recipe
from workers.engine.regions import Ids
from workers.engine.ring import place_ring


@kernel
def is_page(walk: Lattice, width: int, height: int) -> bool:
    """Whether a walk is the edge of the page: a round shape that meets all four sides is just as long."""
    inside = 0
    for x, y in walk:
        inside += x not in (0, width) and y not in (0, height)
    return inside == 0 and len(walk) == 2 * (width + height)


@allocating_kernel
def put_rings(
    points: Lattice, starts: Starts, pixels: Pixels, palette: Floats, labels: Labels, ids: Ids, ranks: Ids, rank: int,
    soft_step: float, tolerance: float, corner: float, smoothing: float, straight: bool, speck: int, refined: bool,
    units: int,
) -> tuple[Text, int, int]:  # fmt: skip
    """Path data of all walks of the shape drawn at this rank, its number of bytes, and that of its segments."""
    height, width = ids.shape
    text, used, segments, pen = np.empty(0, np.uint8), 0, 0, np.zeros(3, np.int64)
    for k in range(len(starts) - 1):
        walk = points[starts[k] : starts[k + 1]]
        ring, cracks = np.empty((len(walk), 7)), np.empty(len(walk), np.int32)
        n = place_ring(walk, pixels, palette, labels, ids, ranks, rank, soft_step, ring, cracks)
        curves, lines, made = np.empty((n + 8, 8)), np.empty(n + 8, np.uint8), 4
        page = is_page(walk, width, height)
        if not page:
            if n < 3:
                continue
            made = fit_ring(
                ring[:n], n, tolerance, corner, smoothing, straight, speck, refined, float(width), float(height),
                curves, lines,
            )  # fmt: skip
            touch_brim(curves, made, float(width), float(height), units)
        if used + MOST_BYTES * (made + 1) > len(text):
            larger = np.empty(2 * len(text) + MOST_BYTES * (made + 1), np.uint8)
            larger[:used] = text[:used]
            text = larger
        if page:
            used += put_page(width, height, units, text[used:], pen)
            segments += 4
        else:
            more, new = put_closed(curves, lines, made, units, text[used:], pen)
            used, segments = used + more, segments + new
    return text, used, segments


class Tracer:
    """Writes paths for the shapes of one picture."""

    def __init__(self, pixels: Pixels, labelled: Labelled, ids: Ids, ranks: Ids, recipe: Recipe) -> None:
        self.picture = pixels, labelled.palette, labelled.labels, ids, ranks
        self.ids = ids
        self.recipe = recipe
        self.height, self.width = ids.shape

    def path(self, outline: Outline, rank: int) -> tuple[str, int]:
        """Path data of all walks of the shape drawn at this rank, and the number of its segments."""
        if self.recipe.squares:
            pen = new_pen()
            pieces = [self.squares(walk, pen) for walk in outline.rings]
            return "".join(data for data, _ in pieces), sum(segments for _, segments in pieces)
        fit = self.recipe.fit
        dials = fit.tolerance, fit.corner, fit.smoothing, fit.straight, fit.speck, fit.refined
        text, used, segments = put_rings(
            outline.points, outline.starts, *self.picture, rank, self.recipe.soft_step, *dials, self.recipe.units
        )
        return decoded(text, used), segments

    def placed(self, walk: Lattice, rank: int) -> tuple[Floats, Ids]:
        """The sub-pixel points of a walk, and the index of the crack that each was."""
        ring, cracks = np.empty((len(walk), 7)), np.empty(len(walk), np.int32)
        n = place_ring(walk, *self.picture, rank, self.recipe.soft_step, ring, cracks)
        return ring[:n], cracks[:n]

    def squares(self, walk: Lattice, pen: Pen) -> tuple[str, int]:
        """A walk exactly as it is: horizontal and vertical lines between its turns."""
        before, after = walk - np.roll(walk, 1, 0), np.roll(walk, -1, 0) - walk
        corners = walk[(before != after).any(1)].astype(float)
        n = len(corners)
        curves = np.zeros((n, 8))
        curves[:, :2], curves[:, 6:] = corners, np.roll(corners, -1, 0)
        return write_path(curves, np.ones(n, np.uint8), n, self.recipe.units, pen)
