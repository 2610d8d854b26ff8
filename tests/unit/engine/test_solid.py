"""Opaque gradients that end at the page: partly covered pixels at their edge are no glass."""

import numpy as np
import pytest

from workers.engine.gradients import LINEAR
from workers.engine.mixture import share_between
from workers.engine.softness import Paint
from workers.engine.solid import with_solid_paints

SIDE = 24
PAGE = np.array([True, False])


def ramp(alpha: tuple[float, float]) -> Paint:
    """From dark to light red, premultiplied, with these values of alpha at its ends."""
    reds = (120 * alpha[0] / 255, 200 * alpha[1] / 255)
    profile = np.array([[0.0, reds[0], 0, 0, alpha[0]], [16.0, reds[1], 0, 0, alpha[1]]])
    return Paint(LINEAR, np.array([0.0, 0, 1, 0, 0, 0]), profile, 0, 16)


def pixels(inside: int) -> tuple[np.ndarray, np.ndarray]:
    """A box on the page whose outermost pixels are half covered, and the ids of regions; alpha inside as given."""
    ids = np.zeros((SIDE, SIDE), np.int32)
    ids[4:20, 4:20] = 1
    out = np.zeros((SIDE, SIDE, 4), np.uint8)
    out[4:20, 4:20, 3], out[5:19, 5:19, 3] = 128, inside
    return ids, out


def test_a_gradient_that_only_its_edge_made_clear_is_opaque() -> None:
    ids, picture = pixels(255)
    paint = with_solid_paints({1: ramp((184, 255))}, ids, PAGE, picture)[1]
    assert paint.profile[:, 4].tolist() == [255, 255]
    assert np.allclose(paint.profile[:, 1], [120, 200])


def test_an_edge_at_glass_is_no_glass_either() -> None:
    ids, picture = pixels(255)
    ids[2:22, 2:22] = np.where(ids[2:22, 2:22] == 1, 1, 2)
    picture[ids == 2] = (0, 0, 0, 60)
    paints = with_solid_paints({1: ramp((184, 255)), 2: ramp((30, 60))}, ids, np.array([True, False, False]), picture)
    assert [255, 30] == [paints[i].profile[:, 4].min() for i in (1, 2)]


@pytest.mark.parametrize(("alpha", "least"), [(235, 255), (184, 184)])
def test_a_strip_that_is_nothing_but_edge_is_opaque_if_it_is_nearly_so(alpha: int, least: int) -> None:
    ids, picture = pixels(255)
    ids[4:19, 4:20] = 2
    paint = with_solid_paints({1: ramp((alpha, 255))}, ids, np.array([True, False, False]), picture)[1]
    assert paint.profile[:, 4].min() == pytest.approx(least)


def test_glass_stays_glass() -> None:
    ids, picture = pixels(200)
    glass = ramp((184, 255))
    assert with_solid_paints({1: glass}, ids, PAGE, picture)[1] is glass


def test_a_few_seams_make_no_glass() -> None:
    ids, picture = pixels(255)
    picture[10, 10:13, 3] = 230
    assert with_solid_paints({1: ramp((184, 255))}, ids, PAGE, picture)[1].profile[:, 4].min() == 255


def test_a_darker_shade_at_the_page_is_no_part_of_the_page() -> None:
    shade = np.full((1, 1, 4), 255, np.uint8)
    shade[..., :3] = 150
    own, page, white = np.array([250.0, 250, 250, 255]), np.zeros(4), np.full(4, 255.0)
    assert share_between(shade, 0, 0, own, page) == 0
    assert share_between(shade, 0, 0, white, np.array([0.0, 0, 0, 255])) > 0.4
