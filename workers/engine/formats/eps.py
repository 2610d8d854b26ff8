"""Encapsulated PostScript, level 3: the paths as they are, gradients as shadings.

PostScript knows no transparency. Where a drawing of ours is translucent there is nothing opaque under it, so such
colors are laid over white; a gradient whose opacity changes gets more stops, because its mixture with white
bends.
"""

import math
from itertools import pairwise

from shared.outputs import OutputSize
from workers.engine.artwork import Area, Artwork, Gradient, Stop, steps
from workers.engine.formats.numbers import row, unit_color
from workers.engine.formats.paper import Channels, colors_on_paper, over
from workers.engine.formats.shading import Shade, shading

PROLOG = " ".join(
    f"/{short} /{name} load def"
    for short, name in zip("mlchkf", ("moveto", "lineto", "curveto", "closepath", "setrgbcolor", "fill"), strict=True)
)
OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}
PIECES = 8
"""A gradient between two opacities is laid over white in so many straight pieces: off by a level at most."""


def write_eps(artwork: Artwork, size: OutputSize) -> bytes:
    """The drawing with a bounding box of exactly this size."""
    width, height = size.points()
    view_width, view_height = artwork.view
    head = (
        "%!PS-Adobe-3.0 EPSF-3.0",
        f"%%BoundingBox: 0 0 {math.ceil(width)} {math.ceil(height)}",
        f"%%HiResBoundingBox: 0 0 {row(width, height)}",
        "%%Creator: tovector",
        "%%LanguageLevel: 3",
        "%%DocumentData: Clean7Bit",
        "%%EndComments",
        "%%BeginProlog",
        PROLOG,
        "%%EndProlog",
        "%%Page: 1 1",
        "gsave",
        f"0 0 {row(width, height)} rectclip",
        f"[{row(width / view_width, 0, 0, -height / view_height, 0, height, digits=8)}] concat",
    )
    tail = ("grestore", "showpage", "%%EOF", "")
    seen = zip(artwork.areas, colors_on_paper(artwork.areas), strict=True)
    return "\n".join((*head, *(painted(area, color) for area, color in seen), *tail)).encode("ascii")


def painted(area: Area, color: Channels) -> str:
    """An area: its path, filled with the color that paper shows or used to clip a shading."""
    outline = "\n".join(f"{row(*numbers)} {OPERATORS[name]}".lstrip() for name, numbers in steps(area.data))
    if isinstance(area.paint, Gradient):
        shade = shading(area.paint, shades_on_white(area.paint, area.opacity))
        return f"gsave\n{outline}\nclip [{row(*area.paint.matrix, digits=8)}] concat {shade} shfill grestore newpath"
    return f"{unit_color(color)} k\n{outline}\nf"


def shades_on_white(gradient: Gradient, opacity: float) -> list[Shade]:
    """The gradient's stops over white, with more between those that differ in opacity."""
    out = list[Shade]()
    for first, second in pairwise(gradient.stops):
        pieces = 1 if first.opacity == second.opacity else PIECES
        out += [shade_on_white(between(first, second, k / pieces), opacity) for k in range(pieces)]
    return [*out, shade_on_white(gradient.stops[-1], opacity)]


def shade_on_white(stop: Stop, opacity: float) -> Shade:
    """One stop over white."""
    return Shade(stop.offset, over(stop.color, opacity * stop.opacity))


def between(first: Stop, second: Stop, part: float) -> Stop:
    """The stop that SVG shows at a part of the way between two."""
    red, green, blue = (a + part * (b - a) for a, b in zip(first.color, second.color, strict=True))
    return Stop(
        first.offset + part * (second.offset - first.offset),
        (round(red), round(green), round(blue)),
        first.opacity + part * (second.opacity - first.opacity),
    )
