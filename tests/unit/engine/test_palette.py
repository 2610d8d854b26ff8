"""The flat colors of a picture: what looks alike is one, what stands apart is two."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.flatness import flat_mask
from workers.engine.palette import Histogram
from workers.engine.pure import pure_colors

WHITE, CREAM = (255, 255, 255, 255), (255, 248, 236, 255)


def colors_of(pixels: NDArray[np.generic], *, peaks: bool) -> list[tuple[int, ...]]:
    samples = np.ascontiguousarray(pixels.astype(np.uint8))
    found = Histogram(samples, flat_mask(samples, 10)).palette(32, 0.035, 12, peaks=peaks)
    return sorted(tuple(map(int, color.round())) for color in found)


def test_two_close_colors_that_stand_apart_stay_two() -> None:
    pixels = np.full((60, 60, 4), WHITE)
    pixels[20:50, 20:50] = CREAM
    assert [CREAM, WHITE] == colors_of(pixels, peaks=True)
    assert [WHITE] == colors_of(pixels, peaks=False)


def test_the_steps_of_a_gradient_do_not_stand_apart() -> None:
    ramp = np.linspace(225, 255, 120)
    pixels = np.full((60, 120, 4), 255.0)
    pixels[..., :3] = ramp[None, :, None]
    assert colors_of(pixels, peaks=False) == colors_of(pixels, peaks=True)


def test_only_colors_that_no_gradient_leads_to_are_pure() -> None:
    pixels = np.full((60, 240, 4), WHITE, np.uint8)
    pixels[20:50, 20:60] = CREAM
    pixels[:, 100:, :3] = (np.arange(140) // 8 + 180)[None, :, None]
    mask = flat_mask(pixels, 10)
    _, found = pure_colors(pixels, flat_mask(pixels, 0), 12, Histogram(pixels, mask))
    assert [WHITE, CREAM] == [tuple(map(int, color)) for color in found]
