"""How alike a drawing and its source are: the drawing is rendered and compared pixel by pixel.

The measure is the structural similarity index (Wang, Bovik, Sheikh, Simoncelli 2004) on luma with 8-pixel square
windows, times one minus the mean color error, on the pictures laid over a mid-gray page so that wrong transparency
counts as an error.
"""

import io
from dataclasses import dataclass

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from workers.engine.decode import Raster

LONGEST_SIDE = 512
WINDOW = 8
PAGE = 128.0

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """`ssim` of luma, 0 to 1; mean `color_error` of a channel in levels of 255; `similarity` is both in one number."""

    similarity: float
    ssim: float
    color_error: float


def likeness(svg: str, raster: Raster) -> Likeness:
    """Similarity is 1 for a drawing that renders to the source's very pixels, 0 for one with nothing in common."""
    scale = min(1.0, LONGEST_SIDE / max(raster.width, raster.height))
    size = (max(1, round(raster.width * scale)), max(1, round(raster.height * scale)))
    source = on_page(Image.fromarray(raster.rgba), size)
    drawn = on_page(rendered(svg, size[0]), size)
    error = float(np.abs(source - drawn).mean())
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    ssim = max(0.0, structural_similarity(source @ weights, drawn @ weights))
    return Likeness(round(ssim * (1 - error / 255), 4), round(ssim, 4), round(error, 3))


def rendered(svg: str, width: int) -> Image.Image:
    """The drawing as RGBA pixels, by resvg."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def on_page(picture: Image.Image, size: tuple[int, int]) -> Samples:
    """RGB samples of the picture at this size over the gray page."""
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BOX)
    rgba = np.asarray(picture, dtype=np.float32)
    cover = rgba[..., 3:] / 255
    return (rgba[..., :3] * cover + PAGE * (1 - cover)).astype(np.float32)


def structural_similarity(first: Samples, second: Samples) -> float:
    """Mean SSIM of two gray pictures of the same shape."""
    side = min(WINDOW, *first.shape)
    mean_1, mean_2 = windows(first, side), windows(second, side)
    variance_1 = windows(first * first, side) - mean_1 * mean_1
    variance_2 = windows(second * second, side) - mean_2 * mean_2
    covariance = windows(first * second, side) - mean_1 * mean_2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    bottom = (mean_1 * mean_1 + mean_2 * mean_2 + c1) * (variance_1 + variance_2 + c2)
    return float((top / bottom).mean())


def windows(samples: Samples, side: int) -> NDArray[np.float64]:
    """Mean of every square window, from a table of sums (Crow 1984)."""
    sums = np.zeros((samples.shape[0] + 1, samples.shape[1] + 1))
    np.cumsum(np.cumsum(samples, 0, dtype=np.float64), 1, out=sums[1:, 1:])
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return total / (side * side)
