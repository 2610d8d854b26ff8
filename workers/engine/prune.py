"""Dropping colors that exist only on edges: the ramps and ringing that compression leaves between two real colors."""

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import kernel
from workers.engine.mixture import Labels
from workers.engine.palette import Histogram

REACH = 2
CORE = 0.25
"""A color with less than this share of its pixels inside a 5 by 5 square of its own is thin."""

BEYOND = 0.12
"""Ringing overshoots: a mixture may lie this far past either end of the line between two colors."""

SLACK = 1.3
ALONE = 0.11 * 255


def without_ramps(pixels: Pixels, flat: Mask, histogram: Histogram, palette: Floats, mix_error: float) -> Floats:
    """The palette without thin colors that lie between two heavier ones."""
    labels = histogram.labels(pixels, flat, palette)
    inner, total = np.zeros(len(palette)), np.zeros(len(palette))
    count_cores(labels, inner, total)
    thin = inner < CORE * total
    kept = [0]
    for k in range(1, len(palette)):
        if not thin[k] or not is_mixture(palette[k], palette[kept], mix_error * 255 * SLACK):
            kept.append(k)
    return palette[kept]


@kernel
def count_cores(labels: Labels, inner: Floats, total: Floats) -> None:
    """Count each label's pixels, and those in the middle of a square of REACH that is all of one label."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label < 0:
                continue
            total[label] += 1
            if y < REACH or x < REACH or y >= height - REACH or x >= width - REACH:
                continue
            whole = True
            for dy in range(-REACH, REACH + 1):
                for dx in range(-REACH, REACH + 1):
                    if labels[y + dy, x + dx] != label:
                        whole = False
                if not whole:
                    break
            if whole:
                inner[label] += 1


def is_mixture(color: Floats, kept: Floats, most_error: float) -> bool:
    """Whether a color lies on the line between two others, or next to one."""
    if (((kept - color) ** 2).sum(1) < ALONE**2).any():
        return True
    for i in range(len(kept)):
        way = kept[:i] - kept[i]
        length = np.maximum((way**2).sum(1), 1e-9)
        t = np.clip((way @ (color - kept[i])) / length, -BEYOND, 1 + BEYOND)
        if (((color - kept[i] - t[:, None] * way) ** 2).sum(1) < most_error**2).any():
            return True
    return False
