"""Drawings that were printed and scanned: the page stays one, and what was drawn on it keeps its own colors."""

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.analyse import analyse_samples
from workers.engine.decode import decode
from workers.engine.paper import evened, light_on_paper, surface_over
from workers.engine.regions import find_regions
from workers.engine.report import Report, Traced
from workers.engine.samples import Samples
from workers.engine.similarity import rendered

PAPER, INK, RED = (242, 238, 228), (44, 42, 52), (196, 48, 44)
SIDE = 400
MARGIN = 4
"""Pixels around every edge of the drawing that its blur may reach."""


@cache
def drawing() -> Image.Image:
    """A red disc, a dark frame and a dark stroke, turned by a degree, on tinted paper."""
    page = Image.new("RGB", (4 * SIDE, 4 * SIDE), PAPER)
    pen = ImageDraw.Draw(page)
    pen.ellipse((300, 300, 900, 900), fill=RED)
    pen.rectangle((200, 200, 1400, 1400), outline=INK, width=40)
    pen.line((500, 1200, 1200, 1000), fill=INK, width=24)
    return page.rotate(1, Image.Resampling.BICUBIC, fillcolor=PAPER).resize((SIDE, SIDE), Image.Resampling.BOX)


def scan(kind: str, **options: object) -> bytes:
    """The drawing under a scanner: blurred, darker to one side, with grain."""
    seen = np.asarray(drawing().filter(ImageFilter.GaussianBlur(0.8)), np.float32)
    light = np.linspace(1.0, 0.94, SIDE, dtype=np.float32)[:, None]
    grain = np.random.default_rng(7).normal(0, 4, (SIDE, SIDE, 1))
    return encoded(Image.fromarray((seen * light + grain).clip(0, 255).astype(np.uint8)), kind, **options)


@cache
def result(kind: str) -> Traced:
    return trace(scan(kind, **({"quality": 85} if kind == "JPEG" else {})), TraceOptions())


def traced(kind: str) -> Report:
    """What is told of the scan's drawing."""
    return result(kind).report


def away_from_edges() -> np.ndarray:
    """Where the drawing is even all around."""
    sizes = 2 * MARGIN + 1
    most, least = (
        np.asarray(drawing().filter(one(sizes)), np.int16) for one in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
    )
    return (most - least).max(2) == 0


each_kind = pytest.mark.parametrize("kind", ["PNG", "JPEG"])


@each_kind
def test_a_scanned_page_is_one_area_and_strokes_keep_their_color(kind: str) -> None:
    seen, truth, even = (
        np.asarray(rendered(result(kind).svg, SIDE).convert("RGB"), np.int16),
        np.asarray(drawing()),
        away_from_edges(),
    )
    for color in (PAPER, INK, RED):
        place = even & (truth == color).all(2)
        assert place.sum() > 400
        away = np.abs(seen[place] - np.array(color)).max(1)
        assert away.max() <= 5, color
    assert "Gradient" not in result(kind).svg


@each_kind
def test_a_scan_has_no_specks(kind: str) -> None:
    seen, truth = np.asarray(rendered(result(kind).svg, SIDE).convert("RGB"), np.int16), np.asarray(drawing(), np.int16)
    off = (np.abs(seen - truth).max(2) > 40) & away_from_edges()
    assert 0 == find_regions(off.astype(np.int16)).labels.max()


@each_kind
def test_a_scan_has_about_as_many_segments_as_the_drawing_and_its_colors(kind: str) -> None:
    clean = trace(encoded(drawing()), TraceOptions()).report
    assert traced(kind).segments <= 1.4 * clean.segments
    assert traced(kind).colors == clean.colors == 3


@each_kind
def test_nobody_is_told_that_a_scan_is_a_photo(kind: str) -> None:
    assert not traced(kind).warnings


def test_a_scan_of_which_every_pixel_counts_stays_as_it_is() -> None:
    """So it is with the preset for photos."""
    as_it_is = trace(scan("PNG"), TraceOptions(preset="photo")).report
    assert as_it_is.colors > 3


def as_it_came(picture: np.ndarray) -> bool:
    """Whether a picture is not taken for paper."""
    raster = decode(encoded(Image.fromarray(picture.clip(0, 255).astype(np.uint8))), 10**6)
    samples = Samples(raster.rgba, opaque=True)
    return evened(raster, analyse_samples(samples, raster)) is raster


def grainy(colors: np.ndarray, deviation: float = 4.0) -> np.ndarray:
    return colors + np.random.default_rng(7).normal(0, deviation, (SIDE, SIDE, 1))


def test_what_has_no_grain_is_no_paper() -> None:
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    shade = np.repeat(250 - 20 * (down + across)[..., None], 3, 2)
    assert as_it_came(shade)
    assert not as_it_came(grainy(shade))


def test_a_change_of_color_is_no_shade() -> None:
    across = np.linspace(0, 1, SIDE)[None, :, None]
    assert as_it_came(grainy(np.array([250.0, 245, 235]) - across * np.array([40.0, 0, -10]) + np.zeros((SIDE, 1, 1))))


def test_pale_print_of_another_tint_does_not_hide_the_paper() -> None:
    page = np.broadcast_to(np.array([248.0, 244, 236]), (SIDE, SIDE, 3)) * np.linspace(1, 0.93, SIDE)[:, None, None]
    page[150:260, 60:340] *= np.array([0.965, 1.0, 1.01])
    assert not as_it_came(grainy(page))


def test_a_grainy_scene_is_no_page() -> None:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    scene = 130 + 60 * np.sin(5 * x + 3 * y) + 50 * np.cos(9 * y - 4 * x)
    assert as_it_came(grainy(np.repeat(scene[..., None], 3, 2)))


def test_the_light_is_found_though_print_covers_most_of_the_page() -> None:
    y, x = np.mgrid[:12, :12] / 12
    light = 1 - 0.1 * x - 0.05 * y * y
    means = (240 * light[..., None] * np.array([1.0, 0.98, 0.95])).astype(np.float32)
    means[2:10, 2:10] = 180 * light[2:10, 2:10, None]
    grain = np.full((12, 12), 4.0, np.float32)
    surface = light_on_paper(means, grain)
    assert surface is not None
    places = (np.arange(12) + 0.5) / 12
    assert np.abs(surface_over(surface, places, places) / (light / light.max()) - 1).max() < 0.01
