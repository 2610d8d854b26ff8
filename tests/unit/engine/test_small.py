"""Small pictures, finely drawn ones, and small things in them: what is thinner than a pixel has to survive."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import analyse_image, trace
from workers.engine.decode import Pixels
from workers.engine.enlarge import doubled
from workers.engine.flatness import spreads_of
from workers.engine.regions import find_regions
from workers.engine.similarity import rendered

FINE = 8
"""Pictures are drawn at so many times their size and then reduced, so that every pixel is covered truly."""


def written(text: str, size: int, ink: str, paper: str) -> Image.Image:
    """Text of so many pixels, drawn fine."""
    picture = Image.new("RGB", (128 * FINE, 24 * FINE), paper)
    font = ImageFont.load_default(size * FINE)
    ImageDraw.Draw(picture).text((4 * FINE, 4 * FINE), text, font=font, fill=ink)
    return picture


def reduced(picture: Image.Image, quality: int) -> bytes:
    """The picture at its own size: a PNG, or a JPEG of this quality."""
    small = picture.resize((picture.width // FINE, picture.height // FINE), Image.Resampling.BOX)
    return encoded(small, "JPEG", quality=quality) if quality else encoded(small)


def drawn(data: bytes, width: int) -> Image.Image:
    return rendered(trace(data, TraceOptions()).svg, width).convert("RGB")


def pieces(picture: Image.Image, paper: str) -> int:
    """How many connected pieces of ink of more than a dot there are on the paper."""
    ground = np.asarray(Image.new("RGB", (1, 1), paper)).astype(int)
    ink = np.abs(np.asarray(picture).astype(int) - ground).max(2) > 90
    regions = find_regions(ink.astype(np.int16))
    return int(((regions.labels == 1) & (regions.areas > FINE * FINE // 4)).sum())


def test_letters_of_thin_slanting_strokes_hang_together() -> None:
    truth = written("V A X W K Z 7", 14, "white", "#2255aa")
    assert pieces(drawn(reduced(truth, 0), truth.width), "#2255aa") == pieces(truth, "#2255aa") == 7


@pytest.mark.parametrize(("quality", "most"), [(0, 0.4), (60, 0.5)])
def test_small_text_has_its_ink_where_it_was_written(quality: int, most: float) -> None:
    truth = written("Vexy map.AKW 38", 11, "black", "white")
    was = 255 - np.asarray(truth.convert("L")).astype(float)
    now = 255 - np.asarray(drawn(reduced(truth, quality), truth.width).convert("L")).astype(float)
    assert np.abs(was - now).sum() < most * was.sum()
    assert abs(now.sum() - was.sum()) < 0.1 * was.sum()


def disc() -> Pixels:
    """A picture with edges of all directions."""
    picture = Image.new("RGBA", (40 * FINE, 40 * FINE), "#ffffff")
    ImageDraw.Draw(picture).ellipse((50, 60, 260, 240), fill="#1030a0")
    return np.asarray(picture.resize((40, 40), Image.Resampling.BOX)).copy()


def test_a_doubled_picture_covers_what_the_picture_covers() -> None:
    pixels = disc()
    twice = doubled(pixels, spreads_of(pixels))
    means = twice.reshape(40, 2, 40, 2, 4).mean((1, 3))
    assert np.abs(means - pixels).max() < 2


def test_doubling_makes_an_edge_crisp_and_no_color_that_was_not_there() -> None:
    pixels = disc()
    twice = doubled(pixels, spreads_of(pixels))
    assert int(twice[..., 0].min()) == 0x10
    between = (pixels[..., 0] > 0x30) & (pixels[..., 0] < 0xE0)
    still = (twice[..., 0] > 0x30) & (twice[..., 0] < 0xE0)
    # An edge runs through twice as many pixels that are half as large.
    assert still.sum() < 2 * between.sum()


def beads(rows: int) -> Image.Image:
    """Rows of rings, drawn with a line of one pixel, that nearly touch, on white and on green, drawn fine."""
    side = 300 * FINE
    picture = Image.new("RGB", (side, side), "#198a00")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, side, side // 2), fill="white")
    for row in range(rows):
        for k in range(24):
            x, y, reach = (20 + 8.2 * k + 0.37 * row) * FINE, (100 + 9 * row) * FINE, 4 * FINE
            box = (x - reach, y - reach, x + reach, y + reach)
            pen.ellipse(box, outline="black", width=FINE, fill="#eaca00" if k % 2 else None)
    return picture


def test_fine_strokes_hang_together_in_pictures_that_are_not_small() -> None:
    truth = beads(5)
    now = np.asarray(drawn(reduced(truth, 0), truth.width)).astype(float)
    assert np.abs(now - np.asarray(truth)).mean() < 2.0


@pytest.mark.parametrize(("rows", "fine"), [(5, True), (0, False)])
def test_only_finely_drawn_pictures_are_said_to_be(rows: int, fine: bool) -> None:
    assert analyse_image(reduced(beads(rows), 0)).fine is fine


def test_fine_pictures_need_no_finer_numbers() -> None:
    """They are traced at twice their size, where half as many units in a pixel are as exact."""
    page = beads(5)
    wide = page.width // FINE
    for precision, units in ((0, 2), (1, 10), (2, 100)):
        svg = trace(reduced(page, 0), TraceOptions(precision=precision)).svg
        assert f'width="{wide}"' in svg
        assert f'viewBox="0 0 {wide * units} ' in svg


def test_small_things_keep_a_color_that_is_nowhere_else_beside_many_shades() -> None:
    picture = Image.new("RGB", (300, 200), "#ff0000")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 120, 300, 200), "#17178f")
    draw.rectangle((0, 0, 299, 199), None, "#ffc0c0")  # a page's edge that runs through pixels: no odd color
    draw.rectangle((0, 120, 299, 199), None, "#c5c5e3")
    draw.rectangle((0, 60, 299, 62), "#ffffff")
    for x in range(20, 280, 26):
        draw.rectangle((x, 150, x + 1, 151), "#f0d010")
    assert "#f0d010" in trace(encoded(picture), TraceOptions()).svg
