"""How far a drawing is from the truth: color, structure, gaps. Samples are 8-bit sRGB."""

import numpy as np
from numpy.typing import NDArray

from tests.quality.pixels import Samples

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in luma (ITU-R BT.601)."""

TAPS, SIGMA = 11, 1.5
INSIDE = 3
"""Pixels that a place must lie within an opaque part before a hole there counts as a gap."""

OPAQUE, SOLID = 254, 250

Levels = NDArray[np.float64]


def color_error(truth: Samples, drawn: Samples) -> float:
    """Mean absolute difference over pixels and channels, of 255."""
    return float((np.maximum(truth, drawn) - np.minimum(truth, drawn)).mean())


def structural_similarity(truth: Samples, drawn: Samples) -> float:
    """Mean SSIM of luma, of 100, at half the size if there are more than 1024 pixels a side.

    Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity"
    (2004): a Gaussian window of 11 taps and sigma 1.5, constants (0.01 · 255)² and (0.03 · 255)², windows that lie
    within the picture; and, as its authors advise, at a scale that the eye sees as a whole.
    """
    x, y = _luma(truth), _luma(drawn)
    mean_x, mean_y = _windows(x), _windows(y)
    variance_x, variance_y = _windows(x * x) - mean_x * mean_x, _windows(y * y) - mean_y * mean_y
    covariance = _windows(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    bottom = (mean_x * mean_x + mean_y * mean_y + c1) * (variance_x + variance_y + c2)
    return 100 * float((top / bottom).mean())


def _luma(samples: Samples) -> Levels:
    luma: Levels = np.matmul(samples, LUMA, dtype=np.float64)
    if max(luma.shape) <= 1024:
        return luma
    even = luma[: luma.shape[0] // 2 * 2, : luma.shape[1] // 2 * 2]
    quarters = even[::2, ::2], even[1::2, ::2], even[::2, 1::2], even[1::2, 1::2]
    return np.asarray(np.mean(quarters, axis=0))


def _windows(levels: Levels) -> Levels:
    """The weighted mean of every window, first down the columns, then along the rows."""
    taps = min(TAPS, *levels.shape)
    places = np.arange(taps) - (taps - 1) / 2
    weights = np.exp(-(places**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    down = sum(float(w) * levels[k : levels.shape[0] - taps + 1 + k] for k, w in enumerate(weights))
    assert isinstance(down, np.ndarray)
    across = sum(float(w) * down[:, k : down.shape[1] - taps + 1 + k] for k, w in enumerate(weights))
    assert isinstance(across, np.ndarray)
    return across


def gaps(truth_alpha: Samples, drawn_alpha: Samples) -> float:
    """Per mille of the pixels well inside opaque parts of the truth where the page shows through the drawing."""
    inside = _eroded(truth_alpha >= OPAQUE)
    if not inside.any():
        return 0.0
    return 1000 * float((drawn_alpha[inside] < SOLID).mean())


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left of a mask without `INSIDE` pixels along its borders; beyond the page all counts as inside."""
    padded = np.pad(mask, INSIDE, constant_values=True)
    height, width = mask.shape
    rows = np.logical_and.reduce([padded[k : k + height] for k in range(2 * INSIDE + 1)])
    return np.logical_and.reduce([rows[:, k : k + width] for k in range(2 * INSIDE + 1)])
