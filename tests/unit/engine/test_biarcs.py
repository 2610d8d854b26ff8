"""Arcs beside the curves that they stand for, measured by nothing that made them."""

import math

import numpy as np
import pytest

from workers.engine.biarcs import arc_outline, circle_of
from workers.engine.color import Floats

QUARTER = 0.5519150244935105707
"""Handle of a cubic that follows a quarter of a unit circle."""


def points_of(pieces: Floats, count: int) -> Floats:
    """Points along cubics: pieces, times, x and y."""
    t = np.linspace(0, 1, count)[None, :, None]
    a, b, c, d = (pieces[:, None, k : k + 2] for k in (0, 2, 4, 6))
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def distances(points: Floats, vertices: Floats) -> Floats:
    """How far each point is from the nearest of the arcs and lines of a closed outline."""
    nearest = np.full(len(points), np.inf)
    for (x1, y1, half), (x2, y2, _) in zip(vertices, np.roll(vertices, -1, 0), strict=True):
        start, end = np.array((x1, y1)), np.array((x2, y2))
        to_ends = np.minimum(np.hypot(*(points - start).T), np.hypot(*(points - end).T))
        chord = end - start
        length = math.hypot(*chord)
        if abs(half) < 1e-6:
            part = np.clip((points - start) @ chord / max(length**2, 1e-30), 0, 1)
            away = np.hypot(*(start + part[:, None] * chord - points).T)
        else:
            radius = length / 2 / math.sin(half)
            left = np.array((-chord[1], chord[0])) / length
            spokes = points - ((start + end) / 2 + left * radius * math.cos(half))
            crown = -left * math.copysign(1, half)
            off = np.abs(np.arctan2(crown[0] * spokes[:, 1] - crown[1] * spokes[:, 0], spokes @ crown))
            away = np.where(off <= abs(half), np.abs(np.hypot(*spokes.T) - abs(radius)), to_ends)
        nearest = np.minimum(nearest, away)
    return nearest


def ring(radius_x: float, radius_y: float, x: float = 50.0, y: float = 40.0) -> Floats:
    """An ellipse as four cubics, against the clock."""
    unit = np.array([[1, 0, 1, QUARTER, QUARTER, 1, 0, 1]])
    turned = [unit.reshape(4, 2) @ np.linalg.matrix_power([[0, 1], [-1, 0]], k) for k in range(4)]
    return (np.array(turned) * (radius_x, radius_y) + (x, y)).reshape(4, 8)


def wild(seed: int, smooth: bool) -> Floats:
    """A closed outline of cubics and lines, with loops, cusps and handles of no length; or a smooth one of cubics."""
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 9))
    ends, handles = random.uniform(0, 60, (count, 2)), random.uniform(-15, 15, (count, 2))
    pieces = np.hstack((ends, ends + handles, np.roll(ends, -1, 0), np.roll(ends, -1, 0)))
    pieces[:, 4:6] -= np.roll(handles, -1, 0) if smooth else random.uniform(-40, 40, (count, 2))
    if not smooth:
        bare = random.random(count) < 0.2
        pieces[bare, 2:4] = pieces[bare, 0:2]
        lines = random.random(count) < 0.3
        pieces[lines, 2:4], pieces[lines, 4:6] = pieces[lines, 0:2], pieces[lines, 6:8]
    return pieces


@pytest.mark.parametrize("tolerance", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("smooth", [True, False])
def test_no_point_of_a_curve_is_farther_from_its_arcs_than_the_tolerance(smooth: bool, tolerance: float) -> None:
    for seed in range(40):
        pieces = wild(seed, smooth)
        worst = distances(points_of(pieces, 100).reshape(-1, 2), arc_outline(pieces, tolerance)).max()
        assert worst <= tolerance, seed


def test_no_arc_is_farther_from_its_curve_than_the_tolerance() -> None:
    for seed in range(20):
        pieces = wild(seed, smooth=True)
        vertices = arc_outline(pieces, 0.01)
        along = points_of(pieces, 2000).reshape(-1, 2)
        following = np.roll(vertices, -1, 0)
        chords = following[:, :2] - vertices[:, :2]
        right = np.stack((chords[:, 1], -chords[:, 0]), 1)
        crowns = (vertices[:, :2] + following[:, :2]) / 2 + right * np.tan(vertices[:, 2:] / 2) / 2
        for crown in crowns:
            assert np.hypot(*(along - crown).T).min() <= 0.03, seed  # the points are up to .06 apart


def test_what_is_smooth_stays_smooth() -> None:
    for seed in range(20):
        vertices = arc_outline(wild(seed, smooth=True), 0.01)
        following = np.roll(vertices, -1, 0)
        chords = np.arctan2(following[:, 1] - vertices[:, 1], following[:, 0] - vertices[:, 0])
        bends = np.roll(chords - vertices[:, 2], -1) - (chords + vertices[:, 2])
        bends = np.abs((bends + math.pi) % (2 * math.pi) - math.pi)
        assert bends.max() < math.radians(1.01), seed


def test_a_corner_stays_where_it_is() -> None:
    drop = np.array([[0, 0, 30, 0, 40, 30, 20, 40], [20, 40, 0, 30, -10, 10, 0, 0]], float)
    vertices = arc_outline(drop, 0.05)
    for corner in ((0, 0), (20, 40)):
        assert min(math.hypot(x - corner[0], y - corner[1]) for x, y, _ in vertices) < 1e-9


@pytest.mark.parametrize("radius", [0.3, 8.0, 500.0])
def test_a_circle_is_found_with_its_center_and_radius(radius: float) -> None:
    assert circle_of(ring(radius, radius), 0.001 * radius) == pytest.approx((50, 40, radius), rel=3e-4)


HALF = np.vstack((ring(10, 10)[:2], [40, 40, 45, 39, 55, 39, 60, 40]))


def there_and_back() -> Floats:
    """Three quarters of a circle, and the same way back."""
    there = ring(10, 10)[:3]
    return np.vstack((there, there.reshape(-1, 4, 2)[::-1, ::-1].reshape(-1, 8)))


@pytest.mark.parametrize("pieces", [ring(10, 10.5), ring(0.1, 0.11), there_and_back(), HALF, np.ones((3, 8))])
def test_what_is_no_circle_is_not_taken_for_one(pieces: Floats) -> None:
    assert circle_of(pieces, 0.2) == (0, 0, 0)


def test_round_ends_become_one_arc_each() -> None:
    left, right = ring(10, 10, x=20), ring(10, 10, x=80)
    top, bottom = [80, 50, 80, 50, 20, 50, 20, 50], [20, 30, 20, 30, 80, 30, 80, 30]
    vertices = arc_outline(np.vstack((right[3], right[0], top, left[1:3], bottom)), 0.01)
    turns = [round(math.degrees(2 * half), 1) for *_, half in vertices]
    assert [180, 0, 180, 0] == pytest.approx(turns, abs=1)


@pytest.mark.parametrize("pieces", [np.zeros((1, 8)), np.full((4, 8), 7.0)])
def test_an_outline_of_nothing_is_no_trouble(pieces: Floats) -> None:
    assert len(arc_outline(pieces, 0.01)) == len(pieces)
