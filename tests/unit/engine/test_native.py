"""Pictures that were enlarged are traced at the size they had; those at their own size stay as they are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.analyse import analyse_samples
from workers.engine.decode import decode
from workers.engine.flatness import premultiplied
from workers.engine.native import native
from workers.engine.samples import Samples
from workers.engine.similarity import rendered


def logo(side: int) -> Image.Image:
    """A ring, a bar and a dot with smooth edges."""
    drawing = Image.new("RGB", (4 * side, 4 * side), "white")
    pen, unit = ImageDraw.Draw(drawing), 4 * side / 100
    pen.ellipse([value * unit for value in (8, 8, 72, 72)], fill=(20, 70, 160))
    pen.ellipse([value * unit for value in (24, 24, 56, 56)], fill="white")
    pen.polygon([value * unit for value in (50, 90, 92, 40, 97, 46, 58, 95)], fill=(220, 60, 30))
    pen.ellipse([value * unit for value in (80, 10, 94, 24)], fill=(30, 150, 80))
    return drawing.resize((side, side), Image.Resampling.BOX)


def native_width(data: bytes) -> int:
    raster = decode(data)
    samples = Samples(premultiplied(raster), raster.opaque)
    return native(raster, samples, analyse_samples(samples, raster)).width


@pytest.mark.parametrize("kernel", [Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
def test_an_enlarged_logo_is_brought_back_to_its_size(kernel: Image.Resampling) -> None:
    assert 150 <= native_width(encoded(logo(200).resize((600, 600), kernel), "PNG")) <= 300


def test_a_picture_at_its_own_size_and_pixel_art_stay() -> None:
    assert native_width(encoded(logo(400), "PNG")) == 400
    sprite = Image.fromarray(np.random.default_rng(3).integers(0, 4, (80, 80), np.uint8) * np.uint8(60))
    assert native_width(encoded(sprite.convert("RGB").resize((400, 400), Image.Resampling.NEAREST), "PNG")) == 400


def checkerboard(cells: int, side: int) -> Image.Image:
    """Black and white squares."""
    board = (np.indices((cells, cells)).sum(0) % 2 * 255).astype(np.uint8)
    return Image.fromarray(board).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


def test_large_squares_are_drawn_as_they_are() -> None:
    board = checkerboard(3, 600)
    drawn = rendered(trace(encoded(board, "PNG"), TraceOptions()).svg, 600).convert("RGB")
    assert np.abs(np.asarray(drawn).astype(int) - np.asarray(board)).mean() < 1  # all gray, 126, if made smaller
