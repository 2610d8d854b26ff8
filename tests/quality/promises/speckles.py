"""Flaws of a drawing where its truth is even: specks, and a page that is not of one color."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.quality.pixels import Samples
from workers.engine.regions import find_regions

REACH, EVEN = 9, 3
"""A place is even if all within a square of so many pixels is of one color but for so many levels."""
AWAY = 40
"""How far off, in levels of a channel, a speck is: more than uneven light makes the page."""
SMALLEST = 3
"""Pixels of the smallest speck."""


def even(truth: Image.Image) -> NDArray[np.bool_]:
    """Where the truth is even, away from every edge."""
    most, least = (
        np.asarray(truth.filter(kind(REACH)), np.int16) for kind in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
    )
    return (most - least).max(2) <= EVEN


def speckles(truth: Image.Image, drawn: Samples) -> int:
    """How many connected places there are in even parts whose color is far off."""
    away = np.abs(np.asarray(truth, np.int16) - drawn).max(2) > AWAY
    regions = find_regions((away & even(truth)).astype(np.int16))
    return int(((regions.labels == 1) & (regions.areas >= SMALLEST)).sum())


def page_share(truth: Image.Image, drawn: Samples, paper: tuple[int, int, int]) -> float:
    """Percent of the page, away from all that is on it, that has the most frequent color there."""
    page = even(truth) & (np.abs(np.asarray(truth, np.int16) - paper).max(2) <= 1)
    _, counts = np.unique(drawn[page], axis=0, return_counts=True)
    return 100 * float(counts.max() / counts.sum()) if len(counts) else 100.0
