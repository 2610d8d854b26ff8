"""Slits and needles whose sides bend before they meet: they end where the picture holds the last trace of them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shared.tracing import Stacking, TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.similarity import rendered

Floats, Mask = NDArray[np.float64], NDArray[np.bool_]
SIDE, FINE = 300, 8
TIP_X, TIP_Y = 120.0, 150.0


def bent(x: Floats, y: Floats) -> Mask:
    """Between a line and a curve from the tip to the right: straight on, the two would meet twelve pixels before it."""
    along, up = x - TIP_X, TIP_Y - y
    upper = 0.5 * along + 2.5 * (1 - np.exp(-np.maximum(0, along) / 7))
    return (along > 0) & (along < 140) & (up > 0.3 * along) & (up < upper)


def drawn(shape: Mask, slit: bool) -> Image.Image:
    """A dark disc with a slit of this shape, or the shape alone, on a clear page; `shape` is FINE times as large."""
    y, x = np.mgrid[: SIDE * FINE, : SIDE * FINE] / FINE
    covered = (np.hypot(x - 150, y - 150) < 140) & ~shape if slit else shape
    alpha = Image.fromarray(255 * covered.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)
    picture = Image.new("RGBA", (SIDE, SIDE), "#333333")
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize("stacking", ["stacked", "cutout"])
@pytest.mark.parametrize("slit", [True, False])
def test_a_tip_ends_where_it_does(slit: bool, stacking: Stacking) -> None:
    y, x = (np.mgrid[: SIDE * FINE, : SIDE * FINE] + 0.5) / FINE
    shape = bent(x, y)
    svg = trace(encoded(drawn(shape, slit)), TraceOptions(stacking=stacking)).svg
    alpha = np.asarray(rendered(svg, SIDE * FINE))[..., 3]
    around = tuple(slice(round((at - 12) * FINE), round((at + 12) * FINE)) for at in (TIP_Y, TIP_X))
    wrong = (alpha[around] > 127) != (shape[around] != slit)
    assert not wrong[:, : 11 * FINE].any(), "more than a pixel beyond"
    assert wrong.sum() / FINE**2 < 2.5
