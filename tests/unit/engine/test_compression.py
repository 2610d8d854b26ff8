"""What JPEG compression does to flat art, undone."""

import re

from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace

Color = tuple[int, int, int]
WHITE = (255, 255, 255)


def discs(page: Color, *colors: Color) -> bytes:
    """A JPEG file, quality 60, of discs on a page, their edges smoothed."""
    side = 512
    picture = Image.new("RGB", (4 * side, 4 * side), page)
    pen = ImageDraw.Draw(picture)
    for i, color in enumerate(colors):
        x, y = 4 * (60 + 240 * (i % 2)), 4 * (60 + 240 * (i // 2))
        pen.ellipse((x, y, x + 640, y + 640), fill=color)
    return encoded(picture.resize((side, side), Image.Resampling.BOX), "JPEG", quality=60)


def fills(data: bytes) -> set[str]:
    return set(re.findall(r'fill="(#[0-9a-f]+)"', trace(data, TraceOptions()).svg))


def levels(fill: str) -> Color:
    digits = fill[1:] if len(fill) == 7 else "".join(2 * digit for digit in fill[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def test_white_stays_white_and_black_stays_black() -> None:
    found = fills(discs(WHITE, (0, 0, 0), (200, 40, 60), (40, 120, 220)))
    assert {"#fff", "#000"} <= found
    assert 4 == len(found)


def test_a_channel_that_is_empty_stays_empty() -> None:
    assert "#00008c" in fills(discs(WHITE, (0, 0, 140), (230, 0, 40)))


def test_two_pale_colors_of_large_areas_stay_two() -> None:
    assert {"#fff", "#f2f2f2"} <= fills(discs(WHITE, (242, 242, 242), (120, 60, 40)))


def test_vivid_colors_have_no_dull_rims() -> None:
    traced = trace(discs(WHITE, (40, 120, 220), (20, 170, 90), (230, 40, 60)), TraceOptions())
    assert 4 == traced.report.colors == traced.report.paths


def test_a_small_spot_of_its_own_color_keeps_it() -> None:
    picture = Image.new("RGB", (1280, 960), (0, 0, 139))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(40, 60), (1180, 140), (300, 900)], fill=(255, 0, 0))
    pen.ellipse((1000, 600, 1048, 648), fill=(34, 139, 34))
    small = picture.resize((320, 240), Image.Resampling.BOX)
    colors = [levels(fill) for fill in fills(encoded(small, "JPEG", quality=75))]
    assert any(green > red + 30 and green > blue + 30 for red, green, blue in colors), colors


def test_an_edge_is_no_line_of_a_color_that_is_elsewhere() -> None:
    scale = 4
    picture = Image.new("RGB", (480 * scale, 480 * scale), "white")
    pen = ImageDraw.Draw(picture)
    pen.polygon([(0, 100 * scale), (0, 480 * scale), (370 * scale, 480 * scale)], fill="#1293d8")
    pen.polygon([(150 * scale, 0), (480 * scale, 0), (480 * scale, 330 * scale)], fill="#4eaee2")
    small = picture.resize((480, 480), Image.Resampling.LANCZOS)
    svg = trace(encoded(small, "JPEG", quality=60, subsampling=2), TraceOptions()).svg
    assert len(re.findall(r"[Mm](?=[-\d])", svg)) == 3, svg  # the page and both shapes
