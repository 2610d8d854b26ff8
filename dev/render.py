"""A second opinion on SVGs: ThorVG, which shares no code with the renderer of the previews."""

from pathlib import Path

import numpy
from PIL import Image, ImageOps
from thorvg_python.base import Result
from thorvg_python.canvas.sw import SwCanvas
from thorvg_python.engine import Engine
from thorvg_python.paint.picture import Picture

from dev.children import StackRefused


def render(svg: bytes, width: int, height: int) -> Image.Image:
    """The drawing at this size in pixels, with its transparency."""
    with Engine() as engine:
        canvas = SwCanvas(engine)
        canvas.set_target(width, height)
        picture = Picture(engine)
        if picture.load_data(svg, "svg", None, copy=True) != Result.SUCCESS:
            raise StackRefused("ThorVG cannot read this SVG")
        picture.set_size(width, height)
        canvas.add(picture)
        canvas.draw(True)
        canvas.sync()
        return canvas.get_pillow().copy()


def mean_color_error(svg: bytes, source: Path) -> float:
    """How far the drawing is from its source, upright on white: the mean over pixels and channels, of 255."""
    with Image.open(source) as opened:
        wanted = _on_white(ImageOps.exif_transpose(opened))
    drawn = _on_white(render(svg, *wanted.size))
    difference = numpy.asarray(wanted, dtype=numpy.int16) - numpy.asarray(drawn, dtype=numpy.int16)
    return float(numpy.abs(difference).mean())


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
