"""What a customer sees before paying: the true result, rendered at screen size under a tiled watermark."""

import io
import math
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache

import resvg_py
from PIL import Image, ImageDraw, ImageFont

DRAWN = frozenset({"svg", "title", "desc", "defs", "g", "path", "linearGradient", "radialGradient", "stop", "clipPath"})
"""Every element the engine ever writes; anything else is not our drawing."""

TILE_ANGLE = 30
INK = (40, 40, 40, 70)
HALO = (255, 255, 255, 90)


def render_preview(svg: str, *, max_side: int, label: str) -> bytes:
    """Render a drawing made by this engine as a PNG with the label tiled over all of it.

    The longer side is `max_side` pixels. The tiles touch every part, so no crop is free of them. Raises ValueError
    for anything that is not a drawing of ours: the renderer would read local files that an <image> points to.
    """
    width, height = check_drawing(svg)
    wide, high = (max_side, None) if width >= height else (None, max_side)
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=wide, height=high, skip_system_fonts=True))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    picture.alpha_composite(watermark(picture.size, label))
    output = io.BytesIO()
    picture.save(output, "PNG", compress_level=3)
    return output.getvalue()


def check_drawing(svg: str) -> tuple[float, float]:
    """Make sure that only elements this engine writes are there; give width and height."""
    if "<!" in svg or "<?" in svg.removeprefix('<?xml version="1.0" encoding="UTF-8"?>'):
        raise ValueError("a drawing of ours has no declarations")
    root = ElementTree.fromstring(svg)  # noqa: S314 - nothing can be declared in it, see the line above
    for element in root.iter():
        name = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        if name not in DRAWN or any("href" in key or key.startswith("on") for key in element.attrib):
            raise ValueError(f"a drawing of ours has no <{name}> like this")
    sizes = [re.match(r"[0-9.]+", root.get(side, "1")) for side in ("width", "height")]
    width, height = (float(size.group()) if size else 1.0 for size in sizes)
    return width, height


@lru_cache(maxsize=16)
def watermark(size: tuple[int, int], label: str) -> Image.Image:
    """A clear layer of this size with the label written across it in rows, slanted, dark with a light rim.

    Dark ink and light rim together stay readable on any color. Every second row is shifted by half a step. One stamp
    is drawn and turned, then set down again and again: turning the whole layer took ten times as long.
    """
    side = max(size)
    stamp, length, height = _stamp(side, label)
    written = stamp.getchannel("A").point([0] + [255] * 255)  # replace, where the stamp has ink, and do not blend
    along, across = length + side // 14, height + side // 11
    cosine, sine = math.cos(math.radians(TILE_ANGLE)), math.sin(math.radians(TILE_ANGLE))
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    reach = math.hypot(*size) / 2
    for row in range(-math.ceil(reach / across), math.ceil(reach / across) + 1):
        for column in range(-math.ceil(reach / along) - 1, math.ceil(reach / along) + 2):
            u, v = (column + row % 2 / 2) * along, row * across
            x = size[0] / 2 + u * cosine + v * sine - stamp.width / 2
            y = size[1] / 2 - u * sine + v * cosine - stamp.height / 2
            layer.paste(stamp, (round(x), round(y)), written)
    return layer


def _stamp(side: int, label: str) -> tuple[Image.Image, int, int]:
    """The label once, slanted, for a picture of this longer side; and its length and height before it was turned."""
    font = ImageFont.load_default(size=max(10, side // 26))
    rim = max(1, side // 500)
    left, top, right, bottom = font.getbbox(label, stroke_width=rim)
    length, height = math.ceil(right - left), math.ceil(bottom - top)
    flat = Image.new("RGBA", (length, height), (0, 0, 0, 0))
    ImageDraw.Draw(flat).text((-left, -top), label, font=font, fill=INK, stroke_width=rim, stroke_fill=HALO)
    return flat.rotate(TILE_ANGLE, resample=Image.Resampling.BICUBIC, expand=True), length, height
