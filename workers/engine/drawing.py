"""The drawing as data, and its SVG 1.1 text: tidy, deterministic, with nothing in it that runs or loads."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shape:
    """One filled path: SVG path data in drawing units, a paint, opacity 0 to 1, and how many segments it has.

    The paint is a hex color or `url(#…)` naming one of the drawing's gradients.
    """

    data: str
    fill: str
    segments: int
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes in drawing order over a page of width × height pixels.

    The page is `view` drawing units wide and high; shapes and definitions are in these units. `fault` is empty, or what
    made our own method fail, so that vtracer drew it.
    """

    width: int
    height: int
    view: tuple[int, int]
    shapes: tuple[Shape, ...]
    definitions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    fault: str = ""

    def paints(self) -> frozenset[str]:
        """Every distinct flat color; a gradient counts as one paint."""
        return frozenset(shape.fill for shape in self.shapes)

    def segments(self) -> int:
        """Lines and curves of all paths together."""
        return sum(shape.segments for shape in self.shapes)


def write_svg(drawing: Drawing) -> str:
    """The drawing as an SVG 1.1 document with size and viewBox; without a title, which browsers show as a tooltip."""
    view_width, view_height = drawing.view
    return "".join(
        (
            '<svg xmlns="http://www.w3.org/2000/svg" version="1.1"',
            f' width="{drawing.width}" height="{drawing.height}" viewBox="0 0 {view_width} {view_height}">',
            f"<defs>{''.join(drawing.definitions)}</defs>" if drawing.definitions else "",
            *paths(drawing.shapes),
            "</svg>\n",
        )
    )


def paths(shapes: Iterable[Shape]) -> Iterable[str]:
    """The <path> elements."""
    for shape in shapes:
        opacity = f' fill-opacity="{decimal(shape.opacity, 3)}"' if shape.opacity < 1 else ""
        yield f'<path fill="{short_color(shape.fill)}"{opacity} d="{shape.data}"/>'


def short_color(paint: str) -> str:
    """`#aabbcc` as `#abc`; everything else as it is."""
    if len(paint) == 7 and paint[1] == paint[2] and paint[3] == paint[4] and paint[5] == paint[6]:
        return "#" + paint[1::2]
    return paint


def decimal(value: float, digits: int) -> str:
    """A number with at most this many decimals and nothing superfluous: 0.50 is `.5`, -0.0 is `0`."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def hex_color(red: float, green: float, blue: float) -> str:
    """Channels 0 to 255, rounded, as `#rrggbb`."""
    return f"#{level(red):02x}{level(green):02x}{level(blue):02x}"


def level(value: float) -> int:
    """A channel rounded into its range."""
    return 0 if value < 0 else 255 if value > 255 else round(value)
