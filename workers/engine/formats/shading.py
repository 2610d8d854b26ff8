"""Gradients as PDF and PostScript level 3 know them: a shading dictionary with a function of the way along it.

The dictionaries are the same in both languages (PostScript Language Reference, third edition, 4.9.3; ISO 32000-1,
8.7.4.5): axial is type 2, radial type 3, and the function is stitched from straight pieces between the stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.engine.artwork import Gradient
from workers.engine.formats.numbers import row, unit_color


@dataclass(frozen=True, slots=True)
class Shade:
    """A stop as the shading gets it: offset 0 to 1, and channels 0 to 255 (three, or one for a mask)."""

    offset: float
    channels: tuple[float, ...]


def color_shades(gradient: Gradient) -> list[Shade]:
    """The gradient's colors, its opacity left out."""
    return [Shade(stop.offset, stop.color) for stop in gradient.stops]


def mask_shades(gradient: Gradient) -> list[Shade]:
    """The gradient's opacity, as gray."""
    return [Shade(stop.offset, (255 * stop.opacity,)) for stop in gradient.stops]


def shading(gradient: Gradient, shades: Sequence[Shade]) -> str:
    """The shading dictionary, in the gradient's own coordinates."""
    where = gradient.coordinates
    if gradient.is_radial:
        center_x, center_y, radius = where
        where = (center_x, center_y, 0, center_x, center_y, radius)
    space = "/DeviceRGB" if len(shades[0].channels) == 3 else "/DeviceGray"
    return (
        f"<< /ShadingType {3 if gradient.is_radial else 2} /ColorSpace {space} /Coords [{row(*where)}]"
        f" /Extend [true true] /Function {function(shades)} >>"
    )


def function(shades: Sequence[Shade]) -> str:
    """The color along the way: one straight piece between each two stops that are apart."""
    ends = [Shade(0.0, shades[0].channels), *shades, Shade(1.0, shades[-1].channels)]
    pieces = [(a, b) for a, b in pairwise(ends) if b.offset - a.offset > 1e-6]
    texts = [f"<< /FunctionType 2 /Domain [0 1] /N 1 /C0 [{channels(a)}] /C1 [{channels(b)}] >>" for a, b in pieces]
    if len(texts) == 1:
        return texts[0]
    return (
        f"<< /FunctionType 3 /Domain [0 1] /Functions [{' '.join(texts)}]"
        f" /Bounds [{row(*(b.offset for _, b in pieces[:-1]))}] /Encode [{' '.join(['0 1'] * len(texts))}] >>"
    )


def channels(shade: Shade) -> str:
    """The channels as 0 to 1."""
    return unit_color(shade.channels)
