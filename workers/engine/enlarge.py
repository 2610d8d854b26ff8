"""Small and finely drawn pictures at twice their size, so that what is thinner than a pixel becomes pixels.

Cubic convolution (Keys 1981) guesses how each pixel's color lies within it. The guess is then made as crisp as edges
are, within the range of colors around (no ringing), while the four parts keep the pixel as their mean: iterated back
projection (Irani, Peleg 1991). So coverage stays what it was, and with it all that the sub-pixel ring reads from it.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.decode import Pixels
from workers.engine.flatness import Spreads
from workers.engine.kernels import allocating_kernel, kernel

KEYS_WEIGHTS = (-0.10546875, 0.87890625, 0.26171875, -0.03515625)
"""Cubic convolution with a = -0.75 at a quarter of a pixel from the second of four samples."""

ROUNDS = 3
"""Times that the parts are made crisper and moved back to their mean."""

SMOOTH = 10
"""Where no channel varies by more levels than this there is no edge to be made crisp, only noise or a gradient."""


def doubled(pixels: Pixels, spreads: Spreads) -> Pixels:
    """The premultiplied picture with twice as many pixels in both directions; `spreads` are those of its pixels."""
    height, width = pixels.shape[:2]
    out = np.empty((2 * height, 2 * width, 4), np.uint8)
    split_pixels(pixels, spreads, np.array(KEYS_WEIGHTS, np.float32), out)
    return out


@allocating_kernel
def split_pixels(pixels: Pixels, spreads: Spreads, weights: NDArray[np.float32], out: Pixels) -> None:
    """Write the four parts of every pixel."""
    height, width = pixels.shape[:2]
    parts, halves = np.empty((2, 2), np.float32), np.empty((5, 2), np.float32)
    for y in range(height):
        above, below = max(0, y - 1), min(height - 1, y + 1)
        for x in range(width):
            if spreads[y, x] == 0:
                for c in range(4):
                    out[2 * y, 2 * x, c] = out[2 * y, 2 * x + 1, c] = pixels[y, x, c]
                    out[2 * y + 1, 2 * x, c] = out[2 * y + 1, 2 * x + 1, c] = pixels[y, x, c]
                continue
            left, right = max(0, x - 1), min(width - 1, x + 1)
            for c in range(4):
                low = high = pixels[y, x, c]
                for ny in range(above, below + 1):
                    for nx in range(left, right + 1):
                        low, high = min(low, pixels[ny, nx, c]), max(high, pixels[ny, nx, c])
                if low == high:
                    out[2 * y, 2 * x, c] = out[2 * y, 2 * x + 1, c] = low
                    out[2 * y + 1, 2 * x, c] = out[2 * y + 1, 2 * x + 1, c] = low
                    continue
                interpolate(pixels, weights, y, x, c, halves, parts)
                rounds = ROUNDS if spreads[y, x] > SMOOTH else 1
                make_crisp(parts, np.float32(low), np.float32(high), np.float32(pixels[y, x, c]), rounds)
                for i in range(2):
                    for j in range(2):
                        out[2 * y + i, 2 * x + j, c] = np.uint8(parts[i, j] + np.float32(0.5))
            for i in range(2):
                for j in range(2):
                    # Rounding must not leave more color than alpha.
                    for c in range(3):
                        out[2 * y + i, 2 * x + j, c] = min(out[2 * y + i, 2 * x + j, c], out[2 * y + i, 2 * x + j, 3])


@kernel
def interpolate(
    pixels: Pixels, weights: NDArray[np.float32], y: int, x: int, c: int, halves: NDArray[np.float32],
    parts: NDArray[np.float32],
) -> None:  # fmt: skip
    """One channel of a pixel's four parts by cubic convolution: rows first, then columns."""
    height, width = pixels.shape[:2]
    for k in range(5):
        row = min(height - 1, max(0, y + k - 2))
        halves[k, 0] = halves[k, 1] = np.float32(0)
        for i in range(4):
            # the left part's four samples end one pixel to the right, the right part's begin one to the left
            halves[k, 0] += weights[3 - i] * np.float32(pixels[row, min(width - 1, max(0, x - 2 + i)), c])
            halves[k, 1] += weights[i] * np.float32(pixels[row, min(width - 1, max(0, x - 1 + i)), c])
    for j in range(2):
        parts[0, j] = parts[1, j] = np.float32(0)
        for i in range(4):
            parts[0, j] += weights[3 - i] * halves[i, j]
            parts[1, j] += weights[i] * halves[i + 1, j]


@kernel
def make_crisp(parts: NDArray[np.float32], low: np.float32, high: np.float32, mean: np.float32, rounds: int) -> None:
    """Move the parts toward the ends of the range, and back until their mean is the pixel's."""
    span = high - low
    for i in range(2):
        for j in range(2):
            parts[i, j] = min(high, max(low, parts[i, j]))
    for _ in range(rounds):
        total = np.float32(0)
        for i in range(2):
            for j in range(2):
                t = (parts[i, j] - low) / span
                if rounds > 1:
                    parts[i, j] = low + span * t * t * (np.float32(3) - np.float32(2) * t)
                total += parts[i, j]
        missing = mean - np.float32(0.25) * total
        for i in range(2):
            for j in range(2):
                parts[i, j] = min(high, max(low, parts[i, j] + missing))
