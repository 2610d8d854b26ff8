"""Pictures and options that together reach every kernel: what `warm` traces so that nothing is left to compile."""

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageDraw

from shared.tracing import TraceOptions

REHEARSED: Final = (
    TraceOptions(),
    TraceOptions(colors=3),
    TraceOptions(stacking="cutout", background="remove"),
    TraceOptions(preset="photo"),
)
SIDE = 96


def rehearsal_pictures() -> Iterator[bytes]:
    """A smooth PNG with alpha, opaque PNGs, a JPEG and a pixel drawing, each with curves, corners and ramps; and a flat
    drawing, too large to be enlarged.
    """
    drawing = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    drawing.paste(Image.radial_gradient("L").resize((40, 40)).convert("RGBA"), (50, 50))
    drawing.paste(Image.linear_gradient("L").resize((40, 20)).convert("RGBA"), (50, 4))
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((4, 4, 40, 40), fill=(200, 30, 40, 255))
    pen.polygon((8, 90, 26, 50, 44, 90), fill=(20, 60, 200, 128))
    pen.line((2, 46, 94, 48), fill=(10, 10, 10, 255))
    drawing = drawing.resize((2 * SIDE // 3, 2 * SIDE // 3), Image.Resampling.BOX)
    page = Image.new("RGB", drawing.size, "white")
    page.paste(drawing, (0, 0), drawing)
    yield encoded(drawing, "PNG")
    yield encoded(page, "PNG")
    yield encoded(page.resize((300, 300), Image.Resampling.BICUBIC), "PNG")
    yield encoded(page.resize((300, 300), Image.Resampling.BICUBIC), "JPEG")
    flat = Image.new("RGB", (4 * SIDE, 3 * SIDE), "white")
    pen = ImageDraw.Draw(flat)
    pen.ellipse((40, 40, 240, 240), fill="navy")
    pen.polygon((200, 30, 370, 90, 260, 270), fill="red")
    yield encoded(flat.resize((3 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC), "PNG")
    yield encoded(page.quantize(8).resize((8, 8), 0).resize((64, 64), 0).convert("RGB"), "PNG")


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The picture as a file."""
    output = io.BytesIO()
    picture.save(output, kind)
    return output.getvalue()
