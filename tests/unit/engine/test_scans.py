"""Drawings that were printed and scanned: the page stays one, and what was drawn on it keeps its own colors."""

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.regions import find_regions
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
def traced(kind: str) -> tuple[str, int]:
    """The drawing's SVG, and how many segments it has."""
    result = trace(scan(kind, **({"quality": 85} if kind == "JPEG" else {})), TraceOptions())
    return result.svg, result.report.segments


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
        np.asarray(rendered(traced(kind)[0], SIDE).convert("RGB"), np.int16),
        np.asarray(drawing()),
        away_from_edges(),
    )
    for color in (PAPER, INK, RED):
        place = even & (truth == color).all(2)
        assert place.sum() > 400
        away = np.abs(seen[place] - np.array(color)).max(1)
        assert away.max() <= 24, color  # the light takes 15, and nothing else is to be seen
    steps = np.abs(np.diff(seen, axis=0)).max(2)[(even & (truth == PAPER).all(2))[1:]]
    assert steps.max() <= 3


@each_kind
def test_a_scan_has_no_specks(kind: str) -> None:
    seen, truth = np.asarray(rendered(traced(kind)[0], SIDE).convert("RGB"), np.int16), np.asarray(drawing(), np.int16)
    off = (np.abs(seen - truth).max(2) > 40) & away_from_edges()
    assert 0 == find_regions(off.astype(np.int16)).labels.max()


@each_kind
def test_a_scan_has_about_as_many_segments_as_the_drawing(kind: str) -> None:
    """Twice as many at most: what blur took from the eight corners of the frame costs some."""
    clean = trace(encoded(drawing()), TraceOptions()).report
    assert traced(kind)[1] <= 2 * clean.segments
