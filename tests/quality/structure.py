"""What an SVG is made of, counted from its text (SVG 1.1, chapters 8 and 9)."""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
GAP = r"[\s,]*"
ARC = re.compile(GAP.join([NUMBER] * 3 + ["[01]"] * 2 + [NUMBER] * 2))
COMMAND = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)")
ARITY: Final = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2}
SHAPES: Final = {"rect": 4, "circle": 4, "ellipse": 4, "line": 1}
PAINTS = ("fill", "stroke", "stop-color")


@dataclass(frozen=True, slots=True)
class Structure:
    """Segments drawn (a move and a close are none; a rectangle or an ellipse has 4), elements drawn, paints used."""

    segments: int
    paths: int
    colors: int


def structure_of(svg: str) -> Structure:
    """Count a drawing's parts. Raises ValueError if it is not XML."""
    try:
        root = ET.fromstring(svg.encode())
    except ET.ParseError as error:
        raise ValueError("not XML") from error
    segments = paths = 0
    paints = set[str]()
    for element in root.iter():
        paints |= _paints(element)
        count = _segments(element)
        if count is not None:
            segments += count
            paths += 1
    return Structure(segments, paths, len(paints))


def _segments(element: ET.Element) -> int | None:
    """How many segments an element draws; None for one that draws nothing itself."""
    tag = element.tag.rpartition("}")[2]
    if tag == "path":
        return segments_of_path(element.get("d", ""))
    if tag in {"polygon", "polyline"}:
        return len(re.findall(NUMBER, element.get("points", ""))) // 2 - (tag == "polyline")
    return SHAPES.get(tag)


def segments_of_path(data: str) -> int:
    """How many lines and curves path data draws; further pairs after a move are lines."""
    total = 0
    for letter, body in COMMAND.findall(data):
        command = letter.lower()
        if command == "a":
            total += len(ARC.findall(body))
        elif command != "z":
            count = len(re.findall(NUMBER, body)) // ARITY[command]
            total += count - 1 if command == "m" else count
    return total


def _paints(element: ET.Element) -> set[str]:
    style = dict(
        [part.strip() for part in rule.split(":", 1)] for rule in element.get("style", "").split(";") if ":" in rule
    )
    values = ((style.get(name) or element.get(name) or "").strip().lower() for name in PAINTS)
    return {value for value in values if value and value != "none" and not value.startswith("url(")}
