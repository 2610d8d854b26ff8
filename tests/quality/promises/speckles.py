"""Flaws of a drawing where its truth is even: specks, and edges on the page."""

import functools

import numpy as np
from numpy.typing import NDArray

from tests.quality.pixels import Samples
from workers.engine.regions import find_regions

REACH, EVEN = 9, 3
"""A place is even if all within a square of so many pixels is of one color but for so many levels."""
AWAY = 40
"""How far off, in levels of a channel, a speck is: more than uneven light makes the page."""
SMALLEST = 3
"""Pixels of the smallest speck."""


def even(truth: Samples) -> NDArray[np.bool_]:
    """Where the truth is even, away from every edge; beyond the page all counts as even."""
    most, least = truth, truth
    for axis in (0, 1):
        most, least = (extreme(samples, axis, keep) for samples, keep in ((most, np.maximum), (least, np.minimum)))
    return (most.astype(np.int16) - least).max(2) <= EVEN


def extreme(samples: Samples, axis: int, keep: np.ufunc) -> Samples:
    """The most or the least along an axis within half of the square to either side."""
    margin = [(REACH // 2,) * 2 if k == axis else (0, 0) for k in range(3)]
    padded = np.moveaxis(np.pad(samples, margin, mode="edge"), axis, 0)
    shifted = [padded[k : k + samples.shape[axis]] for k in range(REACH)]
    return np.moveaxis(functools.reduce(keep, shifted), 0, axis)


def speckles(truth: Samples, drawn: Samples) -> int:
    """How many connected places there are in even parts whose color is far off."""
    away = np.abs(truth.astype(np.int16) - drawn).max(2) > AWAY
    regions = find_regions((away & even(truth)).astype(np.int16))
    return int(((regions.labels == 1) & (regions.areas >= SMALLEST)).sum())


def page_edges(truth: Samples, drawn: Samples, paper: tuple[int, int, int]) -> float:
    """Per mille of neighbors on the page, away from all that is on it, between which one sees an edge.

    A page of one color or of one soft gradient has none; one that was cut into pieces has.
    """
    page = even(truth) & (np.abs(truth.astype(np.int16) - paper).max(2) <= 1)
    levels, both, seen = drawn.astype(np.int16), 0, 0
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        pairs = page[here] & page[there]
        both += int(pairs.sum())
        seen += int((np.abs(levels[here] - levels[there]).max(2) > EVEN)[pairs].sum())
    return 1000 * seen / max(1, both)
