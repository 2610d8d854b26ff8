"""DXF files as ezdxf reads and audits them, beside the SVG that they were written from."""

import io
import math
from typing import Any

import numpy as np
import pytest
from ezdxf.colors import DXF_DEFAULT_COLORS, int2rgb
from ezdxf.filemanagement import read as read_dxf
from ezdxf.math import bulge_to_arc
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from tests.readers import dxf_picture, error
from tests.unit.engine.test_formats import WIDTH_MM, each_drawing, sized, traced, written
from workers.engine import trace
from workers.engine.artwork import Contour, contours, read_artwork
from workers.engine.formats.dxf import indexed_colors, nearest_index
from workers.engine.formats.paper import colors_on_paper


@pytest.mark.parametrize("name", ["logo", "harbor"])
def test_a_dxf_has_the_outlines_of_the_drawing_in_their_colors(name: str) -> None:
    svg = traced(name, "cut")
    picture, document = dxf_picture(sized(svg, "dxf"), 400)
    assert error(svg, picture) < 1.0
    assert document.header["$EXTMAX"][0] == WIDTH_MM


@each_drawing
def test_a_dxf_is_valid_in_millimeters_with_a_layer_a_color(name: str, preset: str) -> None:
    svg = traced(name, preset)
    document: Any = read_dxf(io.StringIO(sized(svg, "dxf").decode("ascii")))
    audit = document.audit()
    assert ([], []) == (audit.errors, audit.fixes)
    assert (4, 1, "AC1018") == (document.header["$INSUNITS"], document.header["$MEASUREMENT"], document.dxfversion)
    seen = colors_on_paper(read_artwork(svg).areas)
    colors = {"color-{:02x}{:02x}{:02x}".format(*(round(channel) for channel in color)) for color in seen}
    assert colors == {layer.dxf.name for layer in document.layers} - {"0", "Defpoints"}
    assert colors == {entity.dxf.layer for entity in document.modelspace()}
    assert {"LWPOLYLINE", "CIRCLE"} >= {entity.dxftype() for entity in document.modelspace()}
    assert all(entity.closed for entity in document.modelspace().query("LWPOLYLINE"))
    outlines = [contour for area in read_artwork(svg).areas for contour in contours(area.data)]
    assert len(outlines) == len(document.modelspace())


def curve_points(contour: Contour, count: int) -> Any:
    """Points along an outline, in drawing units."""
    start, parts, t = np.array(contour[0]), list[Any](), np.linspace(0, 1, count)[:, None]
    for step in (*contour[1:], contour[0]):
        end = np.array(step[-2:])
        if len(step) == 2:
            parts.append(start + (end - start) * t)
        else:
            first, second = np.array(step[:2]), np.array(step[2:4])
            parts.append((1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end)
        start = end
    return np.concatenate(parts)


def file_points(entity: Any) -> Any:
    """Points along a polyline of the file, its arcs as ezdxf understands a bulge."""
    vertices, parts = entity.get_points("xyb"), list[Any]()
    for (x1, y1, bulge), (x2, y2, _) in zip(vertices, (*vertices[1:], vertices[0]), strict=True):
        if not bulge:
            parts.append(np.linspace((x1, y1), (x2, y2), 40))
            continue
        center, begin, end, radius = bulge_to_arc((x1, y1), (x2, y2), bulge)
        turns = np.linspace(begin, begin + (end - begin) % math.tau, 40)[:, None]
        parts.append((center.x, center.y) + radius * np.hstack((np.cos(turns), np.sin(turns))))
    return np.concatenate(parts)


def farthest(points: Any, outline: Any) -> float:
    """How far the farthest of the points is from an outline of straight lines."""
    ways = np.roll(outline, -1, 0) - outline
    squares = np.maximum((ways**2).sum(1), 1e-30)

    def distance(point: Any) -> float:
        part = np.clip(((point - outline) * ways).sum(1) / squares, 0, 1)[:, None]
        return float(np.hypot(*(outline + part * ways - point).T).min())

    return max(map(distance, points))


@pytest.mark.parametrize(("width", "tolerance"), [(32.0, 0.0025), (400.0, 0.01)])
def test_the_arcs_of_a_dxf_keep_to_the_curves_of_the_svg(width: float, tolerance: float) -> None:
    svg = traced("logo", "cut")
    artwork = read_artwork(svg)
    document: Any = read_dxf(io.StringIO(written(svg, "dxf", width=width, unit="mm").decode("ascii")))
    scale = width / artwork.view[0]
    outlines = [contour for area in artwork.areas for contour in contours(area.data)]
    kinds = [entity.dxftype() for entity in document.modelspace()]
    assert kinds.count("LWPOLYLINE") > 4
    for contour, entity in zip(outlines, document.modelspace(), strict=True):
        if entity.dxftype() == "LWPOLYLINE":
            curves = curve_points(contour, 200) * (scale, -scale) + (0, artwork.view[1] * scale)
            assert farthest(file_points(entity), curves) <= tolerance


def rings() -> bytes:
    """Discs and a hole of 20 to 100 pixels, and an ellipse, which is none."""
    page = Image.new("RGB", (1600, 1200), "white")
    pen = ImageDraw.Draw(page)
    pen.ellipse((80, 80, 880, 880), fill="navy")
    pen.ellipse((320, 320, 640, 640), fill="white")
    pen.ellipse((1120, 160, 1280, 320), fill="red")
    pen.ellipse((960, 600, 1520, 1000), fill="green")
    return encoded(page.resize((400, 300), Image.Resampling.BOX))


def test_circles_are_circles_in_a_dxf() -> None:
    svg = trace(rings(), TraceOptions()).svg
    document: Any = read_dxf(io.StringIO(written(svg, "dxf", width=400, unit="mm").decode("ascii")))
    circles = document.modelspace().query("CIRCLE")
    found = sorted((circle.dxf.radius, circle.dxf.center.x, circle.dxf.center.y) for circle in circles)
    drawn = [(20, 300, 240), (40, 120, 180), (100, 120, 180)]
    assert [pytest.approx(circle, abs=0.4) for circle in drawn] == found
    assert len(document.modelspace().query("LWPOLYLINE")) == 2  # the page and the ellipse


def test_programs_that_know_no_true_colors_get_the_nearest_indexed_one() -> None:
    theirs = {index: tuple(int2rgb(DXF_DEFAULT_COLORS[index] & 0xFFFFFF)) for index in indexed_colors()}
    assert theirs == {index: pytest.approx(color, abs=1) for index, color in indexed_colors().items()}
    assert [1, 5, 250] == [nearest_index(color) for color in ((250, 5, 5), (0, 0, 255), (2, 2, 2))]
