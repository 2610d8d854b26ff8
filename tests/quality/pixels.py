"""Drawings and pictures as arrays of samples."""

import io
from pathlib import Path

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

TRUTH_SIDE = 2048
"""Long side, in pixels, at which a drawing and its traces are compared."""

WHITE, GRAY = 255, 128

Samples = NDArray[np.uint8]


def render(svg: str, long_side: int) -> Image.Image:
    """The drawing as RGBA pixels, its long side of this length. Raises ValueError if resvg cannot read it."""
    natural = _rendered(svg)
    if natural.width >= natural.height:
        return _rendered(svg, width=long_side)
    return _rendered(svg, height=long_side)


def render_at(svg: str, size: tuple[int, int]) -> Image.Image:
    """The drawing as RGBA pixels of this width and height. Raises ValueError if resvg cannot read it."""
    picture = _rendered(svg, width=size[0])
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BILINEAR)


def _rendered(svg: str, width: int | None = None, height: int | None = None) -> Image.Image:
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, dpi=96.0, width=width, height=height)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def on_page(picture: Image.Image, level: int = WHITE) -> Samples:
    """RGB samples of the picture on a page of this gray level."""
    page = Image.new("RGBA", picture.size, (level, level, level, 255))
    page.alpha_composite(picture.convert("RGBA"))
    return np.asarray(page.convert("RGB"))


def alpha(picture: Image.Image) -> Samples:
    """How opaque each pixel is, 0 to 255."""
    return np.asarray(picture.convert("RGBA").getchannel("A"))


def open_picture(path: Path) -> Image.Image:
    """The picture, read whole."""
    with Image.open(path) as opened:
        opened.load()
        return opened.copy()
