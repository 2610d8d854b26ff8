"""DXF for cutters, plotters and CAD: outlines in millimeters, in the drawing order, each color a layer of its own.

An outline of lines alone is a closed polyline. One with curves is one closed spline: a B-spline of degree three whose
inner knots are threefold is exactly a chain of cubics, so nothing is lost, and the tool is not lifted between pieces
(Piegl, Tiller, "The NURBS Book", 2nd ed., 5.5).

The frame (`skeleton.dxf`, AutoCAD 2004, the oldest DXF with true colors) is ezdxf's; layers and entities are put
into it as the DXF Reference says. Handles are hexadecimal numbers that occur once; every entity names the model space.
"""

import colorsys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

from shared.outputs import OutputSize
from workers.engine.artwork import Artwork, Color, Contour, contours
from workers.engine.formats.numbers import short

FRAME = Path(__file__).with_name("skeleton.dxf")
FIRST_HANDLE = 0x100
LAYER_TABLE, MODEL_SPACE, PLOT_STYLE = "1", "17", "13"
OWN_LAYERS = 2
"""Layers that the frame has already."""

DEGREE = 3
DIGITS = 5
"""Decimals of a millimeter."""

VALUES = (255, 165, 127, 76, 38)
PRIMARIES = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
GRAYS = {8: 128, 9: 192, 250: 0, 251: 101, 252: 102, 253: 153, 254: 204, 255: 255}


def write_dxf(artwork: Artwork, size: OutputSize) -> bytes:
    """The outlines of the drawing; its lower left corner is the origin."""
    width, height = size.mm()
    scale_x, scale_y = width / artwork.view[0], height / artwork.view[1]
    numbers = count(FIRST_HANDLE)
    layers, entities = dict[Color, str](), list[str]()
    for area in artwork.areas:
        name = layers.setdefault(area.color(), layer_name(area.color()))
        for contour in contours(area.data):
            placed: Contour = [
                tuple(v * scale_x if k % 2 == 0 else height - v * scale_y for k, v in enumerate(step))
                for step in contour
            ]
            entities.append(entity(placed, name, f"{next(numbers):X}"))
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


def entity(contour: Contour, layer_of: str, handle: str) -> str:
    """One closed outline, in millimeters."""
    is_straight = all(len(step) == 2 for step in contour)
    body = polyline(contour) if is_straight else spline(contour)
    kind = "LWPOLYLINE" if is_straight else "SPLINE"
    head = tagged((0, kind), (5, handle), (330, MODEL_SPACE), (100, "AcDbEntity"), (8, layer_of))
    return head + body


def polyline(contour: Contour) -> str:
    """What is special about a closed polyline."""
    points = contour[:-1] if contour[-1] == contour[0] else contour
    rows = ((code, short(value, DIGITS)) for x, y in points for code, value in ((10, x), (20, y)))
    return tagged((100, "AcDbPolyline"), (90, len(points)), (70, 1), *rows)


def spline(contour: Contour) -> str:
    """What is special about a closed planar spline."""
    points = control_points(contour)
    pieces = (len(points) - 1) // DEGREE
    knots = [0] * (DEGREE + 1) + [k for k in range(1, pieces) for _ in range(DEGREE)] + [pieces] * (DEGREE + 1)
    head = tagged(
        (100, "AcDbSpline"), (210, "0.0"), (220, "0.0"), (230, "1.0"),
        (70, 1 | 8), (71, DEGREE), (72, len(knots)), (73, len(points)), (74, 0),
    )  # fmt: skip
    rows = ((code, short(value, DIGITS)) for x, y in points for code, value in ((10, x), (20, y), (30, 0.0)))
    return head + tagged(*((40, f"{knot}.0") for knot in knots)) + tagged(*rows)


def control_points(contour: Contour) -> list[tuple[float, float]]:
    """The outline as a chain of cubics, each sharing its end with the next; a line is a cubic too."""
    start = contour[0]
    points = [(start[0], start[1])]
    pieces = contour[1:] if contour[-1][-2:] == start else [*contour[1:], start]
    for step in pieces:
        if len(step) == 6:
            points += [(step[0], step[1]), (step[2], step[3]), (step[4], step[5])]
            continue
        (x0, y0), (x1, y1) = points[-1], (step[0], step[1])
        points += [(x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3), (x1 - (x1 - x0) / 3, y1 - (y1 - y0) / 3), (x1, y1)]
    return points


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
