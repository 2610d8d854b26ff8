import re

import numpy as np
from PIL import Image

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.regions import absorb_specks, find_regions
from workers.engine.shading import APART
from workers.engine.similarity import rendered

SIDE = 400


def rimmed() -> "np.ndarray":
    """A ramp with a bright rim that runs along an outline, as no gradient can: levels of red, green and blue."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    wave = np.hypot(x - 200, y - 200) + 25 * np.sin(4 * np.arctan2(y - 200, x - 200))
    rim = 70 * np.exp(-(((wave - 120) / 32) ** 2))
    return np.clip(np.dstack([60 + 0.3 * x + rim, 50 + 0.2 * y + 0.8 * rim, 110 + 0.5 * rim]), 0, 255).astype(np.uint8)


def test_shading_along_an_outline_shows_no_edge_that_nobody_drew() -> None:
    source = rimmed()
    svg = trace(encoded(Image.fromarray(source)), TraceOptions()).svg
    drawn = np.asarray(rendered(svg, SIDE))[..., :3].astype(int)
    assert np.abs(drawn - source).mean() < 3
    steps = np.abs(np.diff(drawn, axis=1)).max(2)
    assert (steps > 25).sum() < 120  # 270 if nothing is cut


def test_a_spot_of_light_is_one_gradient() -> None:
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    spot = 150 * np.exp(-(((x - 90) / 60) ** 2) - ((y - 140) / 35) ** 2)
    source = np.dstack([40 + spot, 60 + 0.8 * spot, 90 + 0.4 * spot]).astype(np.uint8)
    traced = trace(encoded(Image.fromarray(source)), TraceOptions())
    drawn = np.asarray(rendered(traced.svg, SIDE))[..., :3].astype(int)
    assert np.abs(drawn - source).mean() < 3
    assert len(re.findall("<radialGradient", traced.svg)) >= 1
    assert traced.report.color_error < 3
    assert traced.report.ssim > 0.95


def test_pieces_have_gradients_of_their_own_where_these_fit_better() -> None:
    source = rimmed()
    traced = trace(encoded(Image.fromarray(source)), TraceOptions())
    drawn = np.asarray(rendered(traced.svg, SIDE))[..., :3].astype(int)
    assert np.abs(drawn - source).mean() < 3.0
    assert traced.report.paths <= 40  # 69 in bands of even steps


def test_a_scrap_too_small_to_stay_joins_another_of_its_area_and_not_the_page() -> None:
    labels = np.zeros((20, 20), np.int16)
    labels[:, 8:] = 1
    labels[6:12, 8:10] = 2  # twelve pixels beside the page, two wide: the outer ones touch nothing else that stays
    regions = find_regions(labels)
    places = np.array([[0.0, 0, 0, 0], [APART, 16, 0, 0], [APART, -16, 0, 0]])
    absorb_specks(regions.ids, labels, regions.areas, regions.labels, places, 24, APART)
    assert (labels[:, 8:] == 1).all()
    assert (labels[:, :8] == 0).all()
