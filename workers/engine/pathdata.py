"""Path data in few bytes: relative commands, whole units, no letter or space that a reader can do without."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.kernels import kernel

LINE, QUARTER = 1, 2
"""What marks a line, and one of four curves that make up an ellipse."""

MOST_BYTES = 72
"""A segment is a letter and at most six numbers of a sign or space and up to ten digits, and so is the beginning."""

MOVE, LINE_TO, ACROSS, DOWN, CURVE, MIRRORED, CLOSE = (ord(letter) for letter in "Mlhvcsz")
MINUS, SPACE, ZERO = ord("-"), ord(" "), ord("0")

Text = NDArray[np.uint8]


@kernel
def put_number(text: Text, at: int, value: int, spaced: bool) -> int:
    """Write a whole number; its sign parts it from the one before, or else a space if there is one before."""
    if value < 0:
        text[at] = MINUS
        at += 1
    elif spaced:
        text[at] = SPACE
        at += 1
    left, digits = abs(value), 1
    while left >= 10:
        left //= 10
        digits += 1
    left = abs(value)
    for k in range(digits - 1, -1, -1):
        text[at + k] = ZERO + left % 10
        left //= 10
    return at + digits


@kernel
def put_path(rows: NDArray[np.int64], lines: Pixels, text: Text) -> tuple[int, int]:
    """Write the path of curves in whole units; give the number of its bytes and of its segments."""
    count, values = len(rows), np.empty(6, np.int64)
    start_x, start_y = rows[0, 0], rows[0, 1]
    text[0] = MOVE
    at = put_number(text, put_number(text, 1, start_x, False), start_y, True)
    x, y, segments, previous, mirror_x, mirror_y = start_x, start_y, 0, MOVE, 0, 0
    for k in range(count):
        last = k == count - 1
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


def write_path(curves: Floats, lines: Pixels, count: int, units: int) -> tuple[str, int]:
    """Closed path data of consecutive curves (eight numbers each, in pixels), and the number of its segments.

    The last curve ends where the first began. Lines of no length at this precision are left out; a path that
    shrinks to fewer than two segments is nothing, and its data is empty. An upright ellipse becomes two arcs; a curve
    whose first handle mirrors the last one before it is written without that handle (`s`).
    """
    if count == 4 and (lines[:4] == QUARTER).all() and (arcs := two_arcs(curves[:4] * units)):
        return arcs, 2
    rows, text = np.rint(curves[:count] * units).astype(np.int64), np.empty(MOST_BYTES * (count + 1), np.uint8)
    used, segments = put_path(rows, lines, text)
    return (text[:used].tobytes().decode("ascii"), segments) if segments >= 2 else ("", 0)


def two_arcs(curves: Floats) -> str:
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
