"""Golden facts, not golden bytes: whatever a picture is made of, its drawing shows the right colors in their places.

The scene is lopsided on purpose: a red square top left, a blue disc bottom right, a green bar along the bottom.
"""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from shared.errors import TooManyPixels
from shared.tracing import TraceOptions
from tests.pixels import color_at
from workers.engine import Limits, inspect_image, resize, trace
from workers.engine.similarity import rendered

WIDTH, HEIGHT = 240, 160
RED, BLUE, GREEN, WHITE = (220, 40, 30), (30, 60, 200), (40, 150, 60), (255, 255, 255)
PLACES = {(45, 45): RED, (180, 80): BLUE, (120, 150): GREEN, (120, 20): WHITE, (225, 20): WHITE}


def scene(mode: str = "RGB", scale: int = 1) -> Image.Image:
    """The scene, drawn large and averaged down so that its edges are anti-aliased."""
    page = (0, 0, 0, 0) if mode == "RGBA" else WHITE
    picture = Image.new(mode, (WIDTH * 4, HEIGHT * 4), page)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((80, 80, 279, 279), fill=RED)
    pen.ellipse((560, 160, 880, 480), fill=BLUE)
    pen.rectangle((0, 560, 959, 639), fill=GREEN)
    return picture.resize((WIDTH * scale, HEIGHT * scale), Image.Resampling.BOX)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()


def drawn(data: bytes, **limits: int) -> Image.Image:
    """The rendered trace, after checking the facts that hold for every drawing."""
    traced = trace(data, TraceOptions(), limits=Limits(**limits) if limits else None)
    report = traced.report
    assert traced.svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="')
    assert f'width="{report.width}" height="{report.height}" viewBox="0 0 ' in traced.svg
    assert "<title" not in traced.svg, "browsers show it as a tooltip"
    assert "<script" not in traced.svg
    assert "<image" not in traced.svg
    assert report.bytes == len(traced.svg.encode())
    return rendered(traced.svg, report.width)


def assert_shows_scene(picture: Image.Image, tolerance: int = 10) -> None:
    assert picture.size == (WIDTH, HEIGHT)
    for place, color in PLACES.items():
        assert np.abs(np.array(color_at(picture, place)) - (*color, 255)).max() <= tolerance, place


def sixteen_bit_png(picture: Image.Image) -> bytes:
    """A PNG with 16 bits a channel, written by hand: Pillow writes none in color."""
    samples = np.asarray(picture).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in samples)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", picture.width, picture.height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_an_rgb_png_shows_the_scene() -> None:
    assert_shows_scene(drawn(saved(scene())))


def test_a_jpeg_shows_the_scene() -> None:
    assert_shows_scene(drawn(saved(scene(), "JPEG", quality=70)), tolerance=14)


def test_a_transparent_png_stays_transparent_where_it_was() -> None:
    picture = drawn(saved(scene("RGBA")))
    for place, color in PLACES.items():
        if color == WHITE:
            assert color_at(picture, place)[3] == 0
        else:
            assert np.abs(np.array(color_at(picture, place)) - (*color, 255)).max() <= 4


def test_a_hole_in_a_shape_stays_a_hole() -> None:
    holed = scene("RGBA")
    ImageDraw.Draw(holed).ellipse((172, 72, 188, 88), fill=(0, 0, 0, 0))
    picture = drawn(saved(holed))
    assert color_at(picture, (180, 80))[3] == 0
    assert color_at(picture, (160, 80)) == (*BLUE, 255)


def test_partial_alpha_stays_partial() -> None:
    veiled = scene("RGBA")
    veil = Image.new("RGBA", veiled.size, (0, 0, 0, 0))
    ImageDraw.Draw(veil).rectangle((90, 30, 129, 109), fill=(250, 200, 0, 128))
    veiled.alpha_composite(veil)
    red, green, blue, alpha = color_at(drawn(saved(veiled)), (110, 70))
    assert abs(alpha - 128) <= 6
    assert np.abs(np.array((red, green, blue)) - (250, 200, 0)).max() <= 8


def test_color_under_full_transparency_does_not_show() -> None:
    hidden = np.array(scene("RGBA"))
    hidden[hidden[..., 3] == 0] = (255, 0, 255, 0)
    picture = np.asarray(drawn(saved(Image.fromarray(hidden))))
    magenta = (picture[..., 0] > 150) & (picture[..., 1] < 100) & (picture[..., 2] > 150) & (picture[..., 3] > 40)
    assert not magenta.any()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = scene().transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for data in (saved(stored, "JPEG", quality=92, exif=exif), saved(stored, exif=exif)):
        header = inspect_image(data)
        assert (header.width, header.height) == (WIDTH, HEIGHT)
        assert_shows_scene(drawn(data))


def test_a_cmyk_jpeg_with_adobes_inverted_samples_shows_the_scene() -> None:
    data = saved(scene().convert("CMYK"), "JPEG", quality=92)
    assert b"Adobe" in data[:200]
    assert_shows_scene(drawn(data), tolerance=14)


def test_a_cmyk_jpeg_without_adobes_marker_shows_the_scene() -> None:
    data = saved(Image.fromarray(255 - np.asarray(scene().convert("CMYK")), "CMYK"), "JPEG", quality=92)
    start = data.index(b"\xff\xee")
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    assert_shows_scene(drawn(data[:start] + data[start + 2 + length :]), tolerance=14)


def test_a_sixteen_bit_png_shows_the_scene() -> None:
    data = sixteen_bit_png(scene())
    assert inspect_image(data).bits == 16
    assert_shows_scene(drawn(data))


def test_sixteen_bit_gray_keeps_its_shades() -> None:
    samples = np.full((80, 120), 65_535, np.uint16)
    samples[20:60, 20:60] = 20_000
    picture = drawn(saved(Image.fromarray(samples)))
    assert abs(color_at(picture, (40, 40))[0] - 78) <= 3
    assert color_at(picture, (100, 40))[:3] == WHITE


def test_a_palette_png_shows_the_scene() -> None:
    data = saved(scene().quantize(32))
    assert inspect_image(data).channels == 1
    assert_shows_scene(drawn(data), tolerance=16)


def test_a_palette_png_with_a_transparent_entry_stays_transparent() -> None:
    picture = Image.new("P", (80, 60), 0)
    picture.putpalette([255, 0, 255, *RED])
    picture.paste(1, (20, 20, 60, 50))
    shown = drawn(saved(picture, transparency=0))
    assert color_at(shown, (5, 5))[3] == 0
    assert color_at(shown, (40, 30)) == (*RED, 255)


def test_gray_and_gray_with_alpha_keep_their_shades() -> None:
    gray = Image.new("L", (80, 60), 240)
    gray.paste(60, (20, 20, 60, 50))
    assert color_at(drawn(saved(gray)), (40, 30)) == (60, 60, 60, 255)
    gray.putalpha(gray.point([255] * 240 + [0] + [255] * 15))
    shown = drawn(saved(gray))
    assert (color_at(shown, (40, 30)), color_at(shown, (5, 5))[3]) == ((60, 60, 60, 255), 0)


def test_a_bilevel_png_is_black_and_white() -> None:
    picture = Image.new("1", (64, 64), 1)
    ImageDraw.Draw(picture).polygon((8, 8, 56, 8, 8, 56), fill=0)
    shown = drawn(saved(picture))
    assert (color_at(shown, (16, 16))[:3], color_at(shown, (56, 56))[:3]) == ((0, 0, 0), WHITE)


def test_an_icc_profile_is_converted_to_srgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "BGRs".encode("utf-16-be"))
    assert swapped != profile
    red, green, blue = scene().split()
    stored = Image.merge("RGB", (blue, green, red))
    assert_shows_scene(drawn(saved(stored, icc_profile=swapped)))
    assert_shows_scene(drawn(saved(scene(), icc_profile=profile)))


def test_a_profile_that_makes_no_sense_is_ignored() -> None:
    assert_shows_scene(drawn(saved(scene(), icc_profile=b"not a profile at all")))


@pytest.mark.parametrize("color", [(255, 0, 0, 255), (0, 128, 0, 128), (0, 0, 0, 0)])
def test_a_single_pixel_is_a_single_square(color: tuple[int, int, int, int]) -> None:
    picture = drawn(saved(Image.new("RGBA", (1, 1), color)))
    assert picture.size == (1, 1)
    assert np.abs(np.array(color_at(picture, (0, 0))) - color).max() <= 2


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (2, 2), (3, 40)])
def test_slivers_are_drawn(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, WHITE)
    picture.putpixel((0, 0), RED)
    assert drawn(saved(picture)).size == size


def test_thirty_five_megapixels_are_resized_and_traced_upright() -> None:
    large = scene().resize((7000, 5000), Image.Resampling.BICUBIC)
    data = saved(large, compress_level=1)
    small = resize(data, 4_000_000)
    header = inspect_image(small)
    assert header.pixels <= 4_000_000
    assert abs(header.width / header.height - 1.4) < 0.01
    assert_shows_scene(drawn(small).resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def test_more_pixels_than_the_limit_are_refused_before_decoding() -> None:
    with pytest.raises(TooManyPixels):
        trace(saved(scene()), TraceOptions(), limits=Limits(max_pixels=1000))


def test_a_round_shape_that_meets_all_four_edges_leaves_the_corners_clear() -> None:
    disc = Image.new("RGBA", (800, 800), (0, 0, 0, 0))
    ImageDraw.Draw(disc).ellipse((0, 0, 799, 799), fill=RED)
    picture = drawn(saved(disc.resize((200, 200), Image.Resampling.BOX)))
    assert (*RED, 255) == color_at(picture, (100, 100))
    assert [0] * 4 == [color_at(picture, corner)[3] for corner in ((1, 1), (198, 1), (1, 198), (198, 198))]


def test_a_rectangle_that_was_resized_stays_four_straight_lines() -> None:
    large = Image.new("RGB", (3500, 2500), WHITE)
    ImageDraw.Draw(large).rectangle((200, 250, 1499, 999), fill=RED)
    traced = trace(saved(large), TraceOptions(), limits=Limits(working_pixels=1_000_000))
    paths = re.findall(r' d="([^"]+)"', traced.svg)
    assert 2 == len(paths)
    assert re.fullmatch(r"M\d+ \d+[hv]-?\d+[hv]-?\d+[hv]-?\d+z", paths[1]), paths[1]


def test_the_tip_of_a_needle_stays_a_point() -> None:
    places = [(100, 20), (115, 150), (85, 150)]
    large = Image.new("RGB", (1600, 1600), WHITE)
    ImageDraw.Draw(large).polygon([(8 * x, 8 * y) for x, y in places], fill=RED)
    traced = trace(saved(large.resize((200, 200), Image.Resampling.BOX)), TraceOptions())
    assert 4 + 3 == traced.report.segments  # the page, and three straight sides
    assert color_at(rendered(traced.svg, 1600), (800, 172))[1] < 128
    assert (*WHITE, 255) == color_at(rendered(traced.svg, 1600), (800, 150))
