import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.artwork import contours, read_artwork
from workers.engine.similarity import rendered

SIDE, ZOOM = 120, 8


def pie() -> Image.Image:
    """Twelve slices that meet in one point, on white, anti-aliased."""
    picture = Image.new("RGB", (SIDE * 8, SIDE * 8), "white")
    pen = ImageDraw.Draw(picture)
    for k in range(12):
        pen.pieslice((80, 80, 880, 880), 30 * k + 7, 30 * k + 37, fill=f"hsl({30 * k}, 70%, {30 + 10 * (k % 3)}%)")
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def flag() -> Image.Image:
    """A cross that ends at the page's edges, a disc over one of its arms, and a ring with a hole."""
    picture = Image.new("RGB", (SIDE * 8, SIDE * 8), "navy")
    pen = ImageDraw.Draw(picture)
    pen.polygon((300, 0, 470, 0, 620, 960, 450, 960), fill="white")
    pen.rectangle((0, 333, 960, 517), fill="gold")
    pen.ellipse((530, 290, 790, 560), fill="crimson")
    pen.ellipse((100, 600, 330, 830), fill="white")
    pen.ellipse((150, 650, 280, 780), fill="green")
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def coverage(svg: str) -> "np.ndarray":
    """How many shapes cover each pixel at eight times the size, counted without anti-aliasing."""
    paths = re.findall(r"<path [^>]*/>", svg)
    head = svg[: svg.index("<path ")]
    total = np.zeros((SIDE * ZOOM, SIDE * ZOOM), int)
    for path in paths:
        crisp = path.replace("<path ", '<path shape-rendering="crispEdges" ')
        total += np.asarray(rendered(f"{head}{crisp}</svg>", SIDE * ZOOM))[..., 3] > 0
    return total


def segments(svg: str) -> list[tuple[float, ...]]:
    """Every line (four numbers) and curve (eight) of all paths, in drawing units."""
    found = list[tuple[float, ...]]()
    for area in read_artwork(svg).areas:
        for contour in contours(area.data):
            at = contour[0]
            for numbers in [*contour[1:], contour[0]]:
                found.append(tuple(round(number, 3) for number in (*at, *numbers)))
                at = numbers[-2:]
    return [one for one in found if one[:2] != one[-2:] or len(one) > 4]


def on_the_page(one: tuple[float, ...], edge: int) -> bool:
    """Whether a segment runs along the edge of the page."""
    return len(one) == 4 and any(one[c] == one[c + 2] in (0, edge) for c in (0, 1))


@pytest.mark.parametrize("picture", [pie(), flag()], ids=["pie", "flag"])
@pytest.mark.parametrize("precision", [0, 1, 3])
def test_cut_out_neighbors_share_their_borders_exactly(picture: Image.Image, precision: int) -> None:
    svg = trace(encoded(picture), TraceOptions(stacking="cutout", precision=precision)).svg
    edge = int(re.findall(r'viewBox="0 0 (\d+) ', svg)[0])
    inner = [one for one in segments(svg) if not on_the_page(one, edge)]
    backwards = [tuple(one[i + c] for i in range(len(one) - 2, -1, -2) for c in (0, 1)) for one in inner]
    assert sorted(inner) == sorted(backwards)
    counted = coverage(svg)
    assert (counted != 1).sum() < 40  # of 921,600: a renderer may flatten a curve and its reverse a hair apart


@pytest.mark.parametrize("picture", [pie(), flag()], ids=["pie", "flag"])
def test_stacked_shapes_leave_no_gap_at_eight_times_the_size(picture: Image.Image) -> None:
    svg = trace(encoded(picture), TraceOptions(stacking="stacked")).svg
    assert np.asarray(rendered(svg, SIDE * ZOOM))[..., 3].min() == 255


@pytest.mark.parametrize("picture", [pie(), flag()], ids=["pie", "flag"])
def test_cut_out_shapes_look_like_the_source(picture: Image.Image) -> None:
    assert trace(encoded(picture), TraceOptions(stacking="cutout")).report.similarity > 0.97


def test_a_hole_cut_out_of_the_page_stays_a_hole() -> None:
    picture = Image.new("RGBA", (SIDE, SIDE), (200, 30, 40, 255))
    ImageDraw.Draw(picture).ellipse((40, 40, 80, 80), fill=(0, 0, 0, 0))
    drawn = np.asarray(rendered(trace(encoded(picture), TraceOptions(stacking="cutout")).svg, SIDE))[..., 3]
    assert drawn[60, 60] == 0
    assert drawn[10, 10] == 255
    assert (drawn > 127).sum() == pytest.approx((np.asarray(picture)[..., 3] > 127).sum(), rel=0.01)
