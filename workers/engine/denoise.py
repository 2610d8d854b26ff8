"""Taking compression noise off flat areas without blurring edges: the bilateral filter (Tomasi, Manduchi 1998).

Each pixel becomes the mean of those around it, weighted by nearness and by likeness of color, so noise averages out
within an area while nothing crosses an edge.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.decode import Pixels
from workers.engine.kernels import allocating_kernel

REACH = 3
NEARNESS = 3.0
"""Standard deviation of the spatial weight, in pixels."""


def denoised(pixels: Pixels, strengths: tuple[float, ...] = (30.0, 20.0)) -> Pixels:
    """The picture after one pass for each strength: the color difference, in levels, that weighs 0.6."""
    for strength in strengths:
        differences = np.exp(-0.5 * (np.arange(4 * 256) / strength) ** 2).astype(np.float32)
        differences[differences < 0.004] = 0
        filtered = np.empty_like(pixels)
        smooth_within_edges(pixels, differences, filtered)
        pixels = filtered
    return pixels


@allocating_kernel
def smooth_within_edges(pixels: Pixels, weights: NDArray[np.float32], out: Pixels) -> None:
    """One pass over the disc of radius REACH; `weights` by summed channel difference."""
    height, width = pixels.shape[:2]
    offsets = np.empty(((2 * REACH + 1) ** 2, 2), np.int64)
    nearness = np.empty(len(offsets), np.float32)
    used = 0
    for dy in range(-REACH, REACH + 1):
        for dx in range(-REACH, REACH + 1):
            if dx * dx + dy * dy <= REACH * REACH + 1:
                offsets[used, 0], offsets[used, 1] = dy, dx
                nearness[used] = np.exp(-0.5 * (dx * dx + dy * dy) / (NEARNESS * NEARNESS))
                used += 1
    for y in range(height):
        for x in range(width):
            red, green, blue = np.int32(pixels[y, x, 0]), np.int32(pixels[y, x, 1]), np.int32(pixels[y, x, 2])
            total = sum_red = sum_green = sum_blue = np.float32(0)
            for k in range(used):
                ny, nx = y + offsets[k, 0], x + offsets[k, 1]
                if ny < 0 or ny >= height or nx < 0 or nx >= width:
                    continue
                r, g, b = np.int32(pixels[ny, nx, 0]), np.int32(pixels[ny, nx, 1]), np.int32(pixels[ny, nx, 2])
                weight = weights[abs(r - red) + abs(g - green) + abs(b - blue)] * nearness[k]
                total += weight
                sum_red += weight * np.float32(r)
                sum_green += weight * np.float32(g)
                sum_blue += weight * np.float32(b)
            out[y, x, 0] = np.uint8(sum_red / total + np.float32(0.5))
            out[y, x, 1] = np.uint8(sum_green / total + np.float32(0.5))
            out[y, x, 2] = np.uint8(sum_blue / total + np.float32(0.5))
            out[y, x, 3] = pixels[y, x, 3]
