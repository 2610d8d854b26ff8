import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from shared.rasters import inspect_image
from workers.engine.resize import resize, working_size


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()


def test_flat_colors_and_edges_do_not_ring() -> None:
    picture = Image.new("RGB", (900, 700), (90, 90, 90))
    ImageDraw.Draw(picture).ellipse((200, 150, 700, 550), fill=(170, 160, 150))
    samples = np.asarray(Image.open(io.BytesIO(resize(encoded(picture), 50_000))))
    assert samples.min() >= 90
    assert (samples.reshape(-1, 3).max(0) <= (170, 160, 150)).all()


def test_colors_under_full_transparency_do_not_bleed() -> None:
    samples = np.zeros((400, 400, 4), np.uint8)
    samples[..., 0] = 255
    samples[100:300, 100:300] = (0, 0, 255, 255)
    small = np.asarray(Image.open(io.BytesIO(resize(encoded(Image.fromarray(samples)), 9_999))))
    seen = small[small[..., 3] > 8]
    assert seen[:, 0].max() <= 8
    assert small[..., 3].min() == 0


def test_metadata_is_gone_and_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    stored = encoded(Image.new("RGB", (300, 200), "red"), "JPEG", exif=exif, comment=b"secret word")
    small = resize(stored, 15_000)
    header = inspect_image(small)
    assert (header.format, header.orientation) == ("png", 1)
    assert header.height > header.width
    assert b"secret" not in small
    assert b"eXIf" not in small


def test_a_small_picture_keeps_its_size() -> None:
    header = inspect_image(resize(encoded(Image.new("RGBA", (30, 20), (1, 2, 3, 4))), 600))
    assert (header.width, header.height, header.has_alpha) == (30, 20, True)


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(1, 5_000_000))
def test_the_working_size_keeps_within_the_limit(width: int, height: int, limit: int) -> None:
    small_width, small_height = working_size(width, height, limit)
    assert 1 <= small_width * small_height <= max(limit, 1)
    assert small_width <= width
    assert small_height <= height


@pytest.mark.parametrize("size", [(7000, 5000), (5000, 7000), (20_000, 3)])
def test_proportions_are_kept(size: tuple[int, int]) -> None:
    width, height = working_size(*size, 4_000_000)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
