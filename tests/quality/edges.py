"""Where edges are, and how well two pictures agree about it.

Edges are found as Canny did ("A Computational Approach to Edge Detection", 1986): smooth, take the gradient, keep
what is greatest across the edge, and let strong edges carry weak ones along. Agreement is the F1 score (van
Rijsbergen, "Information Retrieval", 1979) of edge pixels that lie within some pixels of one of the other picture, as
in the boundary benchmark of Martin, Fowlkes and Malik (2004).
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.quality.pixels import TRUTH_SIDE, Samples

SMOOTHING = 1.0
WEAK, STRONG = 40, 100
"""Gradient by Sobel, both axes added: a step of some 40 levels between flat areas makes an edge."""

NEAR = 2.0
"""Pixels at the full size of 2048 within which two edges are the same; at smaller sizes in proportion, but never
less than one."""

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]


def edge_f1(truth: Mask, drawn: Mask) -> float:
    """Agreement of two edge maps of one shape, 0 to 100; two pictures without an edge agree."""
    if not truth.any() or not drawn.any():
        return 100.0 if truth.any() == drawn.any() else 0.0
    reach = max(1.0, NEAR * max(truth.shape) / TRUTH_SIDE)
    precision = float(widened(truth, reach)[drawn].mean())
    recall = float(widened(drawn, reach)[truth].mean())
    return 200 * precision * recall / (precision + recall) if precision + recall else 0.0


def widened(edges: Mask, reach: float) -> Mask:
    """Every pixel whose distance from an edge pixel is at most `reach`."""
    most = math.floor(reach)
    height, width = edges.shape
    page = np.zeros((height + 2 * most, width + 2 * most), np.bool_)
    rows, columns = np.nonzero(edges)
    for y in range(-most, most + 1):
        for x in range(-most, most + 1):
            if math.hypot(x, y) <= reach:
                page[rows + most + y, columns + most + x] = True
    return page[most : most + height, most : most + width]


def edge_map(rgb: Samples) -> Mask:
    """The edge pixels of RGB samples; each pixel is judged by the channel that changes most there."""
    smooth = np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(SMOOTHING)), np.int16)
    smooth = np.pad(smooth, ((1, 1), (1, 1), (0, 0)), "edge")
    across, down, strength = _gradient(smooth[..., 0])
    for channel in (1, 2):
        x, y, stronger = _gradient(smooth[..., channel])
        better = stronger > strength
        if better.any():
            np.copyto(across, x, where=better)
            np.copyto(down, y, where=better)
            np.copyto(strength, stronger, where=better)
    return _carried(_thinned(across, down, strength))


Levels = NDArray[np.int16]


def _gradient(samples: Levels) -> tuple[Levels, Levels, Levels]:
    """Change to the right, change downwards, and the sum of their amounts; one pixel less on every side."""
    upright = samples[:-2] + 2 * samples[1:-1] + samples[2:]
    level = samples[:, :-2] + 2 * samples[:, 1:-1] + samples[:, 2:]
    across, down = upright[:, 2:] - upright[:, :-2], level[2:] - level[:-2]
    return across, down, np.abs(across) + np.abs(down)


def _thinned(across: Levels, down: Levels, strength: Levels) -> Levels:
    """Strength where it is greatest along the gradient (to the nearest of four directions), otherwise nothing."""
    page = np.pad(strength, 1)
    width = page.shape[1]
    rows, columns = np.nonzero(strength >= WEAK)
    here = (rows + 1) * width + columns + 1
    x, y = across[rows, columns].astype(np.float32), down[rows, columns].astype(np.float32)
    narrow = math.tan(math.pi / 8)
    sideways, upright = np.abs(y) <= narrow * np.abs(x), np.abs(x) < narrow * np.abs(y)
    slanted = np.where((x > 0) == (y > 0), width + 1, width - 1)
    step = np.where(sideways, 1, np.where(upright, width, slanted))
    flat = page.ravel()
    greatest = (flat[here] > flat[here - step]) & (flat[here] >= flat[here + step])
    thin = np.zeros_like(page)
    thin.ravel()[here[greatest]] = flat[here[greatest]]
    return thin


def _carried(thin: Levels) -> Mask:
    """Strong edge pixels and the weak ones connected with them; without the margin of one pixel."""
    width = thin.shape[1]
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    waiting, kept = (thin > 0).ravel(), np.zeros(thin.size, np.bool_)
    ahead = np.flatnonzero(thin.ravel() >= STRONG)
    while len(ahead):
        kept[ahead], waiting[ahead] = True, False
        beside = (ahead[:, None] + around).ravel()
        ahead = np.unique(beside[waiting[beside]])
    return kept.reshape(thin.shape)[1:-1, 1:-1]
