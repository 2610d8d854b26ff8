"""Curves keep to the leeway of what they are drawn for, on slants, in long runs and at the page's edge."""

import math

import numpy as np
import pytest
from PIL import Image

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.artwork import read_artwork, steps
from workers.engine.color import Floats
from workers.engine.cubic import TOO_FAR, distance_from_chord, error_and_times, fit_handles
from workers.engine.distances import distance_at
from workers.engine.fit import MOST_POINTS, fit_run
from workers.engine.similarity import rendered

TOLERANCE = 0.25
LINE = (0.0, 0.0, 10.0, 10.0, 20.0, 20.0, 30.0, 30.0)
"""A slant of 45 degrees."""


def beside_the_line(across: float) -> Floats:
    """Points at the line's ends, and one that it passes so far to the left, where up to 2 px are free."""
    return np.array([[0.0, 0, 0, 0, 0, 0], [15 + across, 15, -1, 0, 0, 2], [30, 30, 0, 0, 0, 0]])


@pytest.mark.parametrize(("across", "miss"), [(-0.5, 0.5), (0.0, 0.0), (1.9, 0.0), (2.5, 0.5)])
def test_leeway_ends_where_it_ends_in_its_own_direction_however_slanted_the_curve_is(
    across: float, miss: float
) -> None:
    points, times = beside_the_line(across), np.array([0.0, 0.5, 1.0])
    assert distance_from_chord(points, 3) == pytest.approx(miss)
    error_and_times(points, 3, times, np.array(LINE), better := np.empty(3))
    assert error_and_times(points, 3, better, np.array(LINE), times) == pytest.approx(miss)
    assert abs(distance_at(points, 1, LINE, 0.5)[0]) == pytest.approx(miss)


def test_a_move_of_the_curve_changes_the_distance_by_what_is_told() -> None:
    points, (dx, dy) = beside_the_line(2.5), (0.01, -0.02)
    off, _, nx, ny, _ = distance_at(points, 1, LINE, 0.5)
    a, b, c, d, e, f, g, h = LINE
    moved = (a + dx, b + dy, c + dx, d + dy, e + dx, f + dy, g + dx, h + dy)
    assert distance_at(points, 1, moved, 0.5)[0] - off == pytest.approx(nx * dx + ny * dy)


def test_along_its_direction_leeway_is_measured_from_the_closest_place() -> None:
    flat = (0.0, 1.0, 10.0, 1.0, 20.0, 1.0, 30.0, 1.0)
    points = np.array([[0.0, 1, 0, 0, 0, 0], [15, 0, -1, 0, 0.25, 2], [30, 1, 0, 0, 0, 0]])
    assert distance_from_chord(points, 3) == pytest.approx(0.25)
    assert distance_at(points, 1, flat, 0.5)[0] == pytest.approx(-0.25)


def fitted(points: Floats) -> tuple[bool, float]:
    """Whether one line fits a whole run, and the largest error of what does."""
    curve, scratch = np.empty(8), np.empty((MOST_POINTS, 9))
    run = np.zeros((len(points), 7))
    run[:, : points.shape[1]] = points
    return fit_run(run, 0, len(run) - 1, False, 0.0, 0.0, False, 0.0, 0.0, TOLERANCE, scratch, curve)


def arc(count: int) -> Floats:
    """Points of a quarter of a circle."""
    angles = np.linspace(0, math.pi / 2, count)
    return np.column_stack((100 * np.cos(angles), 100 * np.sin(angles)))


@pytest.mark.parametrize("straight", [True, False])
def test_no_point_of_a_long_run_is_left_out(straight: bool) -> None:
    even = np.column_stack((np.arange(400.0), np.zeros(400))) if straight else arc(400)
    line, error = fitted(even)
    assert (straight, True) == (line, error <= TOLERANCE)
    for dented in range(195, 205):  # most of them are not among those that are fitted
        points = even.copy()
        points[dented] *= 1.01
        points[dented, 1] += straight
        assert fitted(points)[1] > TOLERANCE


def test_a_curve_ties_no_loop_to_pass_points_that_do() -> None:
    loop = np.array([(0.0, 0.0), (-7.0, -6.0), (6.0, -5.0), (2.0, 2.0)])
    times, points, curve = np.linspace(0, 1, 9), np.zeros((9, 6)), np.empty(8)
    basis = ((1 - times) ** 3, 3 * (1 - times) ** 2 * times, 3 * (1 - times) * times**2, times**3)
    points[:, :2] = np.column_stack(basis) @ loop
    fit_handles(points, 9, times, False, 0.0, 0.0, False, 0.0, 0.0, curve)
    longest = TOO_FAR * math.dist(loop[0], loop[3]) + 1
    assert np.abs(curve[2:4] - curve[:2]).max() <= longest
    assert np.abs(curve[4:6] - curve[6:]).max() <= longest


@pytest.mark.parametrize("smoothness", [0, 25, 50, 100])
def test_stripes_that_the_page_cuts_off_are_rectangles(smoothness: int) -> None:
    colors = np.array([(180, 0, 0), (0, 120, 0), (0, 0, 160)], np.uint8)
    flag = Image.fromarray(np.broadcast_to(np.repeat(colors, 100, 0)[:, None], (300, 420, 3)).copy())
    svg = trace(encoded(flag), TraceOptions(smoothness=smoothness)).svg
    kinds = ["".join(name for name, _ in steps(area.data)) for area in read_artwork(svg).areas]
    assert len(kinds) == 3
    assert all("C" not in kind and kind.count("L") <= 4 for kind in kinds), kinds


@pytest.mark.parametrize(("radius", "beyond"), [(140, 2.5), (240, 0.8), (240, 1.3)])
def test_what_the_edge_of_a_clear_page_cuts_off_fills_it_up_to_there(radius: int, beyond: float) -> None:
    """Discs that go over the lower edge by parts of a pixel, so that curves leave the page at flat angles."""
    y, x = np.mgrid[0 : 300 * 4, 0 : 520 * 4] / 4 + 0.125
    away = np.hypot(x - 260, y - (300 + beyond - radius))
    pixels = np.zeros((300, 520, 4), np.uint8)
    pixels[..., 2], pixels[..., 3] = 160, 255 * (away < radius).reshape(300, 4, 520, 4).mean((1, 3)).round(2)
    drawn = np.asarray(rendered(trace(encoded(Image.fromarray(pixels)), TraceOptions()).svg, 520 * 4))
    assert 0 == np.count_nonzero((drawn[..., 3] < 250) & (away < radius - 0.2) & (y > 298))
