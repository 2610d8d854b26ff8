"""Paints as SVG: flat colors, and gradients with as few stops as their profile needs.

Stops are thinned by Ramer, Douglas and Peucker's halving: a stop stays if the line past it would miss its color. Those
that stay take the colors with which the line through them misses the others least (least squares).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.drawing import decimal, hex_color, short_color
from workers.engine.flatness import Mask
from workers.engine.gradients import CONSTANT, LINEAR, solve
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.softness import Paint

STOP_ERROR, STOP_AREA, FALLOFF = 4.0, 800, 0.3
FINEST, COARSEST = 2.5, 8.0
"""No stop is needed if without it no color is off by more levels, nor a gradient if one color is that near to all.

That is `STOP_ERROR` for a shape of `STOP_AREA` pixels. A stop takes as many bytes in a small shape, where it mends
less: the error goes with the area to the power of minus `FALLOFF`. (With n stops it falls as 1 / n², so the sum of the
shape's squared error and a price for every stop is least with a power of .4; .3 did best.)
"""

FAINT_STOP = 24.0
"""Rounding of samples with less alpha than this, of 255, may be off by more than ten levels of their color."""

ROUND = 0.02
OFFSET_DIGITS = 3


def flat_paint(color: Sequence[float]) -> tuple[str, float]:
    """Hex color and opacity of a premultiplied RGBA color."""
    red, green, blue, alpha = color
    opacity = opacity_of(alpha)
    if opacity == 1:
        return hex_color(red, green, blue), opacity
    share = max(alpha, 1) / 255
    return hex_color(red / share, green / share, blue / share), opacity


def opacity_of(alpha: float) -> float:
    """Opacity 0 to 1 of an alpha of 0 to 255; what is nearly opaque is so."""
    opacity = alpha / 255
    return 1.0 if opacity >= 0.998 else round(opacity, 3)


def fill_of(paint: Paint, area: int, units: int, name: str) -> tuple[str, str, float]:
    """The gradient's <defs> entry, empty if one color does; what fills a shape with it, and the opacity of that.

    The shape has an area of so many pixels, a pixel so many `units`, and the gradient this name.
    """
    if paint.kind == CONSTANT or len(paint.profile) < 2:
        return "", *flat_paint(paint.profile[0, 1:].tolist())
    error = error_for(area)
    stops = np.empty((len(paint.profile) + 2, 5))
    stops = stops[: place_stops(paint.profile, paint.low, paint.high, error, stops)]
    middle = (stops[:, 1:].min(0) + stops[:, 1:].max(0)) / 2
    if np.abs(stops[:, 1:] - middle).max() <= error:
        return "", *flat_paint(middle.tolist())
    define = define_linear if paint.kind == LINEAR else define_radial
    return define(paint, stops, units, name), f"url(#{name})", 1.0


def error_for(area: int) -> float:
    """By how many levels the colors of a shape of so many pixels may be off."""
    return min(COARSEST, max(FINEST, STOP_ERROR * (max(area, 1) / STOP_AREA) ** -FALLOFF))


def define_linear(paint: Paint, stops: Floats, units: int, name: str) -> str:
    """A linearGradient from the first sample along the direction to the last."""
    x, y, way_x, way_y = paint.shape[:4].tolist()
    low, high = paint.low, paint.high
    x1, y1, x2, y2 = (
        round(value * units) for value in (x + low * way_x, y + low * way_y, x + high * way_x, y + high * way_y)
    )
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">'
        f"{stop_elements(stops, low, high)}</linearGradient>"
    )


def define_radial(paint: Paint, stops: Floats, units: int, name: str) -> str:
    """A radialGradient; one whose ellipse is no circle is a unit circle under a transformation."""
    x, y, xx, xy, yy = paint.shape[:5].tolist()
    high = paint.high
    elements = stop_elements(stops, 0.0, high)
    center_x, center_y = round(x * units), round(y * units)
    head = f'<radialGradient id="{name}" gradientUnits="userSpaceOnUse"'
    if abs(xx - yy) < ROUND * xx and abs(xy) < ROUND * xx:
        radius = round(high / math.sqrt((xx + yy) / 2) * units)
        return f'{head} cx="{center_x}" cy="{center_y}" r="{radius}">{elements}</radialGradient>'
    lengths, axes = np.linalg.eigh(np.array([[xx, xy / 2], [xy / 2, yy]]))
    (a, c), (b, d) = (axes @ np.diag(high * units / np.sqrt(np.maximum(lengths, 1e-9)))).tolist()
    matrix = f"matrix({a:.0f} {b:.0f} {c:.0f} {d:.0f} {center_x} {center_y})"
    return f'{head} cx="0" cy="0" r="1" gradientTransform="{matrix}">{elements}</radialGradient>'


def stop_elements(stops: Floats, zero: float, one: float) -> str:
    """<stop>s on a scale on which `zero` is offset 0 and `one` is 1."""
    elements = list[str]()
    for (way, *_, alpha), (_, *seen) in zip(stops.tolist(), stops[colored_rows(stops)].tolist(), strict=True):
        opacity, (color, _) = opacity_of(alpha), flat_paint(seen)
        offset = decimal((way - zero) / max(1e-9, one - zero), OFFSET_DIGITS)
        clear = f' stop-opacity="{decimal(opacity, 3)}"' if opacity < 1 else ""
        elements.append(f'<stop offset="{offset}" stop-color="{short_color(color)}"{clear}/>')
    return "".join(elements)


def colored_rows(stops: Floats) -> NDArray[np.intp]:
    """For every stop the nearest one whose color can be told: of what is nearly clear only that is known."""
    told = np.flatnonzero(stops[:, 4] >= FAINT_STOP)
    if len(told) == len(stops):
        return told
    if not len(told):
        told = np.array([stops[:, 4].argmax()])
    return told[np.abs(stops[:, None, 0] - stops[None, told, 0]).argmin(1)]


@kernel
def color_at(profile: Floats, way: float, out: Floats) -> None:
    """`way` and the color there, on the line through the two bins around it or, beyond the ends, nearest to it."""
    k = 0
    while k < len(profile) - 2 and way > profile[k + 1, 0]:
        k += 1
    t = (way - profile[k, 0]) / max(1e-9, profile[k + 1, 0] - profile[k, 0])
    out[0] = way
    for c in range(1, 5):
        out[c] = min(255.0, max(0.0, profile[k, c] + t * (profile[k + 1, c] - profile[k, c])))


@allocating_kernel
def place_stops(profile: Floats, low: float, high: float, error: float, stops: Floats) -> int:
    """The ends and the bins between them without which some color would be off by more than `error` levels."""
    color_at(profile, low, stops[0])
    total = 1
    for k in range(len(profile)):
        if low < profile[k, 0] < high:
            stops[total] = profile[k]
            total += 1
    color_at(profile, high, stops[total])
    total += 1
    kept = np.zeros(total, np.bool_)
    kept[0] = kept[total - 1] = True
    spans = np.empty((total, 2), np.int64)
    spans[0, 0], spans[0, 1] = 0, total - 1
    waiting = 1
    while waiting:
        waiting -= 1
        i, j = spans[waiting, 0], spans[waiting, 1]
        worst, at = error, -1
        for k in range(i + 1, j):
            t = (stops[k, 0] - stops[i, 0]) / max(1e-9, stops[j, 0] - stops[i, 0])
            for c in range(1, 5):
                off = abs(stops[i, c] + t * (stops[j, c] - stops[i, c]) - stops[k, c])
                if off > worst:
                    worst, at = off, k
        if at >= 0:
            kept[at] = True
            spans[waiting, 0], spans[waiting, 1] = i, at
            spans[waiting + 1, 0], spans[waiting + 1, 1] = at, j
            waiting += 2
    return settle_stops(stops[:total], kept)


@allocating_kernel
def settle_stops(stops: Floats, kept: Mask) -> int:
    """Move the kept stops to the front, in colors with which the line through them misses all stops least."""
    total = len(stops)
    at = np.flatnonzero(kept)
    used = len(at)
    weights, sums = np.zeros((used, used)), np.zeros((4, used))
    i = 0
    for k in range(total):
        if k > at[i + 1]:
            i += 1
        before, after = stops[at[i], 0], stops[at[i + 1], 0]
        t = (stops[k, 0] - before) / max(1e-9, after - before)
        weights[i, i] += (1 - t) ** 2
        weights[i + 1, i + 1] += t * t
        weights[i, i + 1] += t * (1 - t)
        weights[i + 1, i] += t * (1 - t)
        for c in range(4):
            sums[c, i] += (1 - t) * stops[k, c + 1]
            sums[c, i + 1] += t * stops[k, c + 1]
    for i in range(used):
        stops[i] = stops[at[i]]
    for c in range(4):
        if solve(weights.copy(), sums[c]):
            for i in range(used):
                stops[i, c + 1] = min(255.0, max(0.0, sums[c, i]))
    return used
