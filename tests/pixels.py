"""Looking at single pixels of a picture."""

from PIL import Image


def color_at(picture: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    """The channels of the pixel at (x, y) of a picture with several."""
    color = picture.getpixel(place)
    assert isinstance(color, tuple)
    return color
