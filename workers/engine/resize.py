"""Large uploads to working size, before anything is traced.

The filter (Hamming) has no negative weights, so it cannot ring: a flat color stays that color right up to
its edge, and the edge becomes the one gray step that the tracer reads as coverage. docs/decisions/0010 has the
measurement against Lanczos and others.
"""

import io
import math

from PIL import Image

from workers.engine.decode import decode_picture

FILTER = Image.Resampling.HAMMING


def resize(data: bytes, max_pixels: int, *, max_source_pixels: int = 40_000_000) -> bytes:
    """Give an upright 8-bit sRGB PNG of at most `max_pixels`, with alpha if the source had it and no metadata.

    A picture that is small enough keeps its size. Raises ImageUndecodable, TooManyPixels, UnsupportedMediaType.
    """
    picture, _ = decode_picture(data, max_source_pixels)
    small = shrink(picture, max_pixels)
    output = io.BytesIO()
    small.save(output, "PNG", compress_level=6)
    return output.getvalue()


def shrink(picture: Image.Image, max_pixels: int) -> Image.Image:
    """The picture with its sides scaled so that it has at most `max_pixels`; colors are weighted by their alpha."""
    width, height = working_size(picture.width, picture.height, max_pixels)
    if (width, height) == picture.size:
        return picture
    # Pillow premultiplies RGBA itself before it filters, so hidden colors do not bleed out of clear pixels.
    return picture.resize((width, height), FILTER)


def working_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Width and height after `shrink`, at least one pixel each, in the source's proportions."""
    if width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    small_width = max(1, min(max_pixels, math.floor(width * scale)))
    return small_width, max(1, min(max_pixels // small_width, math.floor(height * scale)))
