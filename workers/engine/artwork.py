"""A drawing of ours read back from its SVG: what the writers of other formats start from.

It reads the elements that `drawing` and `paints` write and refuses all others, so that nothing is lost in silence.
Only a title, which drawings had up to engine 1.19, is passed over.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workers.engine.preview import check_drawing
from workers.engine.specks import ROUND

SPACE = "{http://www.w3.org/2000/svg}"
COMMAND = re.compile(r"([a-zA-Z])([^a-zA-Z]*)")
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
REFERENCE = re.compile(r"url\(#([\w-]+)\)")
NUMBERS_OF = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "a": 7, "z": 0}
UPRIGHT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

Color = tuple[int, int, int]
"""Channels 0 to 255."""
Matrix = tuple[float, float, float, float, float, float]
Step = tuple[str, tuple[float, ...]]
"""M or L with a point, C with two control points and a point, Z with nothing; absolute, in drawing units."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A color of a gradient; offset and opacity are 0 to 1."""

    offset: float
    color: Color
    opacity: float


@dataclass(frozen=True, slots=True)
class Gradient:
    """Linear along x1 y1 x2 y2, or radial around cx cy with radius r; `matrix` leads to drawing units."""

    coordinates: tuple[float, ...]
    matrix: Matrix
    stops: tuple[Stop, ...]

    @property
    def is_radial(self) -> bool:
        """Whether three coordinates (and not four) say where it is."""
        return len(self.coordinates) == 3

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shines through anywhere."""
        return all(stop.opacity >= 1 for stop in self.stops)

    def mean_color(self) -> Color:
        """One color for it, where a format has no gradients; what is clear is white."""
        red, green, blue = (
            255 + sum(stop.opacity * (stop.color[k] - 255) for stop in self.stops) / len(self.stops) for k in range(3)
        )
        return round(red), round(green), round(blue)


@dataclass(frozen=True, slots=True)
class Area:
    """A filled path: its data as it stands in the SVG, its paint and opacity."""

    data: str
    paint: Color | Gradient
    opacity: float

    def color(self) -> Color:
        """Its color, or one for its gradient."""
        return self.paint.mean_color() if isinstance(self.paint, Gradient) else self.paint


@dataclass(frozen=True, slots=True)
class Artwork:
    """Areas in drawing order on a page of `view` units, made of a picture of `page` pixels."""

    page: tuple[float, float]
    view: tuple[float, float]
    areas: tuple[Area, ...]


def read_artwork(svg: str) -> Artwork:
    """Read a drawing. Raises ValueError for anything that is not one of ours."""
    page = check_drawing(svg)
    root = ElementTree.fromstring(svg)  # noqa: S314 - checked by the line above
    left, top, width, height = (float(number) for number in NUMBER.findall(root.get("viewBox", "")))
    if left or top:
        raise ValueError("a drawing of ours begins at 0, 0")
    gradients = {
        element.get("id", ""): read_gradient(element) for defs in root.iter(f"{SPACE}defs") for element in defs
    }
    known = {f"{SPACE}{name}" for name in ("svg", "title", "defs", "path", "linearGradient", "radialGradient", "stop")}
    if strange := {element.tag for element in root.iter()} - known:
        raise ValueError(f"a traced drawing of ours has no {sorted(strange)}")
    return Artwork(page, (width, height), tuple(read_area(element, gradients) for element in root.iter(f"{SPACE}path")))


def read_gradient(element: ElementTree.Element) -> Gradient:
    """A gradient of <defs>."""
    names = ("cx", "cy", "r") if element.tag == f"{SPACE}radialGradient" else ("x1", "y1", "x2", "y2")
    if element.get("gradientUnits") != "userSpaceOnUse":
        raise ValueError("a gradient of ours is measured in drawing units")
    numbers = [float(number) for number in NUMBER.findall(element.get("gradientTransform", ""))]
    matrix = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]) if numbers else UPRIGHT
    stops = tuple(
        Stop(float(stop.get("offset", "0")), read_color(stop.get("stop-color", "")), opacity_of(stop, "stop-opacity"))
        for stop in element
    )
    return Gradient(tuple(float(element.get(name, "0")) for name in names), matrix, stops)


def read_area(element: ElementTree.Element, gradients: Mapping[str, Gradient]) -> Area:
    """One <path>."""
    fill = element.get("fill", "")
    reference = REFERENCE.fullmatch(fill)
    paint = gradients[reference[1]] if reference else read_color(fill)
    return Area(element.get("d", ""), paint, opacity_of(element, "fill-opacity"))


def opacity_of(element: ElementTree.Element, name: str) -> float:
    """0 to 1."""
    return float(element.get(name, "1"))


def read_color(text: str) -> Color:
    """`#rgb` or `#rrggbb`. Raises ValueError for anything else."""
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def steps(data: str) -> Iterator[Step]:
    """Path data, step by step, absolute. Raises ValueError for a command that no drawing of ours has."""
    x = y = start_x = start_y = mirror_x = mirror_y = 0.0
    for letter, text in COMMAND.findall(data):
        command = letter.lower()
        numbers, size = [float(number) for number in NUMBER.findall(text)], NUMBERS_OF.get(command, -1)
        if size < 0 or (len(numbers) % size if size else numbers):
            raise ValueError(f"a path of ours has no {letter}{text[:20]}")
        if not size:
            x, y = start_x, start_y
            yield "Z", ()
        for k in range(0, len(numbers), size or 1):
            base_x, base_y = (x, y) if letter == command else (0.0, 0.0)
            values = numbers[k : k + size]
            if command in ("c", "s"):
                first = values[:2] if command == "c" else (mirror_x + x - base_x, mirror_y + y - base_y)
                x2, y2, dx, dy = values[-4:]
                x1, y1 = base_x + first[0], base_y + first[1]
                x, y = base_x + dx, base_y + dy
                mirror_x, mirror_y = dx - x2, dy - y2
                yield "C", (x1, y1, base_x + x2, base_y + y2, x, y)
                continue
            if command == "a":
                yield from half_turn(x, y, values)
                x += values[5]
                continue
            x = x if command == "v" else base_x + values[0]
            y = y if command == "h" else base_y + values[-1]
            if command == "m" and not k:
                start_x, start_y = x, y
            yield ("M" if command == "m" and not k else "L"), (x, y)


def half_turn(x: float, y: float, values: list[float]) -> Iterator[Step]:
    """Half of an upright ellipse from (x, y) to the other end of its horizontal axis, as two curves."""
    wide, high, _, _, sweep, dx, dy = values
    if dy or abs(dx) != 2 * wide:
        raise ValueError("a path of ours has no arc but half of an upright ellipse")
    middle, end = x + dx / 2, x + dx
    peak = y - high if (dx > 0) == bool(sweep) else y + high
    rise, run = ROUND * (peak - y), ROUND * (middle - x)
    yield "C", (x, y + rise, middle - run, peak, middle, peak)
    yield "C", (middle + run, peak, end, y + rise, end, y)


Contour = list[tuple[float, ...]]
"""A closed outline: its start, then each line's end (two numbers) or each curve (six)."""


def contours(data: str) -> Iterator[Contour]:
    """The closed outlines of path data."""
    contour: Contour = []
    for name, numbers in steps(data):
        if name == "Z":
            continue
        if name == "M":
            if len(contour) > 1:
                yield contour
            contour = []
        contour.append(numbers)
    if len(contour) > 1:
        yield contour


def bounds(data: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all points and control points: a box that the path cannot leave."""
    points = [numbers for _, numbers in steps(data) if numbers]
    across = [value for numbers in points for value in numbers[::2]]
    down = [value for numbers in points for value in numbers[1::2]]
    return (min(across), min(down), max(across), max(down)) if points else (0.0, 0.0, 0.0, 0.0)
