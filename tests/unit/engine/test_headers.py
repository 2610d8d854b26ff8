import io
import os
import struct
import time
import zlib

import pytest
from PIL import Image

from shared.errors import AnimatedImage, ImageUndecodable, TooManyPixels, UnsupportedMediaType, UploadTooLarge
from shared.rasters import check_image, inspect_image, verify_image


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """A valid one-bit PNG of any size in few bytes: its rows are all zero."""
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height), 9)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def test_type_is_told_by_content() -> None:
    assert inspect_image(encoded(noise(5, 4), "PNG")).format == "png"
    assert inspect_image(encoded(noise(5, 4), "JPEG")).format == "jpeg"
    assert inspect_image(encoded(noise(5, 4), "JPEG", progressive=True)).width == 5


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"%PDF-1.7", b"\x89PN", b"\xff\xd8"])
def test_other_types_are_not_supported(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        inspect_image(data)


def test_a_144_megapixel_png_is_judged_in_a_blink() -> None:
    data = png_of(12_000, 12_000)
    started = time.perf_counter()
    with pytest.raises(TooManyPixels):
        check_image(data, max_bytes=20_000_000, max_pixels=40_000_000)
    assert time.perf_counter() - started < 0.02


def test_too_many_bytes_are_refused_first() -> None:
    with pytest.raises(UploadTooLarge):
        check_image(b"x" * 11, max_bytes=10, max_pixels=10)


def test_an_animated_png_is_refused() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)
    assert inspect_image(data).animated
    with pytest.raises(AnimatedImage):
        check_image(data, max_bytes=10_000, max_pixels=10_000)


def test_alpha_and_depth_are_read() -> None:
    header = inspect_image(encoded(Image.new("RGBA", (3, 2)), "PNG"))
    assert (header.has_alpha, header.bits, header.channels, header.pixels) == (True, 8, 4, 6)
    assert inspect_image(encoded(Image.new("P", (3, 2)), "PNG", transparency=0)).has_alpha
    assert not inspect_image(encoded(noise(3, 2), "JPEG")).has_alpha


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_truncation_is_found(kind: str) -> None:
    data = encoded(noise(40, 30), kind)
    for length in range(20, len(data) - 2, 97):
        with pytest.raises((ImageUndecodable, UnsupportedMediaType)):
            verify_image(data[:length])
    assert verify_image(data).pixels == 1200


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncation_is_found_without_decoding(kind: str) -> None:
    data = encoded(noise(40, 30), kind)
    with pytest.raises(ImageUndecodable):
        verify_image(data[:-8], decode_up_to=0)
    assert verify_image(data, decode_up_to=0).width == 40


def test_a_flipped_bit_in_a_png_is_found_without_decoding() -> None:
    data = bytearray(encoded(noise(40, 30), "PNG"))
    data[500] ^= 4
    with pytest.raises(ImageUndecodable):
        verify_image(bytes(data), decode_up_to=0)


def test_a_png_that_lies_about_its_size_is_found() -> None:
    data = encoded(noise(40, 30), "PNG")
    liar = data[:8] + chunk(b"IHDR", struct.pack(">II", 400, 300) + data[24:29]) + data[33:]
    with pytest.raises(ImageUndecodable):
        verify_image(liar)


def test_an_embedded_thumbnail_does_not_end_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x9286] = encoded(noise(16, 16), "JPEG")
    data = encoded(noise(64, 64), "JPEG", exif=exif)
    assert data.count(b"\xff\xd9") >= 2
    with pytest.raises(ImageUndecodable):
        verify_image(data[: len(data) // 2], decode_up_to=0)


def test_impossible_headers_are_undecodable() -> None:
    good = png_of(4, 4)
    for bad in (good[:20], good.replace(b"IHDR", b"IHDX"), png_of(1, 1)[:16] + bytes(30)):
        with pytest.raises(ImageUndecodable):
            inspect_image(bad)
    with pytest.raises(ImageUndecodable):
        inspect_image(b"\xff\xd8\xff\xe0\x00\x04ab")
