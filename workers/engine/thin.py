"""Strokes thinner than a pixel or three: they are nowhere flat, and nowhere the greater part of a pixel.

Their color is found at their middle, where it shows most. They are kept by looking for ridges: a pixel that holds
more of a color than both of its opposite neighbors lies on a stroke of it, even if it holds less than half. The
sub-pixel ring then gives the stroke the width that its coverage tells. (Ridges after Haralick 1983.)
"""

import math

import numpy as np

from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.flatness import Mask
from workers.engine.kernels import allocating_kernel, kernel
from workers.engine.mixture import Labels, share_of, squared_distance

RISE = 0.12
"""A ridge rises above both of its sides by at least this share of a pixel..."""

RISE_LEVELS = 10.0
"""...and by this many levels."""

LEAST_CONTRAST = 48.0
"""Strokes differ from their ground by more levels than this; neighboring bands of a smooth area differ by less."""

LEVEL = 0.05
"""Shares that differ by less are one top."""

LINK = 0.06
"""Pixels that join two diagonal steps of a stroke hold at least this share of it."""

STRETCH = 6.0


@kernel
def nearest_known(known: Labels, y: int, x: int, reach: int, pixels: Pixels, palette: Floats) -> int:
    """The flat color around a pixel that is closest to it in color, or -1."""
    height, width = known.shape
    best, label = 1e18, -1
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            ny, nx = y + dy, x + dx
            if ny < 0 or ny >= height or nx < 0 or nx >= width or known[ny, nx] < 0:
                continue
            distance = squared_distance(pixels, y, x, palette, int(known[ny, nx]))
            if distance < best:
                best, label = distance, int(known[ny, nx])
    return label


@allocating_kernel
def find_peaks(pixels: Pixels, known: Labels, labels: Labels, unexplained: Mask, palette: Floats, reach: int) -> Mask:
    """Unexplained pixels that differ from the flat colors around them more than their unexplained neighbors do.

    Pixels that hardly differ belong to a smooth area; each counts.

    `labels` receives, at unexplained pixels, that closest flat color.
    """
    height, width = known.shape
    peaks = np.zeros((height, width), np.bool_)
    away = np.empty((height, width))  # of the unexplained alone; the others' is 0
    for y in range(height):
        for x in range(width):
            if unexplained[y, x]:
                ground = nearest_known(known, y, x, reach, pixels, palette)
                labels[y, x] = ground
                away[y, x] = 1e9 if ground < 0 else math.sqrt(squared_distance(pixels, y, x, palette, ground))
    for y in range(height):
        for x in range(width):
            if not unexplained[y, x]:
                continue
            highest = True
            if away[y, x] < LEAST_CONTRAST:
                peaks[y, x] = True  # a shade of what is around: it stands for itself
                continue
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    ny, nx = y + dy, x + dx
                    if ny < 0 or ny >= height or nx < 0 or nx >= width or not unexplained[ny, nx]:
                        continue
                    if away[ny, nx] > away[y, x] + STRETCH:
                        # The highest pixels across the stroke count, not only the highest along it.
                        py, px = y - dy, x - dx
                        inside = 0 <= py < height and 0 <= px < width
                        if inside and (not unexplained[py, px] or away[py, px] < away[y, x] - STRETCH):
                            highest = False
            peaks[y, x] = highest
    return peaks


@kernel
def name_peaks(
    pixels: Pixels, known: Labels, labels: Labels, unexplained: Mask, peaks: Mask, palette: Floats, extra: Labels
) -> None:
    """Give each peak the palette color of its stroke, and unexplained pixels without a peak near by the closest.

    The stroke's color lies on the line from the ground through the peak, at the peak or beyond it.
    """
    height, width = known.shape
    for y in range(height):
        for x in range(width):
            if not unexplained[y, x]:
                continue
            if not peaks[y, x]:
                near_peak = False
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        ny, nx = y + dy, x + dx
                        if 0 <= ny < height and 0 <= nx < width and peaks[ny, nx]:
                            near_peak = True
                if near_peak:
                    continue
            ground = int(labels[y, x])
            if ground >= 0 and squared_distance(pixels, y, x, palette, ground) < LEAST_CONTRAST * LEAST_CONTRAST:
                ground = -1  # a shade of what is around, no stroke
            best, label = 1e18, -1
            for k in range(len(palette)):
                distance = squared_distance(pixels, y, x, palette, k)
                score = distance
                if ground >= 0 and k != ground:
                    length = along = 0.0
                    for c in range(4):
                        way = palette[k, c] - palette[ground, c]
                        length += way * way
                        along += (pixels[y, x, c] - palette[ground, c]) * way
                    if along > 0 and length > 1:
                        beyond = max(0.0, 1 - along / length)
                        off = distance - beyond * beyond * length
                        score = min(score, off + 0.3 * distance)
                if score < best:
                    best, label = score, k
            extra[y, x] = label


@kernel
def is_wide(known: Labels, y: int, x: int, label: int) -> bool:
    """Whether a flat pixel of this label is next to the pixel: then the area is no stroke."""
    height, width = known.shape
    for ny in range(max(0, y - 1), min(height, y + 2)):
        for nx in range(max(0, x - 1), min(width, x + 2)):
            if known[ny, nx] == label:
                return True
    return False


@kernel
def side_of_ridge(
    pixels: Pixels, palette: Floats, own: int, other: int, y: int, x: int, dy: int, dx: int, here: float
) -> float:
    """The share beside a ridge; where the ridge is two equal pixels wide, the share beyond the second."""
    share = share_of(pixels, y + dy, x + dx, palette, own, other)
    if share > here or share < here - LEVEL:
        return share
    y2, x2 = y + 2 * dy, x + 2 * dx
    if y2 < 0 or y2 >= pixels.shape[0] or x2 < 0 or x2 >= pixels.shape[1]:
        return share
    return share_of(pixels, y2, x2, palette, own, other)


@kernel
def stroke_through(pixels: Pixels, known: Labels, labels: Labels, palette: Floats, y: int, x: int) -> int:
    """The label of a stroke whose ridge runs through a pixel labelled otherwise, or -1."""
    own = tried = int(labels[y, x])
    for ny in range(y - 1, y + 2):
        for nx in range(x - 1, x + 2):
            other = int(labels[ny, nx])
            if other in (own, tried):
                continue
            tried = other
            if is_wide(known, y, x, other):
                continue
            contrast = math.sqrt(squared_distance_of(palette, own, other))
            if contrast < LEAST_CONTRAST:
                continue
            rise = max(RISE, RISE_LEVELS / max(1.0, contrast))
            here = share_of(pixels, y, x, palette, own, other)
            if here < rise:
                continue
            for turn in range(4):
                dy, dx = (0, 1) if turn == 0 else (1, 0) if turn == 1 else (1, 1) if turn == 2 else (1, -1)
                one = side_of_ridge(pixels, palette, own, other, y, x, dy, dx, here)
                if here < one + rise:
                    continue
                two = side_of_ridge(pixels, palette, own, other, y, x, -dy, -dx, here)
                if here >= two + rise:
                    return other
    return -1


@kernel
def squared_distance_of(palette: Floats, a: int, b: int) -> float:
    """Squared distance of two palette colors."""
    total = 0.0
    for c in range(4):
        total += (palette[a, c] - palette[b, c]) ** 2
    return total


@kernel
def keep_thin_strokes(pixels: Pixels, known: Labels, palette: Floats, labels: Labels, flips: Labels) -> None:
    """Give ridge pixels to their strokes, then join the steps of slanted strokes so that they hang together.

    `flips` is room for as many labels.
    """
    height, width = labels.shape
    flips[:] = -1
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if known[y, x] < 0:
                flips[y, x] = stroke_through(pixels, known, labels, palette, y, x)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if flips[y, x] >= 0:
                labels[y, x] = flips[y, x]
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            label = int(labels[y, x])
            if known[y, x] >= 0:
                continue
            for side in range(-1, 2, 2):
                if labels[y + 1, x + side] != label or labels[y, x + side] == label or labels[y + 1, x] == label:
                    continue
                if is_wide(known, y, x, label) or is_wide(known, y + 1, x + side, label):
                    continue
                a = share_of(pixels, y, x + side, palette, int(labels[y, x + side]), label)
                b = share_of(pixels, y + 1, x, palette, int(labels[y + 1, x]), label)
                if max(a, b) < LINK:
                    continue
                if a >= b and known[y, x + side] < 0:
                    labels[y, x + side] = label
                elif known[y + 1, x] < 0:
                    labels[y + 1, x] = label
