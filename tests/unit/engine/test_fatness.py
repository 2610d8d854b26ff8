import numpy as np
from numpy.typing import NDArray

from workers.engine.fatness import thinned
from workers.engine.regions import Regions, find_regions

SIDE, FINE = 96, 8
DARK, LIGHT = 40.0, 240.0


def disc() -> NDArray[np.float64]:
    """The share of every pixel that a disc covers."""
    y, x = (np.mgrid[: SIDE * FINE, : SIDE * FINE] + 0.5) / FINE
    inside = np.hypot(x - 47.3, y - 48.6) < 30.2
    return inside.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))


def painted(cover: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A dark shape of this coverage on a light page."""
    pixels = np.full((SIDE, SIDE, 4), 255, np.uint8)
    pixels[..., :3] = np.rint(LIGHT + cover[..., None] * (DARK - LIGHT))
    return pixels


def regions_of(cover: NDArray[np.float64]) -> Regions:
    """The page and the shape."""
    return find_regions((cover >= 0.5).astype(np.int16))


def area_seen(pixels: NDArray[np.uint8]) -> float:
    """Dark area in pixels."""
    return float((LIGHT - pixels[..., 0].astype(float)).sum() / (LIGHT - DARK))


def excess(seen: NDArray[np.float64]) -> tuple[float, float]:
    """How much too far out the disc's outline lies, in pixels: as it is seen, and after thinning."""
    regions, pixels, around = regions_of(seen), painted(seen), 2 * np.pi * 30.2
    ranks = np.arange(regions.count, dtype=np.int32)
    true = float(disc().sum())
    return (area_seen(pixels) - true) / around, (area_seen(thinned(pixels, regions, ranks)) - true) / around


def test_three_layers_with_one_outline_become_thinner() -> None:
    before, after = excess(1 - (1 - disc()) ** 3)
    assert before > 0.25
    assert 0 <= after < 0.85 * before


def test_an_edge_without_any_partly_covered_pixel_moves_in() -> None:
    before, after = excess((disc() > 0).astype(float))
    assert before > 0.5
    assert abs(after) < 0.6 * before


def test_a_common_edge_stays_as_it_is() -> None:
    pixels, regions = painted(disc()), regions_of(disc())
    assert np.array_equal(thinned(pixels, regions, np.arange(regions.count, dtype=np.int32)), pixels)


def test_a_straight_edge_that_half_covers_its_pixels_stays_as_it_is() -> None:
    cover = np.zeros((SIDE, SIDE))
    cover[20:70, 30:60], cover[20:70, 60] = 1.0, 0.8
    pixels, regions = painted(cover), regions_of(cover)
    assert np.array_equal(thinned(pixels, regions, np.arange(regions.count, dtype=np.int32)), pixels)


def test_a_dark_rim_at_the_page_is_not_fat_for_its_color() -> None:
    """Alpha alone tells how much of a pixel is page: here the outermost are shaded, and covered as they should."""
    cover, regions = disc(), regions_of(disc())
    shade = np.where(cover < 1, 120.0, 240.0)
    pixels = np.rint(np.dstack([*(cover * shade,) * 3, cover * 255])).astype(np.uint8)
    assert np.array_equal(thinned(pixels, regions, np.arange(regions.count, dtype=np.int32)), pixels)


def test_a_level_edge_is_left_where_it_is() -> None:
    """Of a wholly covered row nobody knows how much of it was covered; of a slanted edge the stairs tell."""
    y, x = np.mgrid[:SIDE, :SIDE]
    shape = (y >= 20) & (y < 70) & (x > 10 + 0.31 * y)
    pixels, regions = painted(shape.astype(float)), regions_of(shape.astype(float))
    thin = thinned(pixels, regions, np.arange(regions.count, dtype=np.int32))
    assert np.array_equal(thin[20, 40:80], pixels[20, 40:80])
    assert (thin[24:66] != pixels[24:66]).any(axis=(1, 2)).mean() > 0.9


def test_a_level_edge_stays_although_two_pieces_of_a_shape_lie_along_it() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    shape = (y >= 20) & (y < 70) & (x > 10 + 0.31 * y)
    pixels = painted(shape.astype(float))
    first = shape & (x < 44)  # 12 pixels of the lower edge, too few to call them level
    regions = find_regions((shape.astype(np.int16) + first).astype(np.int16))
    thin = thinned(pixels, regions, np.arange(regions.count, dtype=np.int32))
    assert np.array_equal(thin[69, 36:44], pixels[69, 36:44])
    assert not np.array_equal(thin[40, 20:30], pixels[40, 20:30])  # the slanted side is fat
