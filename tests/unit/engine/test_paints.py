"""Gradients in few bytes: as many stops as their colors need, and none where one color does."""

import re

import numpy as np
import pytest

from workers.engine.color import Floats
from workers.engine.gradients import BINS, LINEAR
from workers.engine.paints import STOP_AREA, fill_of
from workers.engine.softness import Paint

WAYS: Floats = np.linspace(5.0, 10.0 * BINS - 5, BINS)


def paint_of(grays: Floats) -> Paint:
    """An opaque linear gradient from left to right, with a bin of gray every ten pixels."""
    profile = np.column_stack([WAYS, grays, grays, grays, np.full(BINS, 255.0)])
    return Paint(LINEAR, np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), profile, 0.0, 10.0 * BINS)


def stops_of(definition: str) -> list[tuple[float, int]]:
    """Offset and gray of every stop."""
    stops = re.findall(r'<stop offset="([^"]*)" stop-color="#(\w+)"/>', definition)
    return [(float(offset), int((color if len(color) == 6 else color[0] * 2)[:2], 16)) for offset, color in stops]


def test_a_bend_takes_a_stop_and_an_even_slope_none() -> None:
    bent = np.where(WAYS < 60, 20 + WAYS, 140 - WAYS)
    assert len(stops_of(fill_of(paint_of(bent), STOP_AREA, 10, "g0")[0])) >= 3
    definition, fill, opacity = fill_of(paint_of(20 + WAYS), STOP_AREA, 10, "g0")
    assert (fill, opacity) == ("url(#g0)", 1.0)
    assert stops_of(definition) == [(0, 20), (1, 140)]


def test_noise_at_the_ends_does_not_tilt_the_whole_gradient() -> None:
    grays = 20 + WAYS
    grays[0], grays[-1] = grays[0] + 2, grays[-1] + 2
    first, *others, last = stops_of(fill_of(paint_of(grays), STOP_AREA, 10, "g0")[0])
    assert not others
    assert first == (0, pytest.approx(20, abs=1.5))
    assert last == (1, pytest.approx(140, abs=1.5))


@pytest.mark.parametrize(("swing", "flat"), [(3.0, True), (6.0, False)])
def test_what_hardly_varies_is_one_color(swing: float, flat: bool) -> None:
    definition, fill, _ = fill_of(paint_of(100 + swing * np.cos(WAYS / 120 * np.pi)), STOP_AREA, 10, "g0")
    assert (definition == "") is flat
    assert (fill == "#646464") is flat


def test_the_larger_a_shape_the_more_stops_follow_its_colors() -> None:
    bent = paint_of(100 + 12 * np.cos(WAYS / 60 * np.pi))
    small, middle, large = (len(stops_of(fill_of(bent, area, 10, "g0")[0])) for area in (16, STOP_AREA, 40_000))
    assert small < middle < large, (small, middle, large)
