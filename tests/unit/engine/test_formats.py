"""Every format, opened by readers that share no code with the writers, beside what resvg makes of the SVG."""

import io
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from shared.errors import TooComplex
from shared.outputs import FORMATS, Format, output_size
from shared.tracing import TraceOptions
from tests.pixels import encoded
from tests.readers import DPI, error, pdf_page
from workers.engine import trace, write_format
from workers.engine.artwork import read_artwork, steps
from workers.engine.similarity import rendered

SAMPLES = Path(__file__).parents[3] / "samples"
PLENTY = 50_000_000
WIDTH_MM = 120.0
PIXELS = round(WIDTH_MM / 25.4 * DPI)


def glass() -> bytes:
    """A half clear disc over an opaque square, with a hole."""
    page = Image.new("RGBA", (1200, 960), (0, 0, 0, 0))
    ImageDraw.Draw(page).rectangle((80, 80, 560, 560), fill=(20, 90, 200, 255))
    disc = Image.new("RGBA", page.size, (0, 0, 0, 0))
    ImageDraw.Draw(disc).ellipse((320, 240, 1120, 880), fill=(220, 40, 40, 128))
    page = Image.alpha_composite(page, disc)
    ImageDraw.Draw(page).ellipse((600, 400, 800, 600), fill=(0, 0, 0, 0))
    return encoded(page.resize((300, 240), Image.Resampling.BOX))


def gradients() -> bytes:
    """A linear gradient with a radial one on it."""
    across = Image.linear_gradient("L").resize((400, 300))
    page = Image.merge("RGB", (across, ImageChops.invert(across), Image.new("L", (400, 300), 120)))
    ring = Image.radial_gradient("L").resize((160, 160))
    page.paste(Image.merge("RGB", (ring, ring, Image.new("L", ring.size, 200))), (40, 60))
    return encoded(page)


def fade() -> bytes:
    """One color that fades from clear to opaque."""
    page = Image.new("RGBA", (320, 240), (230, 60, 40, 255))
    page.putalpha(Image.linear_gradient("L").rotate(90).resize(page.size))
    return encoded(page)


PICTURES: dict[str, Callable[[], bytes]] = {
    "logo": (SAMPLES / "logo.png").read_bytes,
    "harbor": (SAMPLES / "harbor.jpg").read_bytes,
    "glass": glass,
    "gradients": gradients,
    "fade": fade,
}
PRESETS = ("auto", "cut")
each_drawing = pytest.mark.parametrize(("name", "preset"), [(name, preset) for name in PICTURES for preset in PRESETS])


@cache
def traced(name: str, preset: str) -> str:
    return trace(PICTURES[name](), TraceOptions.model_validate({"preset": preset})).svg


def written(svg: str, wanted: Format, **options: object) -> bytes:
    return write_format(svg, wanted, TraceOptions.model_validate(options), most_bytes=PLENTY)


def sized(svg: str, wanted: Format, **options: object) -> bytes:
    return written(svg, wanted, width=WIDTH_MM, unit="mm", dpi=DPI, **options)


@each_drawing
def test_a_pdf_is_the_drawing_at_its_exact_size(name: str, preset: str) -> None:
    svg = traced(name, preset)
    picture, (width, height) = pdf_page(sized(svg, "pdf"))
    view = read_artwork(svg).view
    assert (width, height) == pytest.approx((WIDTH_MM, WIDTH_MM * view[1] / view[0]), abs=0.001)
    assert error(svg, picture) < 1.5


@each_drawing
def test_a_png_is_the_drawing_in_the_pixels_asked_for(name: str, preset: str) -> None:
    svg = traced(name, preset)
    picture = Image.open(io.BytesIO(sized(svg, "png")))
    assert (picture.mode, picture.width, round(picture.info["dpi"][0])) == ("RGBA", PIXELS, DPI)
    assert error(svg, picture) < 1.0


def test_a_png_keeps_what_is_clear_and_what_is_half_clear() -> None:
    picture = Image.open(io.BytesIO(written(traced("glass", "auto"), "png")))
    assert picture.size == (300, 240)
    alphas = [picture.getchannel("A").getpixel(place) for place in ((2, 2), (175, 125), (250, 140), (40, 40))]
    assert [0, 0, 128, 255] == alphas


@each_drawing
def test_an_eps_says_its_exact_size_and_keeps_every_path(name: str, preset: str) -> None:
    svg = traced(name, preset)
    text = sized(svg, "eps").decode("ascii")
    artwork = read_artwork(svg)
    assert text.startswith("%!PS-Adobe-3.0 EPSF-3.0\n")
    assert text.endswith("%%EOF\n")
    found = re.search(r"^%%HiResBoundingBox: 0 0 (\S+) (\S+)$", text, re.MULTILINE)
    assert found is not None
    height = WIDTH_MM * artwork.view[1] / artwork.view[0]
    assert [float(side) * 25.4 / 72 for side in found.groups()] == pytest.approx([WIDTH_MM, height], abs=0.001)
    curves = sum(name == "C" for area in artwork.areas for name, _ in steps(area.data))
    assert curves == len(re.findall(r" c$", text, re.MULTILINE))
    assert text.count("shfill") == sum("url(" in path for path in re.findall(r"<path [^>]*>", svg))
    assert max(map(len, text.splitlines())) < 4_000


def test_an_eps_lays_what_is_half_clear_over_white() -> None:
    text = written(traced("glass", "auto"), "eps").decode("ascii")
    shown = {tuple(round(float(part) * 255) for part in row.split()) for row in re.findall(r"^(.*) k$", text, re.M)}
    half = (220, 40, 40), 128 / 255
    assert tuple(round(255 + half[1] * (channel - 255)) for channel in half[0]) in {
        tuple(value + off for value in color) for color in shown for off in (-1, 0, 1)
    }


@each_drawing
def test_groups_by_color_leave_the_picture_as_it_is(name: str, preset: str) -> None:
    svg = traced(name, preset)
    grouped = written(svg, "svg", group_by="color", preset=preset).decode()
    assert sorted(re.findall(r' d="[^"]*"', svg)) == sorted(re.findall(r' d="[^"]*"', grouped))
    fills = re.findall(r'<g fill="([^"]*)">', grouped)
    if preset == "cut":
        assert len(fills) == len(set(fills)) == len(set(re.findall(r'<path fill="([^"]*)"', svg)))
    assert error(svg, rendered(grouped, 600)) < 0.2


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        ({}, ("300", "240")),
        ({"width": 600}, ("600", "480")),
        ({"height": 60.5}, ("75.625", "60.5")),
        ({"width": 100, "unit": "mm"}, ("100mm", "80mm")),
        ({"width": 100, "height": 10, "unit": "in"}, ("12.5in", "10in")),
        ({"unit": "in", "dpi": 300}, ("1in", ".8in")),
    ],
)
def test_an_svg_has_the_size_and_unit_asked_for(options: dict[str, object], sides: tuple[str, str]) -> None:
    svg = traced("glass", "auto")
    sized = written(svg, "svg", **options).decode()
    assert f' width="{sides[0]}" height="{sides[1]}" viewBox="0 0 3000 2400">' in sized
    assert svg.split(" viewBox")[1] == sized.split(" viewBox")[1]


@pytest.mark.parametrize("wanted", FORMATS)
def test_the_same_drawing_gives_the_same_bytes(wanted: Format) -> None:
    svg = traced("harbor", "auto")
    assert sized(svg, wanted) == sized(svg, wanted)


@pytest.mark.parametrize("wanted", FORMATS)
def test_an_empty_drawing_is_a_file_too(wanted: Format) -> None:
    svg = trace(encoded(Image.new("RGBA", (20, 10), (0, 0, 0, 0))), TraceOptions()).svg
    data = sized(svg, wanted, group_by="color")
    if wanted == "pdf":
        assert pdf_page(data)[1] == pytest.approx((120, 60), abs=0.001)
    assert len(data) > 100


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_file_that_would_be_too_large_is_refused(wanted: Format) -> None:
    with pytest.raises(TooComplex, match=wanted.upper()):
        write_format(traced("logo", "auto"), wanted, TraceOptions(), most_bytes=100)


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_is_not_a_drawing_of_ours_is_refused(wanted: Format) -> None:
    foreign = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9">{}</svg>'
    with pytest.raises(ValueError, match="of ours"):
        written(foreign.format('<image href="file:///etc/passwd"/>'), wanted)


def test_path_data_is_read_as_it_is_meant() -> None:
    data = "M1 2h3v-4l-1 1-1 1c1 0 2 0 3-1 1 0 2 0 3-1zM5 5L6 6H0V1z"
    assert [
        ("M", (1, 2)), ("L", (4, 2)), ("L", (4, -2)), ("L", (3, -1)), ("L", (2, 0)),
        ("C", (3, 0, 4, 0, 5, -1)), ("C", (6, -1, 7, -1, 8, -2)), ("Z", ()),
        ("M", (5, 5)), ("L", (6, 6)), ("L", (0, 6)), ("L", (0, 1)), ("Z", ()),
    ] == list(steps(data))  # fmt: skip


@pytest.mark.parametrize("data", ["M1 2A1 1 0 0 0 3 4", "M1 2L3", "M1 2z5", "M1 2q1 1 2 2"])
def test_path_data_that_we_never_write_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="a path of ours"):
        list(steps(data))


def test_a_size_is_the_same_in_every_measure() -> None:
    size = output_size(TraceOptions(width=2, unit="in", dpi=300), 640, 320)
    assert ((50.8, 25.4), (144, 72), (600, 300)) == (size.mm(), size.points(), size.pixels())
    plain = output_size(TraceOptions(), 640, 320)
    assert ((480, 240), (640, 320)) == (plain.points(), plain.pixels())
