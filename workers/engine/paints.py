"""Paints as SVG: flat colors, and gradients with as few stops as their profile needs.

Stops are thinned by Ramer, Douglas and Peucker's halving: a stop stays if the line past it would miss its color.
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.drawing import decimal, hex_color
from workers.engine.gradients import CONSTANT, LINEAR
from workers.engine.softness import Paint

STOP_ERROR = 2.5
ROUND = 0.02


def flat_paint(color: Floats) -> tuple[str, float]:
    """Hex color and opacity of a premultiplied RGBA color."""
    opacity = float(color[3]) / 255
    if opacity >= 0.998:
        return hex_color(*color[:3]), 1.0
    straight = color[:3] / max(opacity, 1 / 255)
    return hex_color(*straight), round(opacity, 3)


def define_paint(paint: Paint, units: int, name: str) -> tuple[str, str]:
    """The gradient's <defs> entry and its profile's mean color; the entry is empty if one color does."""
    if paint.kind == CONSTANT or len(paint.profile) < 2:
        return "", ""
    if paint.kind == LINEAR:
        return define_linear(paint, units, name), f"url(#{name})"
    return define_radial(paint, units, name), f"url(#{name})"


def define_linear(paint: Paint, units: int, name: str) -> str:
    """A linearGradient from the first sample along the direction to the last."""
    x, y, way_x, way_y = paint.shape[:4]
    way = (paint.samples[:, 0] - x) * way_x + (paint.samples[:, 1] - y) * way_y
    low, high = float(way.min()), float(way.max())
    x1, y1, x2, y2 = (
        round(float(value) * units) for value in (x + low * way_x, y + low * way_y, x + high * way_x, y + high * way_y)
    )
    stops = "".join(stop_elements(paint.profile, low, high, low, high))
    return (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">'
        f"{stops}</linearGradient>"
    )


def define_radial(paint: Paint, units: int, name: str) -> str:
    """A radialGradient; one whose ellipse is no circle is a unit circle under a transformation."""
    x, y, xx, xy, yy = paint.shape[:5]
    dx, dy = paint.samples[:, 0] - x, paint.samples[:, 1] - y
    way = np.sqrt(np.maximum(0, xx * dx * dx + xy * dx * dy + yy * dy * dy))
    low, high = float(min(way.min(), paint.profile[0, 0])), float(way.max())
    stops = "".join(stop_elements(paint.profile, low, high, 0.0, high))
    center_x, center_y = round(float(x) * units), round(float(y) * units)
    head = f'<radialGradient id="{name}" gradientUnits="userSpaceOnUse"'
    if abs(xx - yy) < ROUND * xx and abs(xy) < ROUND * xx:
        radius = round(high / math.sqrt((xx + yy) / 2) * units)
        return f'{head} cx="{center_x}" cy="{center_y}" r="{radius}">{stops}</radialGradient>'
    lengths, axes = np.linalg.eigh(np.array([[xx, xy / 2], [xy / 2, yy]]))
    (a, c), (b, d) = (axes @ np.diag(high * units / np.sqrt(np.maximum(lengths, 1e-9)))).tolist()
    matrix = f"matrix({a:.0f} {b:.0f} {c:.0f} {d:.0f} {center_x} {center_y})"
    return f'{head} cx="0" cy="0" r="1" gradientTransform="{matrix}">{stops}</radialGradient>'


def stop_elements(profile: Floats, low: float, high: float, zero: float, one: float) -> list[str]:
    """<stop>s of the profile from `low` to `high`, on a scale on which `zero` is offset 0 and `one` is 1."""
    ways = np.concatenate([[low], profile[:, 0], [high]])
    colors = np.vstack(
        [extended(profile, 0, 1, low), profile[:, 1:], extended(profile, len(profile) - 2, len(profile) - 1, high)]
    )
    elements = list[str]()
    for k in needed_stops(ways, colors):
        paint, opacity = flat_paint(colors[k])
        offset = decimal(float((ways[k] - zero) / max(1e-9, one - zero)), 3)
        clear = f' stop-opacity="{decimal(opacity, 3)}"' if opacity < 1 else ""
        elements.append(f'<stop offset="{offset}" stop-color="{paint}"{clear}/>')
    return elements


def extended(profile: Floats, i: int, j: int, way: float) -> Floats:
    """Color at `way` on the line through bins i and j."""
    t = (way - profile[i, 0]) / max(1e-9, profile[j, 0] - profile[i, 0])
    return np.clip(profile[i, 1:] + t * (profile[j, 1:] - profile[i, 1:]), 0, 255)


def needed_stops(ways: Floats, colors: Floats) -> list[int]:
    """Indices of the stops without which some color would be off by more than STOP_ERROR levels."""
    kept, spans = {0, len(ways) - 1}, [(0, len(ways) - 1)]
    while spans:
        i, j = spans.pop()
        if j - i < 2:
            continue
        t = ((ways[i + 1 : j] - ways[i]) / max(1e-9, ways[j] - ways[i]))[:, None]
        off = np.abs(colors[i] + t * (colors[j] - colors[i]) - colors[i + 1 : j]).max(1)
        worst = int(off.argmax())
        if off[worst] > STOP_ERROR:
            k = i + 1 + worst
            kept.add(k)
            spans += [(i, k), (k, j)]
    return sorted(kept)
