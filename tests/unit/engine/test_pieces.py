"""Smooth areas cut into pieces over which color changes evenly."""

import re

import numpy as np
import pytest
from PIL import Image

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.fields import Singles
from workers.engine.flatness import Mask
from workers.engine.pieces import Pricing, cut_pieces
from workers.engine.regions import Ids
from workers.engine.similarity import rendered

SIDE, EDGE, DEEP, LIGHT = 400, 60, 24, 90.0
MIDDLE, FOUR_SIDES = 1, 4


def depth(degrees: float) -> Singles:
    """How far every pixel lies inside a square that is turned by so many degrees, in pixels; negative outside."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    farthest = np.maximum(abs(x * cos + y * sin), abs(y * cos - x * sin))
    return (SIDE / 2 - EDGE - farthest).astype(np.float32)


def rim(degrees: float, deep: float = DEEP) -> Singles:
    """Levels of a light that falls off evenly from the sides of that square inward, so many pixels deep."""
    return np.clip(LIGHT * (1 - depth(degrees) / deep), 0, LIGHT)


def cut(field: Singles, ids: Ids, wanted: list[bool], pricing: Pricing) -> Ids:
    over = np.dstack([field, 0.8 * field, 0.5 * field, 0 * field])
    pieces = cut_pieces(ids, np.array(wanted), field, over, np.ones(ids.shape, np.bool_), pricing)
    assert pieces is not None
    return pieces


@pytest.mark.parametrize("degrees", [0, 20, 45])
def test_a_rim_around_a_square_has_a_piece_for_each_of_its_sides(degrees: float) -> None:
    inside = depth(degrees) > 0
    ids = inside.astype(np.int32)
    pieces = cut(np.where(inside, rim(degrees), 0), ids, [False, True], Pricing())
    assert len(np.unique(pieces[inside])) == FOUR_SIDES + MIDDLE
    assert len(np.unique(pieces[~inside])) == 1
    sides = [np.unique(pieces[(depth(degrees) > 3) & (depth(degrees) < DEEP - 3) & part]) for part in quarters(degrees)]
    assert [len(side) for side in sides] == [1, 1, 1, 1]
    assert len(np.unique(sides)) == FOUR_SIDES


def quarters(degrees: float) -> list[Mask]:
    """The four parts of a turned square by its diagonals, but for what lies within three pixels of these."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    u, v = x * cos + y * sin, y * cos - x * sin
    return [u - abs(v) > 5, -u - abs(v) > 5, v - abs(u) > 5, -v - abs(u) > 5]


def test_no_piece_belongs_to_two_regions_and_what_is_not_wanted_stays_whole() -> None:
    ids = np.repeat(np.arange(4, dtype=np.int32), SIDE // 4)[None].repeat(SIDE, 0)
    pieces = cut(rim(0), ids, [True, False, True, True], Pricing())
    assert len(np.unique(pieces[ids == 1])) == 1
    assert all(len(np.unique(ids[pieces == piece])) == 1 for piece in np.unique(pieces))
    assert len(np.unique(pieces[ids == 2])) > 1
    assert np.array_equal(np.unique(pieces), np.arange(pieces.max() + 1))


def test_the_dearer_a_border_the_fewer_pieces_there_are() -> None:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    waves = (40 * np.sin(x / 23) * np.sin(y / 31)).astype(np.float32)
    ids = np.zeros((SIDE, SIDE), np.int32)
    counts = [int(cut(waves, ids, [True], Pricing(border=price)).max()) + 1 for price in (100.0, 1300.0, 1e7)]
    assert counts[0] > counts[1] > counts[2] == 1


def test_noise_does_not_become_specks() -> None:
    noise = np.random.default_rng(5).normal(0, 60, (SIDE, SIDE)).astype(np.float32)
    pricing = Pricing(apart=0.0, border=100.0)
    pieces = cut(noise, np.zeros((SIDE, SIDE), np.int32), [True], pricing)
    assert pieces.max() + 1 <= SIDE * SIDE / pricing.fewest


def test_borders_between_pieces_are_smooth_although_the_picture_has_grain() -> None:
    noise = np.random.default_rng(3).normal(0, 6, (SIDE, SIDE)).astype(np.float32)
    field = rim(0) + noise
    ids = (depth(0) > 0).astype(np.int32)
    lengths = [borders_of(cut(field, ids, [False, True], Pricing(apart=apart))) for apart in (0.0, 250.0)]
    assert lengths[1] < 0.8 * lengths[0]


def borders_of(pieces: Ids) -> int:
    """How many sides of pixels lie between pieces."""
    return int((pieces[1:] != pieces[:-1]).sum() + (pieces[:, 1:] != pieces[:, :-1]).sum())


@pytest.mark.parametrize("degrees", [0, 20, 45])
def test_the_sides_of_a_pyramid_are_gradients_of_their_own(degrees: float) -> None:
    inside = depth(degrees)[..., None] > 0
    levels = np.array([60, 90, 140]) + rim(degrees, 110)[..., None] * np.array([1, 0.8, 0.5])
    source = np.where(inside, levels, 255).round().astype(np.uint8)
    traced = trace(encoded(Image.fromarray(source)), TraceOptions())
    drawn = np.asarray(rendered(traced.svg, SIDE))[..., :3].astype(int)
    assert np.abs(drawn - source).mean() < 0.8  # 2.2 to 2.5 with one gradient, which was all that was tried
    assert len(re.findall("<linearGradient", traced.svg)) >= FOUR_SIDES
    assert traced.report.paths <= 16
