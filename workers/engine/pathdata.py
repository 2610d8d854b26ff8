"""Path data in few bytes: relative commands, whole units, no letter or space that a reader can do without."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workers.engine.color import Floats
    from workers.engine.decode import Pixels

LINE, QUARTER = 1, 2
"""What marks a line, and one of four curves that make up an ellipse."""


def write_path(curves: "Floats", lines: "Pixels", count: int, units: int) -> tuple[str, int]:
    """Closed path data of consecutive curves (eight numbers each, in pixels), and the number of its segments.

    The last curve ends where the first began. Lines of no length at this precision are left out; a path that
    shrinks to fewer than two segments is nothing, and its data is empty. An upright ellipse becomes two arcs; a curve
    whose first handle mirrors the last one before it is written without that handle (`s`).
    """
    rows: list[list[int]] = np.rint(curves[:count] * units).astype(np.int64).tolist()
    if count == 4 and (lines[:4] == QUARTER).all() and (arcs := two_arcs(curves[:4] * units)):
        return arcs, 2
    start_x, start_y = rows[0][0], rows[0][1]
    x, y, segments, previous, mirror = start_x, start_y, 0, "", (0, 0)
    parts = [f"M{start_x}{number(start_y)}"]
    for k, row in enumerate(rows):
        last = k == count - 1
        end_x, end_y = (start_x, start_y) if last else (row[6], row[7])
        dx, dy = end_x - x, end_y - y
        if lines[k] == LINE:
            if not dx and not dy:
                continue
            segments += 1
            if last:
                break  # `z` draws it
            command, values = ("v", (dy,)) if not dx else ("h", (dx,)) if not dy else ("l", (dx, dy))
        else:
            segments += 1
            command, values = "c", (row[2] - x, row[3] - y, row[4] - x, row[5] - y, dx, dy)
            if previous in ("c", "s") and values[:2] == mirror:
                command, values = "s", values[2:]
            mirror = (end_x - row[4], end_y - row[5])
        text = "".join(map(number, values))
        parts.append(text if command == previous else command + text.lstrip())
        previous, x, y = command, end_x, end_y
    return ("".join(parts) + "z", segments) if segments >= 2 else ("", 0)


def two_arcs(curves: "Floats") -> str:
    """Path data of an ellipse, in drawing units, from its right or left end; empty if it is not upright."""
    x, y = (curves[0, :2] + curves[2, :2]) / 2
    across, down = curves[0, :2] - (x, y), curves[1, :2] - (x, y)
    if abs(across[0]) < abs(across[1]):
        across, down = down, across
    if round(across[1]) or round(down[0]):
        return ""
    wide, high = round(abs(across[0])), round(abs(down[1]))
    if not wide or not high:
        return ""
    # In a page whose y points down, a ring that turns from right to bottom is drawn with a positive angle.
    a, b = curves[0, :2] - (x, y), curves[1, :2] - (x, y)
    sweep = int(a[0] * b[1] > a[1] * b[0])
    there, back = (f"{wide} {high} 0 1 {sweep}{number(dx)} 0" for dx in (2 * wide, -2 * wide))
    return f"M{round(x) - wide}{number(round(y))}a{there} {back}z"


def number(value: int) -> str:
    """A whole number after another one: its sign parts them, or else a space."""
    return str(value) if value < 0 else f" {value}"


def rectangle(width: int, height: int, units: int) -> tuple[str, int]:
    """Path data of the whole page."""
    return f"M0 0h{width * units}v{height * units}h-{width * units}z", 4
