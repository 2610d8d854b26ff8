"""DXF for cutters, plotters and CAD: outlines in millimeters, in the drawing order, each color a layer of its own.

An outline is one closed polyline of lines and arcs (`biarcs`), so the tool is not lifted between pieces; an arc is a
bulge, the tangent of a quarter of its turn (DXF Reference, LWPOLYLINE). One that is a circle is a CIRCLE. There are no
splines: many programs read them badly or not at all (decision 57).

The frame (`skeleton.dxf`, AutoCAD 2004, the oldest DXF with true colors) is ezdxf's; layers and entities are put
into it as the DXF Reference says. Handles are hexadecimal numbers that occur once; every entity names the model space.
"""

import colorsys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from math import tan
from pathlib import Path

import numpy as np

from shared.outputs import OutputSize
from workers.engine.artwork import Artwork, Color, Contour, contours
from workers.engine.biarcs import arc_outline, circle_of
from workers.engine.color import Floats
from workers.engine.formats.numbers import short
from workers.engine.formats.paper import colors_on_paper

FRAME = Path(__file__).with_name("skeleton.dxf")
FIRST_HANDLE = 0x100
LAYER_TABLE, MODEL_SPACE, PLOT_STYLE = "1", "17", "13"
OWN_LAYERS = 2
"""Layers that the frame has already."""

TOLERANCE_MM = 0.01
"""Arcs are at most this far from the curves of the SVG: less than half a step of a plotter, .025 mm (HP-GL Reference
Guide), or of a laser at 1,000 dpi."""

TOLERANCE_UNITS = 0.5
"""Nor farther than this, in units of the drawing, to which its points are rounded anyway: whoever enlarges the file
later gets nothing coarser than the SVG."""

CIRCLE_PIXELS = 0.2
"""An outline that stays this close to a circle, in pixels of the picture, is one: traced circles are off by .17."""

DIGITS = 5
"""Decimals of a millimeter."""

BULGE_DIGITS = 7
POINT = f" 10\n%.{DIGITS}f\n 20\n%.{DIGITS}f\n"
BULGING = f"{POINT} 42\n%.{BULGE_DIGITS}f\n"
CIRCLE = f"100\nAcDbCircle\n{POINT} 30\n0.0\n 40\n%.{DIGITS}f\n"
STRAIGHT = 5e-7
"""Less of a bulge is a line: at the longest a millimeter aside in a chord of four kilometers."""

VALUES = (255, 165, 127, 76, 38)
PRIMARIES = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
GRAYS = {8: 128, 9: 192, 250: 0, 251: 101, 252: 102, 253: 153, 254: 204, 255: 255}


def write_dxf(artwork: Artwork, size: OutputSize) -> bytes:
    """The outlines of the drawing; its lower left corner is the origin."""
    width, height = size.mm()
    scale_x, scale_y = width / artwork.view[0], height / artwork.view[1]
    tolerance = min(TOLERANCE_MM, TOLERANCE_UNITS * scale_x, TOLERANCE_UNITS * scale_y)
    circle_tolerance = CIRCLE_PIXELS * width / artwork.page[0]
    numbers = count(FIRST_HANDLE)
    layers, entities = dict[Color, str](), list[str]()
    for area, channels in zip(artwork.areas, colors_on_paper(artwork.areas), strict=True):
        red, green, blue = (round(channel) for channel in channels)
        name = layers.setdefault((red, green, blue), layer_name((red, green, blue)))
        for contour in contours(area.data):
            pieces = pieces_of(contour) * (scale_x, -scale_y) + (0.0, height)
            kind, body = outline(pieces.reshape(-1, 8), tolerance, circle_tolerance)
            head = (0, kind), (5, f"{next(numbers):X}"), (330, MODEL_SPACE), (100, "AcDbEntity"), (8, name)
            entities += (tagged(*head), body)
    rows = [layer(color, name, f"{next(numbers):X}") for color, name in layers.items()]
    filled = FRAME.read_text("ascii")
    for place, text in {
        "next_handle": f"{next(numbers):X}",
        "width": short(width, DIGITS),
        "height": short(height, DIGITS),
        "layer_count": str(OWN_LAYERS + len(layers)),
        "layers": "".join(rows),
        "entities": "".join(entities),
    }.items():
        filled = filled.replace(f"@{place}@", text)
    return filled.encode("ascii")


def layer_name(color: Color) -> str:
    """Names the color, so that a person finds it."""
    return "color-{:02x}{:02x}{:02x}".format(*color)


def layer(color: Color, name: str, handle: str) -> str:
    """A row of the layer table."""
    red, green, blue = color
    return tagged(
        (0, "LAYER"), (5, handle), (330, LAYER_TABLE), (100, "AcDbSymbolTableRecord"), (100, "AcDbLayerTableRecord"),
        (2, name), (70, 0), (62, nearest_index(color)), (420, red << 16 | green << 8 | blue), (6, "Continuous"),
        (370, -3), (390, PLOT_STYLE),
    )  # fmt: skip


def pieces_of(contour: Contour) -> Floats:
    """The outline as pieces of four points each: start, control points, end. A line's control points are its ends."""
    flat = list[float]()
    start = contour[0]
    for step in contour[1:] if contour[-1][-2:] == start else (*contour[1:], start):
        flat += (*flat[-2:], *step) if flat else (*start, *step)
        if len(step) == 2:
            flat[-2:] = (*flat[-4:-2], *step, *step)
    return np.array(flat).reshape(-1, 4, 2)


def outline(pieces: Floats, tolerance: float, circle_tolerance: float) -> tuple[str, str]:
    """The kind of entity that an outline in millimeters becomes, and what is special about it."""
    x, y, radius = circle_of(pieces, circle_tolerance)
    if radius:
        return "CIRCLE", CIRCLE % (x, y, radius)
    vertices: list[tuple[float, float, float]] = arc_outline(pieces, tolerance).tolist()
    rows = [vertex(x, y, tan(half / 2)) for x, y, half in vertices]
    return "LWPOLYLINE", tagged((100, "AcDbPolyline"), (90, len(rows)), (70, 1)) + "".join(rows)


def vertex(x: float, y: float, bulge: float) -> str:
    """A corner of a polyline, and the bulge of what leads to the next."""
    return POINT % (x, y) if abs(bulge) < STRAIGHT else BULGING % (x, y, bulge)


def nearest_index(color: Color) -> int:
    """The nearest of AutoCAD's indexed colors, for programs that know no others."""
    return min(indexed_colors(), key=lambda index: distance(indexed_colors()[index], color))


def distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Square of how far two colors are apart."""
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True))


@cache
def indexed_colors() -> dict[int, tuple[float, ...]]:
    """Colors 10 to 248 go around the hues, in five brightnesses, full and half; others are gray.

    7 is left out: it is black on white and white on black. So are the darkest half colors, on which programs differ.
    """
    found: dict[int, tuple[float, ...]] = dict(enumerate(PRIMARIES, 1))
    found |= {index: (gray, gray, gray) for index, gray in GRAYS.items()}
    for index in range(10, 249):
        if index % 10 in (7, 9):
            continue
        saturation = 0.5 if index % 2 else 1.0
        channels = colorsys.hsv_to_rgb((index // 10 - 1) * 15 / 360, saturation, 1.0)
        found[index] = tuple(channel * VALUES[index % 10 // 2] for channel in channels)
    return found


def tagged(*pairs: tuple[int, object]) -> str:
    """Group codes and values, each on a line of its own."""
    return "".join(lines(pairs))


def lines(pairs: Iterable[tuple[int, object]]) -> Iterator[str]:
    """Codes stand in three places, as AutoCAD writes them."""
    for code, value in pairs:
        yield f"{code:3d}\n{value}\n"
