"""PNG: the drawing rendered at exactly the pixels asked for, with its transparency and its dots per inch."""

import struct
import zlib

import resvg_py

from shared.outputs import MM_PER_INCH, MOST_PNG_PIXELS, OutputSize
from workers.engine.formats.svg import SIZE

HEADER_END = 33
"""Signature and IHDR, which is always first and always as long (PNG specification, 11.2.2)."""


def write_png(svg: str, size: OutputSize) -> bytes:
    """Render the drawing. More pixels than may be made become as many as may."""
    width, height = size.pixels()
    shrink = min(1.0, (MOST_PNG_PIXELS / (width * height)) ** 0.5)
    width, height = max(1, int(width * shrink)), max(1, int(height * shrink))
    # Asked for a width and a height the renderer would keep the proportions, and so miss one of them by a pixel.
    sides = f' width="{width}" height="{height}" preserveAspectRatio="none"'
    png = bytes(resvg_py.svg_to_bytes(svg_string=SIZE.sub(sides, svg, count=1), skip_system_fonts=True))
    return with_resolution(png, size.dpi * shrink)


def with_resolution(png: bytes, dpi: float) -> bytes:
    """The PNG with a pHYs chunk: its pixels to a meter."""
    per_meter = round(dpi / MM_PER_INCH * 1000)
    chunk = b"pHYs" + struct.pack(">IIB", per_meter, per_meter, 1)
    return png[:HEADER_END] + struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[HEADER_END:]
