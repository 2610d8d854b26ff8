"""Pictures and options that together reach every kernel: what `warm` traces so that nothing is left to compile."""

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from shared.tracing import TraceOptions

REHEARSED: Final = (
    TraceOptions(),
    TraceOptions(colors=3, background="#ffffff"),
    TraceOptions(stacking="cutout", background="remove"),
    TraceOptions(preset="photo"),
)
SMALL, LARGE = 64, 300
"""Sides of pictures that are traced at twice their size, and at their own."""


def rehearsal_pictures() -> Iterator[bytes]:
    """A smooth PNG with alpha, opaque PNGs, a JPEG, an enlarged one and a pixel drawing, each with curves, corners and
    ramps; a flat drawing, too large to be enlarged; and a shadow without a shape.
    """
    small, large = drawn(SMALL), on_white(drawn(LARGE))
    yield encoded(small, "PNG")
    yield encoded(on_white(small), "PNG")
    yield encoded(large, "PNG")
    yield encoded(large, "JPEG")
    yield encoded(on_white(small).resize((LARGE, LARGE), Image.Resampling.BICUBIC), "PNG")
    flat = Image.new("RGB", (384, 288), "white")
    pen = ImageDraw.Draw(flat)
    pen.ellipse((40, 40, 240, 240), fill="navy")
    pen.polygon((200, 30, 370, 90, 260, 270), fill="red")
    yield encoded(flat.resize((288, 192), Image.Resampling.BICUBIC), "PNG")
    yield encoded(on_white(small).quantize(8).resize((8, 8), 0).resize((64, 64), 0).convert("RGB"), "PNG")
    alpha = Image.new("L", (SMALL, SMALL))
    ImageDraw.Draw(alpha).polygon((13, 13, 51, 20, 40, 53, 20, 47), fill=200)
    shadow = Image.new("RGBA", alpha.size, "black")
    shadow.putalpha(alpha.filter(ImageFilter.GaussianBlur(6)))
    yield encoded(shadow, "PNG")


def drawn(side: int) -> Image.Image:
    """Smooth shapes, one of which no gradient follows, flat ones, a translucent one and a thin line on a clear page."""
    drawing, linear, radial = (
        Image.new("RGBA", (2 * side, 2 * side)),
        Image.linear_gradient("L"),
        Image.radial_gradient("L"),
    )
    folded = ImageChops.lighter(linear, linear.rotate(90))
    for ramp, box in ((radial, (52, 52, 94, 94)), (linear, (52, 4, 94, 25)), (folded, (52, 27, 94, 45))):
        left, top, right, bottom = (2 * side * value // 96 for value in box)
        drawing.paste(ramp.resize((right - left, bottom - top)).convert("RGBA"), (left, top))
    pen = ImageDraw.Draw(drawing)
    pen.ellipse([2 * side * value / 96 for value in (4, 4, 40, 40)], fill=(200, 30, 40, 255))
    pen.polygon([2 * side * value / 96 for value in (8, 90, 26, 50, 44, 90)], fill=(20, 60, 200, 128))
    pen.line([2 * side * value / 96 for value in (2, 46, 94, 48)], fill=(10, 10, 10, 255), width=2)
    return drawing.resize((side, side), Image.Resampling.BOX)


def on_white(drawing: Image.Image) -> Image.Image:
    """The drawing on a white page."""
    page = Image.new("RGB", drawing.size, "white")
    page.paste(drawing, (0, 0), drawing)
    return page


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The picture as a file."""
    output = io.BytesIO()
    picture.save(output, kind)
    return output.getvalue()
