"""Path data in few bytes: relative commands, whole units, no letter or space that a reader can do without.

A closed path begins after its longest line, which `z` then draws.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel, kernel

LINE, QUARTER = 1, 2
"""What marks a line, and one of four curves that make up an ellipse."""

MOST_BYTES = 72
"""A segment is a letter and at most six numbers of a sign or space and up to ten digits, and so is the beginning."""

MOVE, MOVE_BY, LINE_TO, ACROSS, DOWN, CURVE, MIRRORED, ARC, CLOSE = (ord(letter) for letter in "Mmlhvcsaz")
MINUS, SPACE, ZERO = ord("-"), ord(" "), ord("0")

Text = NDArray[np.uint8]

Pen = NDArray[np.int64]
"""Whether there is a closed path before this one, and where it began: there the pen is since its `z`."""


@kernel
def size_of(value: int) -> int:
    """The number of bytes of a whole number."""
    size = 2 if value < 0 else 1
    left = abs(value)
    while left >= 10:
        left //= 10
        size += 1
    return size


@kernel
def put_number(text: Text, at: int, value: int, spaced: bool) -> int:
    """Write a whole number; its sign parts it from the one before, or else a space if there is one before."""
    if value < 0:
        text[at] = MINUS
        at += 1
    elif spaced:
        text[at] = SPACE
        at += 1
    left = abs(value)
    digits = size_of(left)
    for k in range(digits - 1, -1, -1):
        text[at + k] = ZERO + left % 10
        left //= 10
    return at + digits


@kernel
def put_start(text: Text, x: int, y: int, pen: Pen) -> int:
    """Write where a closed path begins, relative to the one before if that is shorter; give the number of bytes."""
    dx, dy = x - pen[1], y - pen[2]
    shorter = pen[0] == 1 and size_of(dx) + size_of(dy) + (dy >= 0) < size_of(x) + size_of(y) + (y >= 0)
    pen[0], pen[1], pen[2] = 1, x, y
    if shorter:
        x, y = dx, dy
    text[0] = MOVE_BY if shorter else MOVE
    return put_number(text, put_number(text, 1, x, False), y, True)


@kernel
def best_start(rows: NDArray[np.int64], lines: Pixels) -> int:
    """The curve after the line that takes most bytes to write: if the path begins there `z` draws that line."""
    best, longest = 0, 0
    for k in range(len(rows)):
        dx, dy = rows[k, 6] - rows[k, 0], rows[k, 7] - rows[k, 1]
        if lines[k] == LINE and (dx != 0 or dy != 0):
            size = (size_of(dx) if dx != 0 else 0) + (size_of(dy) if dy != 0 else 0)
            if size > longest:
                best, longest = (k + 1) % len(rows), size
    return best


@allocating_kernel
def put_path(rows: NDArray[np.int64], lines: Pixels, text: Text, pen: Pen) -> tuple[int, int]:
    """Write the path of curves in whole units; give the number of its bytes and of its segments."""
    count, values, start = len(rows), np.empty(6, np.int64), best_start(rows, lines)
    start_x, start_y = rows[start, 0], rows[start, 1]
    at = put_start(text, start_x, start_y, pen)
    x, y, segments, mirror_x, mirror_y = start_x, start_y, 0, 0, 0
    previous = LINE_TO if text[0] == MOVE_BY else MOVE  # what follows `m` is a line unless a letter says otherwise
    for step in range(count):
        k, last = (start + step) % count, step == count - 1
        end_x, end_y = (start_x, start_y) if last else (rows[k, 6], rows[k, 7])
        dx, dy = end_x - x, end_y - y
        if lines[k] == LINE:
            if dx == 0 and dy == 0:
                continue
            segments += 1
            if last:
                break  # `z` draws it
            command, first, used = (DOWN, 1, 2) if dx == 0 else (ACROSS, 0, 1) if dy == 0 else (LINE_TO, 0, 2)
            values[0], values[1] = dx, dy
        else:
            segments += 1
            command, first, used = CURVE, 0, 6
            for c in range(6):
                values[c] = rows[k, 2 + c] - (y if c % 2 else x)
            values[4], values[5] = dx, dy
            if (previous in (CURVE, MIRRORED)) and values[0] == mirror_x and values[1] == mirror_y:
                command, first = MIRRORED, 2
            mirror_x, mirror_y = end_x - rows[k, 4], end_y - rows[k, 5]
        if command != previous:
            text[at] = command
            at += 1
        for c in range(first, used):
            at = put_number(text, at, values[c], c > first or command == previous)
        previous, x, y = command, end_x, end_y
    text[at] = CLOSE
    return at + 1, segments


@kernel
def put_arcs(curves: Floats, units: int, text: Text, pen: Pen) -> int:
    """Write an ellipse of four curves as two arcs, from its right or left end; gives 0 bytes if it is not upright."""
    x, y = (curves[0, 0] + curves[2, 0]) / 2 * units, (curves[0, 1] + curves[2, 1]) / 2 * units
    ax, ay = curves[0, 0] * units - x, curves[0, 1] * units - y
    bx, by = curves[1, 0] * units - x, curves[1, 1] * units - y
    # In a page whose y points down, a ring that turns from right to bottom is drawn with a positive angle.
    sweep = 1 if ax * by > ay * bx else 0
    if abs(ax) < abs(ay):
        ax, ay, bx, by = bx, by, ax, ay
    wide, high = int(np.rint(abs(ax))), int(np.rint(abs(by)))
    if np.rint(ay) != 0 or np.rint(bx) != 0 or wide == 0 or high == 0:
        return 0
    at = put_start(text, int(np.rint(x)) - wide, int(np.rint(y)), pen)
    text[at] = ARC
    at += 1
    for way in (2 * wide, -2 * wide):
        for value in (wide, high, 0, 1, sweep, way, 0):
            at = put_number(text, at, value, text[at - 1] != ARC)
    text[at] = CLOSE
    return at + 1


@kernel
def put_page(width: int, height: int, units: int, text: Text, pen: Pen) -> int:
    """Write the outline of the whole page; give the number of bytes."""
    pen[0], pen[1], pen[2] = 1, 0, 0
    text[0], text[1], text[2], text[3], text[4] = MOVE, ZERO, SPACE, ZERO, ACROSS
    at = put_number(text, 5, width * units, False)
    text[at] = DOWN
    at = put_number(text, at + 1, height * units, False)
    text[at] = ACROSS
    at = put_number(text, at + 1, -width * units, False)
    text[at] = CLOSE
    return at + 1


@allocating_kernel
def put_closed(curves: Floats, lines: Pixels, count: int, units: int, text: Text, pen: Pen) -> tuple[int, int]:
    """Write the closed path of consecutive curves, in pixels; give the number of its bytes and of its segments.

    The last curve ends where the first began. Lines of no length at this precision are left out; a path that
    shrinks to fewer than two segments is nothing. An upright ellipse becomes two arcs; a curve whose first handle
    mirrors the last one before it is written without that handle (`s`).
    """
    if count == 4 and (lines[:4] == QUARTER).all():
        used = put_arcs(curves, units, text, pen)
        if used:
            return used, 2
    rows = np.empty((count, 8), np.int64)
    for k in range(count):
        for c in range(8):
            rows[k, c] = int(np.rint(curves[k, c] * units))
    known, x, y = pen[0], pen[1], pen[2]
    used, segments = put_path(rows, lines, text, pen)
    if segments >= 2:
        return used, segments
    pen[0], pen[1], pen[2] = known, x, y
    return 0, 0


def room_for(curves: int) -> Text:
    """Room for the data of a path of so many curves."""
    return np.empty(MOST_BYTES * (curves + 1), np.uint8)


def decoded(text: Text, used: int) -> str:
    """The first bytes of a text."""
    return text[:used].tobytes().decode("ascii")


def new_pen() -> Pen:
    """What a path begins with."""
    return np.zeros(3, np.int64)


def write_path(curves: Floats, lines: Pixels, count: int, units: int, pen: Pen) -> tuple[str, int]:
    """What `put_closed` writes, and the number of segments."""
    text = room_for(count)
    used, segments = put_closed(curves, lines, count, units, text, pen)
    return decoded(text, used), segments


def rectangle(width: int, height: int, units: int) -> tuple[str, int]:
    """Path data of the whole page, and the number of its segments."""
    text = room_for(4)
    return decoded(text, put_page(width, height, units, text, new_pen())), 4
