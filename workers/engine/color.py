"""Colors as people see them: OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
CLIPPED = 3.0
"""Noise around the ends of the range cannot go beyond them, so the mean of what was pure ends up this close inside."""

OPAQUE, NEARLY = 255.0, 230.0
"""A mean alpha between the two may come from the edge of an opaque area, whose pixels are partly clear."""

LEVELS = np.arange(256) / 255
LINEAR = np.where(LEVELS <= 0.04045, LEVELS / 12.92, ((LEVELS + 0.055) / 1.055) ** 2.4)
"""Linear light of every sRGB level (IEC 61966-2-1)."""


def oklab(rgb: ArrayLike) -> Floats:
    """OKLab of sRGB colors with channels 0 to 255, fractions allowed; the last axis holds the channels."""
    linear = np.interp(np.asarray(rgb, float), np.arange(256), LINEAR)
    return np.cbrt(linear @ TO_CONES.T) @ TO_LAB.T


def perceived(premultiplied: Floats) -> Floats:
    """Where premultiplied RGBA colors (n, 4; 0 to 255) lie in a space of visible difference: OKLab, and alpha.

    Lab is weighted by alpha: two nearly clear colors look alike, whatever their hue.
    """
    alpha = premultiplied[:, 3:] / 255
    straight = premultiplied[:, :3] / np.maximum(alpha, 1e-6)
    return np.hstack([oklab(np.clip(straight, 0, 255)) * alpha, alpha])


def solid(premultiplied: Floats) -> Floats:
    """Premultiplied RGBA colors (n, 4; 0 to 255), those that are nearly opaque made so."""
    alpha = premultiplied[:, 3:]
    return np.where(alpha >= NEARLY, premultiplied * (OPAQUE / np.maximum(alpha, NEARLY)), premultiplied)


def unclipped(color: Floats) -> Floats:
    """A premultiplied RGBA color (4,; 0 to 255) that was averaged over noise, with opaque channels out at the ends.

    The mean of a variable that is censored at a bound lies inside of it (Tobin, "Estimation of Relationships for
    Limited Dependent Variables", 1958); for JPEG files of quality 60 by one level or two.
    """
    if color[3] < 255 - CLIPPED:
        return color
    ends = np.where(color > 255 - CLIPPED, 255.0, np.where(color < CLIPPED, 0.0, color))
    return np.append(ends[:3], color[3])
