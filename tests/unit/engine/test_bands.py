"""Bands of a smooth area: where no edge is to be seen an outline may move, but nothing below may come to light."""

import numpy as np

from workers.engine.color import Floats
from workers.engine.outlines import find_tops, walk_outlines
from workers.engine.regions import Ids
from workers.engine.ring import SOFT_LEEWAY, place_ring

SIDE, STEP, SOFT = 40, 10.0, 16.0
PAGE, BODY, BAND = range(3)
PALETTE = np.array([[255, 255, 255, 255], [250, 180, 20, 255], [250 - STEP, 180, 20, 255]], float)
RANKS = np.arange(3, dtype=np.int32)


def placed(ids: Ids, region: int) -> Floats:
    """The points of a region's outline, and their leeway: rows of seven, as `place_ring` gives them."""
    shape = (ids == region).astype(np.int32)
    points, starts = np.empty((4 * SIDE * SIDE, 2), np.int32), np.empty(8, np.int64)
    seen, box = np.zeros((SIDE + 1, SIDE + 1), np.bool_), np.array([0, 0, SIDE - 1, SIDE - 1], np.int32)
    assert 1 == walk_outlines(shape, 1, 2, box, *find_tops(shape), seen, points, starts)
    walk = points[: starts[1]].copy()
    ring, cracks, labels = np.empty((len(walk), 7)), np.empty(len(walk), np.int32), ids.astype(np.int16)
    pixels = PALETTE[labels].astype(np.uint8)
    return ring[: place_ring(walk, pixels, PALETTE, labels, ids, RANKS, region, SOFT, ring, cracks)]


def test_a_band_draws_back_no_farther_than_what_is_below_it_reaches() -> None:
    ids = np.full((SIDE, SIDE), PAGE, np.int32)
    ids[8:32, 8:20], ids[8:32, 20:32] = BODY, BAND
    band, body = placed(ids, BAND), placed(ids, BODY)
    above = band[(band[:, 0] == 20) & (abs(band[:, 1] - 20) < 8)]
    below = body[(body[:, 0] == 20) & (abs(body[:, 1] - 20) < 8)]
    assert len(above) == len(below) == 16
    np.testing.assert_allclose(above[:, 6], SOFT_LEEWAY * (1 - STEP / SOFT))
    assert (above[:, 4] < 0).all()
    assert (-above[:, 4] <= below[:, 4]).all()
