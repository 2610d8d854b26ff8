"""Outlines at the page's edge: what only touches it ends in front of it, and what it cuts off reaches it everywhere."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.margin import BEST, COVERED, LEAST, PAGE_LEEWAY, place_at_edge
from workers.engine.similarity import rendered

SIDE, FINE = 300, 8
PAGE, INK = 0, 1
DARK, WHITE, CLEAR = (20.0, 40, 90, 255), (255.0, 255, 255, 255), (0.0, 0, 0, 0)


def blob() -> NDArray[np.bool_]:
    """A rounded diamond that touches all four sides of the page, FINE times as large."""
    y, x = np.abs((np.mgrid[: SIDE * FINE, : SIDE * FINE] + 0.5) / FINE - SIDE / 2) / (SIDE / 2)
    return x**1.7 + y**1.7 < 1


def wave() -> NDArray[np.bool_]:
    """What lies below a wave, and runs off the page to the left, the right and the bottom."""
    y, x = (np.mgrid[: SIDE * FINE, : SIDE * FINE] + 0.5) / FINE
    return y > 90 + 40 * np.sin(x / 31)


def drawn(shape: NDArray[np.bool_], *, clear: bool) -> Image.Image:
    share = shape.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))
    picture = Image.new("RGBA", (SIDE, SIDE), tuple(map(int, DARK)))
    picture.putalpha(Image.fromarray(np.rint(255 * share).astype(np.uint8)))
    if clear:
        return picture
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture)
    return page.convert("RGB")


def shape_in(svg: str, *, clear: bool) -> NDArray[np.bool_]:
    """Where the ink is, FINE times as large."""
    pixels = np.asarray(rendered(svg, SIDE * FINE))
    return pixels[..., 3] > 127 if clear else pixels[..., 0] < 128


@pytest.mark.parametrize("clear", [True, False])
def test_a_round_shape_that_touches_the_edges_keeps_its_form(*, clear: bool) -> None:
    shape = blob()
    wrong = shape_in(trace(encoded(drawn(shape, clear=clear)), TraceOptions()).svg, clear=clear) != shape
    rows = (wrong[:FINE], wrong[-FINE:], wrong[:, :FINE], wrong[:, -FINE:])
    assert sum(row.sum() for row in rows) / FINE**2 < 6


@pytest.mark.parametrize("clear", [True, False])
def test_what_the_edge_cuts_off_reaches_it_everywhere(*, clear: bool) -> None:
    shape = wave()
    seen = shape_in(trace(encoded(drawn(shape, clear=clear)), TraceOptions()).svg, clear=clear)
    assert seen[-1].all()
    for column in (0, -1):
        inside = shape[:, column].copy()
        inside[: np.flatnonzero(inside)[0] + FINE // 2] = False
        assert seen[inside, column].all()


def placed(
    pixels: NDArray[np.uint8], other: tuple[float, ...], *, hidden: bool = False, soft: bool = False
) -> list[float]:
    """The point at the page's top edge, in the middle of a row of ink, after it was placed; it began at (8.5, 0)."""
    labels = np.full(pixels.shape[:2], INK, np.int16)
    labels[:, :4] = PAGE
    point = np.array([8.5, 0, 0, 0, 0, 0, 0])
    place_at_edge(pixels, np.array([other, DARK]), labels, 0, 8, -1, 0, hidden, soft, point)
    return point.tolist()


def ink(share: float, other: tuple[float, ...]) -> NDArray[np.uint8]:
    """Ink in columns 4 to 15 with this share of its first row the other color's, as are columns 0 to 3."""
    pixels = np.empty((6, 16, 4))
    pixels[:], pixels[:, :4] = DARK, other
    pixels[0, 4:] = (1 - share) * np.array(DARK) + share * np.array(other)
    return np.rint(pixels).astype(np.uint8)


@pytest.mark.parametrize("other", [WHITE, CLEAR])
def test_the_share_of_the_neighbor_tells_where_the_outline_is(other: tuple[float, ...]) -> None:
    x, y, *leeway = placed(ink(0.25, other), other)
    assert (8.5, [0.0] * 5) == (x, leeway)
    assert y == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("pixels", "other", "hidden", "soft", "least"),
    [
        (ink(0.0, CLEAR), CLEAR, False, False, LEAST),  # nothing else is in the pixels
        (ink(0.25, WHITE), WHITE, False, True, LEAST),  # a soft picture's colors do not tell
        (ink(0.25, (60.0, 80, 130, 255)), (60.0, 80, 130, 255), False, False, LEAST),  # the other color is too close
        (ink(0.25, CLEAR), CLEAR, True, False, COVERED),  # a later shape covers it
    ],
)
def test_elsewhere_it_may_run_over_the_edge(
    pixels: NDArray[np.uint8], other: tuple[float, ...], hidden: bool, soft: bool, least: float
) -> None:
    assert [8.5, 0, 0, -1, least, BEST, PAGE_LEEWAY] == placed(pixels, other, hidden=hidden, soft=soft)


def test_a_mixture_two_pixels_deep_is_no_edge() -> None:
    pixels = ink(0.25, WHITE)
    pixels[1] = pixels[0]
    assert placed(pixels, WHITE)[1] == 0


def test_only_the_opaque_ends_where_it_gets_clear() -> None:
    pixels, labels = ink(0.25, CLEAR), np.full((6, 16), INK, np.int16)
    glass, point = np.array([CLEAR, (10.0, 20, 45, 128)]), np.zeros(7)
    place_at_edge(pixels // 2, glass, labels, 0, 8, -1, 0, False, False, point)
    assert [LEAST, BEST, PAGE_LEEWAY] == point[4:].tolist()
