import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.artwork import Step, read_artwork, steps
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.pathdata import new_pen, write_path

SIDE, ZOOM = 264, 8
UNITS = 10
"""Drawing units to a pixel. Pictures of up to 256 px would be traced at twice their size."""


def canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A white page at eight times the size of the picture, and a pen on it."""
    page = Image.new("RGB", (SIDE * ZOOM, SIDE * ZOOM), "white")
    return page, ImageDraw.Draw(page)


def traced(page: Image.Image, stacking: str = "stacked", precision: int = 1) -> list[str]:
    """The path data of all shapes but the page, of the picture with anti-aliasing."""
    picture = encoded(page.resize((SIDE, SIDE), Image.Resampling.BOX))
    options = TraceOptions.model_validate({"stacking": stacking, "preset": "logo", "precision": precision})
    return [area.data for area in read_artwork(trace(picture, options).svg).areas][1:]


def drawn(data: str) -> list[Step]:
    """All lines and curves of path data, the closing line as well."""
    found, start = list[Step](), (0.0, 0.0)
    at = start
    for name, numbers in steps(data):
        if name == "M":
            start = (numbers[0], numbers[1])
        if name == "Z" and at != start:
            found.append(("L", start))
        if name in ("L", "C"):
            found.append((name, numbers))
        at = (numbers[-2], numbers[-1]) if numbers else start
    return found


def kinds(data: str) -> str:
    """L for each line and C for each curve, sorted."""
    return "".join(sorted(name for name, _ in drawn(data)))


@pytest.mark.parametrize(("x", "y", "radius"), [(1024, 1020, 640), (1003, 1041, 403), (700, 900, 61)])
def test_a_circle_becomes_two_arcs_of_one_radius(x: int, y: int, radius: int) -> None:
    page, pen = canvas()
    pen.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill="navy")
    (data,) = traced(page)
    wanted = radius * UNITS / ZOOM
    numbers = data.replace("-", " -").replace("M", "").replace("a", " ").replace("z", "").split()
    assert [letter for letter in data if letter.isalpha()] == ["M", "a", "z"]
    assert len(numbers) == 2 + 7 + 7
    assert numbers[2] == numbers[3] == numbers[9] == numbers[10]
    assert float(numbers[2]) == pytest.approx(wanted, abs=1)
    assert float(numbers[0]) + float(numbers[2]) == pytest.approx(x * UNITS / ZOOM, abs=1)
    assert float(numbers[1]) == pytest.approx(y * UNITS / ZOOM, abs=1)


def test_a_rounded_rectangle_is_four_lines_and_four_even_corners() -> None:
    page, pen = canvas()
    for x, y in ((243, 325), (1443, 325), (243, 1005), (1443, 1005)):
        pen.ellipse((x, y, x + 319, y + 319), fill="navy")
    pen.rectangle((243 + 160, 325, 1443 + 159, 1005 + 319), fill="navy")
    pen.rectangle((243, 325 + 160, 1443 + 319, 1005 + 159), fill="navy")
    (data,) = traced(page)
    assert kinds(data) == "CCCCLLLL"
    ends = [numbers[-2:] for _, numbers in drawn(data)]
    for k, (name, numbers) in enumerate(drawn(data)):
        if name == "C":
            across, down = abs(numbers[4] - ends[k - 1][0]), abs(numbers[5] - ends[k - 1][1])
            assert across == pytest.approx(down, abs=3)
            assert across == pytest.approx(200, abs=8)


def star() -> list[tuple[float, float]]:
    """The ten corners of a star."""
    spokes = [(800 if k % 2 == 0 else 336, k * math.pi / 5 + 0.1) for k in range(10)]
    return [(1024 + length * math.sin(angle), 1024 - length * math.cos(angle)) for length, angle in spokes]


@pytest.mark.parametrize("stacking", ["stacked", "cutout"])
def test_a_star_is_ten_lines_between_its_true_corners(stacking: str) -> None:
    page, pen = canvas()
    pen.polygon(star(), fill="navy")
    data = traced(page, stacking)[-1]
    assert kinds(data) == "LLLLLLLLLL"
    corners = np.array([numbers for _, numbers in drawn(data)]) / UNITS
    true = np.array(star()) / ZOOM
    away = np.hypot(*(corners[:, None] - true[None]).T).min(0)
    assert away.max() < 0.25


def test_an_arrow_keeps_its_tip() -> None:
    page, pen = canvas()
    arrow = [(320, 880), (1120, 880), (1120, 560), (1760, 1024), (1120, 1488), (1120, 1168), (320, 1168)]
    pen.polygon(arrow, fill="navy")
    (data,) = traced(page)
    assert kinds(data) == "LLLLLLL"
    tip = max((numbers for _, numbers in drawn(data)), key=lambda point: point[0])
    assert tip == pytest.approx((2200, 1280), abs=3)


def test_pieces_of_a_smooth_outline_join_without_a_bend() -> None:
    page, pen = canvas()
    across = np.linspace(0, 1, 400)
    middle = [(250 + 1500 * t, 1024 + 260 * math.sin(6 * t)) for t in across.tolist()]
    for x, y in middle:
        pen.ellipse((x - 110, y - 110, x + 110, y + 110), fill="navy")
    (data,) = traced(page, precision=3)
    found = drawn(data)
    bends = list[float]()
    for k, (_, numbers) in enumerate(found):
        start, (name, before) = np.array(found[k - 1][1][-2:]), found[k - 1]
        arriving = start - np.array(before[2:4] if name == "C" else found[k - 2][1][-2:])
        leaving = np.array(numbers[:2]) - start
        turn = arriving[0] * leaving[1] - arriving[1] * leaving[0]
        bends.append(abs(math.degrees(math.atan2(turn, float(arriving @ leaving)))))
    assert max(bends) < 8  # where a line goes over into a curve that cannot quite follow
    assert sorted(bends)[-3] < 0.1


def test_a_mirrored_handle_is_not_written_twice() -> None:
    curves = np.array([[0, 0, 1, 2, 3, 4, 5, 4], [5, 4, 7, 4, 8, 2, 9, 0], [9, 0, 6, 0, 3, 0, 0, 0]], float)
    data, segments = write_path(curves, np.array([0, 0, 1], np.uint8), 3, 1, new_pen())
    assert data == "M0 0c1 2 3 4 5 4s3-2 4-4z"
    assert segments == 3
    assert list(steps(data))[1:3] == [("C", tuple(curves[0, 2:])), ("C", tuple(curves[1, 2:]))]


def polygon(*corners: tuple[int, int]) -> tuple[Floats, Pixels]:
    """A closed outline of lines, and what marks them as such."""
    curves = np.zeros((len(corners), 8))
    curves[:, :2], curves[:, 6:] = corners, np.roll(corners, -1, 0)
    return curves, np.ones(len(corners), np.uint8)


def test_the_line_that_takes_most_to_write_is_drawn_by_closing_the_path() -> None:
    curves, lines = polygon((0, 0), (120, -340), (60, 20))
    curves[1, 2:6], lines[1] = (130, -300, 90, 10), 0
    data, segments = write_path(curves, lines, 3, 1, new_pen())
    assert (data, segments) == ("M120-340c10 40-30 350-60 360l-60-20z", 3)
    assert len(drawn(data)) == 3


def test_an_outline_begins_relative_to_the_one_before_where_that_is_shorter() -> None:
    outlines = [polygon((1000, 2000), (1050, 2010), (990, 2300)), polygon((1010, 2040), (1020, 2045), (1002, 2060))]
    outlines.append(polygon((7, 8), (9, 8), (8, 12)))
    pen = new_pen()
    data = [write_path(*outline, 3, 1, pen)[0] for outline in outlines]
    assert data == ["M990 2300l10-300 50 10z", "m12-240 8-20 10 5z", "M7 8h2l-1 4z"]
    starts = [numbers for name, numbers in steps("".join(data)) if name == "M"]
    assert starts == [(990, 2300), (1002, 2060), (7, 8)]


@pytest.mark.parametrize("sweep", [0, 1])
def test_half_an_ellipse_is_read_back_as_two_curves(sweep: int) -> None:
    (_, start), (_, first), (_, second), (_, _) = steps(f"M10 20a30 40 0 1 {sweep} 60 0z")
    assert (start, first[-2:], second[-2:]) == ((10, 20), (40, -20 if sweep else 60), (70, 20))
    assert first[0] == 10
    assert second[3] == pytest.approx(20 + (-40 if sweep else 40) * 0.5522847498)


def test_an_arc_that_is_no_half_ellipse_is_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        list(steps("M0 0a10 10 0 1 1 5 5z"))
