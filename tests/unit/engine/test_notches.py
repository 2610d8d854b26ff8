"""Covers that end at the clear page: what lies under them stays close, so that nothing clear shows between them."""

import numpy as np
import pytest

from tests.unit.engine.outlining import placed
from workers.engine.notches import BEST, LEAST, MOST, REACH, is_rim
from workers.engine.ring import step_across
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
    palette = np.array([[0, 0, 0, 0], [250, 0, 0, 255], [0, 250, 0, 255], [0, 0, 250, 255]], float)
    walk, ring = placed(ids != PAGE, ids, ranks, int(ranks[BODY]), palette)
    leeway = ring[:, 4:]
    return walk, leeway * (leeway == (LEAST, BEST, MOST)).all(1, keepdims=True)


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
