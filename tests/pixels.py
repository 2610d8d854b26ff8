"""Looking at single pixels of a picture."""

import io

from PIL import Image


def color_at(picture: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    """The channels of the pixel at (x, y) of a picture with several."""
    color = picture.getpixel(place)
    assert isinstance(color, tuple)
    return color


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as the bytes of a file."""
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()
