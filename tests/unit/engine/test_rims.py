"""Where a ball turns away from the light its color runs off too steeply for its gradient: no shape of its own."""

import numpy as np
import pytest

from workers.engine.flatness import spreads_of
from workers.engine.regions import find_borders, find_regions
from workers.engine.softness import Softness, merge_soft
from workers.engine.translucency import without_page

SIDE, PAGE, LEFT, RIGHT, RIM = 200, 0, 1, 2, 3


def ball(page: tuple[int, int, int, int], steep: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of a shaded ball in two halves, with a rim three pixels wide around its lower part."""
    y, x = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(x - 99.5, y - 99.5)
    labels = np.where(x < 100, LEFT, RIGHT)
    labels[(away >= 70) & (y > 60)] = RIM
    labels[(away >= 73) | ((away >= 70) & (y <= 60))] = PAGE
    level = 60 + 0.5 * x
    shade = np.clip(away - 68, 0, None) * steep
    pixels = np.dstack([level + shade, level / 2 + shade, level / 3 + shade, np.full_like(level, 255)])
    pixels[labels == PAGE] = page
    return pixels.astype(np.uint8), labels.astype(np.int16)


@pytest.mark.parametrize("page", [(255, 255, 255, 255), (0, 0, 0, 0)])
def test_a_rim_is_a_part_of_the_gradient_that_goes_on_into_it(page: tuple[int, int, int, int]) -> None:
    pixels, labels = ball(page, steep=10)
    regions = find_regions(labels)
    borders = without_page(find_borders(regions, pixels), regions.labels == PAGE)
    into, paints = merge_soft(regions, borders, pixels, spreads_of(pixels) <= 10, Softness())
    names = regions.labels.tolist()
    joined = {name: names[int(into[i])] for i, name in enumerate(names)}
    assert joined == {PAGE: PAGE, LEFT: LEFT, RIGHT: LEFT, RIM: LEFT}
    assert list(paints) == [names.index(LEFT)]


def test_a_rim_says_nothing_about_the_gradient() -> None:
    pixels, labels = ball((255, 255, 255, 255), steep=10)
    regions = find_regions(labels)
    _, paints = merge_soft(regions, find_borders(regions, pixels), pixels, spreads_of(pixels) <= 10, Softness())
    for color in next(iter(paints.values())).profile[:, 1:4]:
        assert np.allclose(color, color[0] / np.array([1, 2, 3]), atol=2)


def test_a_drawn_stroke_around_a_gradient_stays() -> None:
    pixels, labels = ball((255, 255, 255, 255), steep=0)
    pixels[labels == RIM, :3] += 40
    regions = find_regions(labels)
    into, _ = merge_soft(regions, find_borders(regions, pixels), pixels, spreads_of(pixels) <= 10, Softness())
    names = regions.labels.tolist()
    assert names[int(into[names.index(RIM)])] == RIM
