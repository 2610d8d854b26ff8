"""Path data in few bytes: relative commands, whole units, no letter or space that a reader can do without."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workers.engine.color import Floats
    from workers.engine.decode import Pixels


def write_path(curves: "Floats", lines: "Pixels", count: int, units: int) -> tuple[str, int]:
    """Closed path data of consecutive curves (eight numbers each, in pixels), and the number of its segments.

    The last curve ends where the first began. Lines of no length at this precision are left out; a path that
    shrinks to fewer than two segments is nothing, and its data is empty.
    """
    rows: list[list[int]] = np.rint(curves[:count] * units).astype(np.int64).tolist()
    start_x, start_y = rows[0][0], rows[0][1]
    x, y, segments, previous = start_x, start_y, 0, ""
    parts = [f"M{start_x}{number(start_y)}"]
    for k, row in enumerate(rows):
        last = k == count - 1
        end_x, end_y = (start_x, start_y) if last else (row[6], row[7])
        dx, dy = end_x - x, end_y - y
        if lines[k]:
            if not dx and not dy:
                continue
            segments += 1
            if last:
                break  # `z` draws it
            command, values = ("v", (dy,)) if not dx else ("h", (dx,)) if not dy else ("l", (dx, dy))
        else:
            segments += 1
            command, values = "c", (row[2] - x, row[3] - y, row[4] - x, row[5] - y, dx, dy)
        text = "".join(map(number, values))
        parts.append(text if command == previous else command + text.lstrip())
        previous, x, y = command, end_x, end_y
    return ("".join(parts) + "z", segments) if segments >= 2 else ("", 0)


def number(value: int) -> str:
    """A whole number after another one: its sign parts them, or else a space."""
    return str(value) if value < 0 else f" {value}"


def rectangle(width: int, height: int, units: int) -> tuple[str, int]:
    """Path data of the whole page."""
    return f"M0 0h{width * units}v{height * units}h-{width * units}z", 4
