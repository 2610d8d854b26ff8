"""Covers that end at the clear page: what lies under them stays close, so that nothing clear shows between them."""

import numpy as np
import pytest

from workers.engine.notches import BEST, LEAST, MOST, REACH, is_rim
from workers.engine.outlines import find_tops, walk_outlines
from workers.engine.ring import place_ring, step_across
from workers.engine.stacking import NOT_DRAWN

SIDE = 40
PAGE, BODY, LEFT, RIGHT = range(4)
RANKS = np.array([NOT_DRAWN, 0, 1, 2], np.int32)


def card() -> np.ndarray:
    """A body on the page, with two covers side by side along its upper half."""
    ids = np.full((SIDE, SIDE), PAGE, np.int32)
    ids[8:32, 8:32] = BODY
    ids[8:20, 8:20], ids[8:20, 20:32] = LEFT, RIGHT
    return ids


def closed(ids: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The walk around the body, and the leeway of the points where notches were closed; 0 for all others."""
    shape = (ids != PAGE).astype(np.int32)
    columns, rows = find_tops(shape)
    points, starts = np.empty((4 * SIDE * SIDE, 2), np.int32), np.empty(8, np.int64)
    seen = np.zeros((SIDE + 1, SIDE + 1), np.bool_)
    box = np.array([0, 0, SIDE - 1, SIDE - 1], np.int32)
    assert 1 == walk_outlines(shape, 1, 2, box, columns, rows, seen, points, starts)
    walk = points[: starts[1]].copy()
    ring, cracks, labels = np.empty((len(walk), 7)), np.empty(len(walk), np.int32), ids.astype(np.int16)
    palette = np.array([[0, 0, 0, 0], [250, 0, 0, 255], [0, 250, 0, 255], [0, 0, 250, 255]], float)
    pixels = palette[labels].astype(np.uint8)
    n = place_ring(walk, pixels, palette, labels, ids, ranks, int(ranks[BODY]), 0.0, ring, cracks)
    leeway = ring[:n, 4:]
    return walk[cracks[:n]], leeway * (leeway == (LEAST, BEST, MOST)).all(1, keepdims=True)


def test_an_outline_stays_close_where_two_covers_meet_and_nowhere_else() -> None:
    walk, leeway = closed(card(), RANKS)
    near = (walk[:, 1] == 8) & (walk[:, 0] >= 20 - REACH) & (walk[:, 0] < 20 + REACH)
    assert 2 * REACH == near.sum()
    assert (leeway[near] == (LEAST, BEST, MOST)).all()
    assert not leeway[~near].any()


def test_where_the_page_is_not_clear_nothing_shows() -> None:
    _, leeway = closed(card(), np.array([0, 1, 2, 3], np.int32))
    assert not leeway.any()


@pytest.mark.parametrize(("width", "rim"), [(1, True), (3, True), (4, False)])
def test_a_rim_is_up_to_three_pixels_wide(width: int, rim: bool) -> None:
    ids = np.full((SIDE, SIDE), BODY, np.int32)
    ids[:, 20 : 20 + width], ids[:, 20 + width :] = LEFT, PAGE
    assert rim is is_rim(ids, RANKS, 5, 20, 0, 1)
    assert not is_rim(ids, np.array([3, 0, 1, 2], np.int32), 5, 20, 0, 1)


def test_a_partly_clear_pixel_tells_nothing_of_a_border_beside_it() -> None:
    pixels = np.full((1, 6, 4), 255, np.uint8)
    pixels[0, :, 0] = (100, 102, 104, 106, 50, 0)
    pixels[0, 4:, 3] = (128, 0)
    assert 4 == step_across(pixels, 0, 2, 0, 3)
    pixels[0, 4:, 3] = 255
    assert 52 == step_across(pixels, 0, 2, 0, 3)
