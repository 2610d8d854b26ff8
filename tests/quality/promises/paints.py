"""The colors of an SVG, read from its text alone (SVG 1.1, chapters 11 and 13): fills, strokes and stops."""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from PIL import ImageColor

DRAWN = frozenset({"path", "rect", "circle", "ellipse", "line", "polygon", "polyline"})
REFERENCE = re.compile(r"url\(['\"]?#([^'\")]+)['\"]?\)")
INITIAL = {"fill": "#000000", "stroke": "none"}
"""What paints an element that says nothing, nor any group around it."""


def colors_of(svg: str) -> frozenset[str]:
    """Every color that paints something, as `#rrggbb`. Raises ValueError for what is no SVG or no color."""
    try:
        root = ET.fromstring(svg.encode())
    except ET.ParseError as error:
        raise ValueError("not XML") from error
    servers = {element.get("id", ""): element for element in root.iter() if _tag(element).endswith("Gradient")}
    found = set[str]()
    for paint in _paints(root, INITIAL):
        reference = REFERENCE.match(paint)
        found |= set(_stops(servers[reference[1]])) if reference else {normal(paint)}
    return frozenset(found)


def normal(color: str) -> str:
    """A color in any of its spellings as `#rrggbb`. Raises ValueError if it is none."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _paints(element: ET.Element, inherited: Mapping[str, str]) -> Iterator[str]:
    """The paints of an element and all within it, which inherit its own; definitions paint nothing themselves."""
    tag = _tag(element)
    if tag == "defs":
        return
    paints = {name: _property(element, name) or value for name, value in inherited.items()}
    if tag in DRAWN:
        yield from (paint for paint in paints.values() if paint not in {"none", "transparent"})
    for child in element:
        yield from _paints(child, paints)


def _stops(gradient: ET.Element) -> Iterator[str]:
    for stop in gradient:
        if _tag(stop) == "stop":
            yield normal(_property(stop, "stop-color") or "#000000")


def _property(element: ET.Element, name: str) -> str:
    """The value that a style or else an attribute gives; nothing if neither does."""
    rules = dict(rule.split(":", 1) for rule in element.get("style", "").replace(" ", "").split(";") if ":" in rule)
    value = (rules.get(name) or element.get(name) or "").strip()
    return "" if value == "inherit" else value


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
