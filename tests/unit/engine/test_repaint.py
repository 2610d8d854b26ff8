"""Every flat area in its own color: exactly in a PNG, and as well as its noise allows in a JPEG."""

import re

import numpy as np
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace

Color = tuple[int, int, int]
Disc = tuple[int, int, int, Color]
SIDE, FINE = 320, 4


def picture(page: Color, *discs: Disc) -> Image.Image:
    """Discs (x, y, radius and color) on a page, their edges smoothed."""
    drawing = Image.new("RGB", (FINE * SIDE, FINE * SIDE), page)
    pen = ImageDraw.Draw(drawing)
    for x, y, radius, color in discs:
        pen.ellipse([FINE * value for value in (x - radius, y - radius, x + radius, y + radius)], fill=color)
    return drawing.resize((SIDE, SIDE), Image.Resampling.BOX)


def fills(data: bytes, options: TraceOptions | None = None) -> set[str]:
    return set(re.findall(r'fill="(#[0-9a-f]+)"', trace(data, options or TraceOptions()).svg))


def levels(fill: str) -> Color:
    digits = fill[1:] if len(fill) == 7 else "".join(2 * digit for digit in fill[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def code(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


ORANGE, DARKER, RED = (244, 122, 3), (244, 113, 3), (222, 78, 5)


def test_colors_that_look_alike_stay_exact_where_they_touch() -> None:
    art = picture((250, 251, 252), (160, 160, 120, ORANGE), (180, 180, 70, DARKER), (60, 60, 40, RED))
    assert {code((250, 251, 252)), code(ORANGE), code(DARKER), code(RED)} == fills(encoded(art, "PNG"))


def test_areas_apart_that_look_alike_have_their_own_colors() -> None:
    first, second = (135, 83, 52), (139, 88, 56)
    art = picture((255, 255, 255), (80, 80, 60, first), (80, 240, 60, second), (240, 160, 70, first))
    assert {"#fff", code(first), code(second)} == fills(encoded(art, "PNG"))


def test_a_small_spot_of_a_jpeg_has_its_own_color() -> None:
    ground, spot = (120, 60, 40), (134, 70, 50)
    art = picture((255, 255, 255), (80, 160, 60, ground), (240, 160, 8, spot))
    found = fills(encoded(art, "JPEG", quality=75))
    assert 3 == len(found)
    assert min(max(abs(a - b) for a, b in zip(levels(fill), spot, strict=True)) for fill in found) <= 5


def test_areas_of_one_color_go_on_sharing_it_in_a_jpeg() -> None:
    spots = [(40 + 60 * (i % 5), 40 + 60 * (i // 5), 4 + i, (200, 40, 60)) for i in range(20)]
    assert 2 == len(fills(encoded(picture((255, 255, 255), *spots), "JPEG", quality=60)))


def test_a_flat_area_is_not_drawn_into_a_gradient_inside_it() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    way = np.hypot(x - SIDE / 2, y - SIDE / 2)
    art = np.where((way < 60)[..., None], 250 - 0.8 * (60 - way[..., None]), (250.0, 250.0, 252.0))
    assert "#fafafc" in fills(encoded(Image.fromarray(art.round().astype(np.uint8)), "PNG"))


def test_the_number_of_colors_asked_for_holds() -> None:
    art = picture((250, 251, 252), (160, 160, 120, ORANGE), (180, 180, 70, DARKER), (60, 60, 40, RED))
    assert 3 == len(fills(encoded(art, "PNG"), TraceOptions(colors=3)))
