"""Round shapes that fill their page: no line of the page shows where they touch its edge."""

import math

import numpy as np
import pytest
from PIL import Image

from shared.tracing import Stacking, TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.brim import HAIR, touch_brim
from workers.engine.similarity import rendered

SIDE, UNITS = 300.0, 10
ROUND = 4 / 3 * math.tan(math.pi / 8)


def circle(radius: float, turn: float) -> np.ndarray:
    """Four curves around the middle of the page, the first of which begins at the angle `turn`."""
    curves = np.empty((4, 8))
    for k in range(4):
        a, b = turn + k * math.pi / 2, turn + (k + 1) * math.pi / 2
        start, end = np.array([math.cos(a), math.sin(a)]), np.array([math.cos(b), math.sin(b)])
        along, back = np.array([-start[1], start[0]]), np.array([end[1], -end[0]])
        curves[k] = np.concatenate([start, start + ROUND * along, end + ROUND * back, end])
    return SIDE / 2 + radius * curves


def extent(curves: np.ndarray) -> tuple[float, float]:
    """The least and the greatest coordinate of the curves."""
    t = np.linspace(0, 1, 2001)[:, None]
    parts = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
    places = np.concatenate([sum(part * row[2 * k : 2 * k + 2] for k, part in enumerate(parts)) for row in curves])
    return float(places.min()), float(places.max())


@pytest.mark.parametrize("turn", [0.0, math.pi / 4, 0.03, 0.06, -0.06, 0.5])
def test_a_circle_a_hair_from_the_edges_touches_them(turn: float) -> None:
    curves = circle(SIDE / 2 - 0.08, turn)
    touch_brim(curves, 4, SIDE, SIDE, UNITS)
    low, high = extent(curves)
    assert -HAIR < low < 0.01
    assert SIDE - 0.01 < high < SIDE + HAIR


@pytest.mark.parametrize("turn", [-0.06, 0.06, 0.3, 0.5, math.pi / 4, 1.1])
@pytest.mark.parametrize("units", [1, 10])
def test_the_rounding_of_handles_brings_no_turn_back_into_the_page(turn: float, units: int) -> None:
    for away in (0.0, 0.03, 0.08, 0.12):
        curves = circle(SIDE / 2 - away, turn)
        touch_brim(curves, 4, SIDE, SIDE, units)
        low, high = extent((curves * units).round() / units)
        assert low <= 0
        assert high >= SIDE


@pytest.mark.parametrize("radius", [SIDE / 2 - 2 * HAIR, SIDE / 2 + 0.5 / UNITS + 0.01])
def test_what_is_farther_off_or_over_the_edge_stays(radius: float) -> None:
    curves = circle(radius, math.pi / 4)
    touch_brim(curves, 4, SIDE, SIDE, UNITS)
    assert np.array_equal(circle(radius, math.pi / 4), curves)


def test_a_curve_along_the_edge_does_not_bend_away_from_it() -> None:
    curves = np.array([[100, 0, 130, 0.18, 170, 0.18, 200, 0.0]])
    touch_brim(curves, 1, SIDE, SIDE, UNITS)
    assert extent(curves[:, 1::2].repeat(2, 1))[1] < 0.01


def bell(power: float, other: float, side: int) -> Image.Image:
    """A superellipse that fills its page, with two slots."""
    fine = 8 * side
    y, x = (np.mgrid[:fine, :fine] + 0.5) * 2 / fine - 1
    inside = np.abs(x) ** power + np.abs(y) ** other <= 1
    inside &= ~((np.abs(x) < 0.1) & (y > -0.6)) & ~((np.abs(x - 0.5) < 0.08) & (y > -0.5))
    picture = Image.new("RGBA", (side, side), "#112b49")
    picture.putalpha(Image.fromarray(255 * inside.astype(np.uint8)).resize((side, side), Image.Resampling.BOX))
    return picture


@pytest.mark.parametrize("stacking", ["stacked", "cutout"])
def test_a_shape_that_fills_its_page_is_whole_at_the_edges(stacking: Stacking) -> None:
    side = 512
    traced = trace(encoded(bell(2, 2.2, side)), TraceOptions(stacking=stacking))
    alpha = np.asarray(rendered(traced.svg, 4 * side))[..., 3]
    middle = slice(2 * side - 4, 2 * side + 4)
    for where, pixels in (("top", alpha[0, middle]), ("left", alpha[middle, 0]), ("right", alpha[middle, -1])):
        assert pixels.min() == 255, where
