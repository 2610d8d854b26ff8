"""Bands of a smooth area: where no edge is to be seen an outline may move, but nothing below may come to light."""

import numpy as np

from tests.unit.engine.outlining import placed
from workers.engine.ring import SOFT_LEEWAY

SIDE, STEP, SOFT = 40, 10.0, 16.0
PAGE, BODY, BAND = range(3)
PALETTE = np.array([[255, 255, 255, 255], [250, 180, 20, 255], [250 - STEP, 180, 20, 255]], float)
RANKS = np.arange(3, dtype=np.int32)


def test_a_band_draws_back_no_farther_than_what_is_below_it_reaches() -> None:
    ids = np.full((SIDE, SIDE), PAGE, np.int32)
    ids[8:32, 8:20], ids[8:32, 20:32] = BODY, BAND
    _, band = placed(ids == BAND, ids, RANKS, BAND, PALETTE, SOFT)
    _, body = placed(ids == BODY, ids, RANKS, BODY, PALETTE, SOFT)
    above = band[(band[:, 0] == 20) & (abs(band[:, 1] - 20) < 8)]
    below = body[(body[:, 0] == 20) & (abs(body[:, 1] - 20) < 8)]
    assert len(above) == len(below) == 16
    np.testing.assert_allclose(above[:, 6], SOFT_LEEWAY * (1 - STEP / SOFT))
    assert (above[:, 4] < 0).all()
    assert (-above[:, 4] <= below[:, 4]).all()
