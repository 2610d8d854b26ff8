"""Colors that only exist because a JPEG file stores color more coarsely than brightness.

Chroma is kept for every second pixel, so along an edge it is a mixture of both sides while luma is still that of one,
or overshoots it: a rim of dull color around everything vivid. It is no mixture of the two sides' colors, but luma and
chroma are mixtures each (JFIF 1.02; ITU-R BT.601 for the matrix).
"""

import numpy as np

from workers.engine.color import Floats

LUMA_CHROMA = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168736, -0.331264, 0.5],
        [0.5, -0.418688, -0.081312],
    ]
)
OVERSHOOT = 12.0
"""Levels of luma that ringing may go beyond both sides of an edge."""

BEYOND, STRAY = 0.1, 13.0
"""A mixture of chroma may lie this far past either end, of the whole way, and this many levels off it."""


def without_bleeding(colors: Floats, palette: Floats) -> Floats:
    """The colors (n, 4) that no two of the palette (m, 4) could leave between them; RGBA, 0 to 255."""
    found, sides = colors[:, :3] @ LUMA_CHROMA.T, palette[:, :3] @ LUMA_CHROMA.T
    low = np.minimum(sides[:, None, 0], sides[None, :, 0]) - OVERSHOOT
    high = np.maximum(sides[:, None, 0], sides[None, :, 0]) + OVERSHOOT
    start = sides[:, None, 1:]
    way = sides[None, :, 1:] - start
    length = np.maximum((way**2).sum(2), 1.0)
    bled = np.zeros(len(colors), np.bool_)
    for k in range(len(colors)):
        luma, chroma = found[k, 0], found[k, 1:]
        along = np.clip(((chroma - start) * way).sum(2) / length, -BEYOND, 1 + BEYOND)
        off = ((chroma - start - along[..., None] * way) ** 2).sum(2)
        bled[k] = bool(((off < STRAY * STRAY) & (low < luma) & (luma < high)).any())
    return colors[~bled]
