"""Pictures for the acceptance tests, drawn here."""

import io
import struct
import zlib

from PIL import Image, ImageDraw


def drawing(width: int = 240, height: int = 160) -> bytes:
    """A PNG of a red disc and a blue bar on white."""
    large = Image.new("RGB", (width * 4, height * 4), "white")
    draw = ImageDraw.Draw(large)
    draw.ellipse((width * 0.4, height * 0.4, width * 2, height * 3.2), fill="#cc3333")
    draw.rectangle((width * 2.2, height, width * 3.8, height * 2), fill="#3366cc")
    out = io.BytesIO()
    large.resize((width, height), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def noise(side: int) -> bytes:
    """A PNG that takes long to trace: smooth noise."""
    out = io.BytesIO()
    small = Image.effect_noise((side // 4, side // 4), 120)
    small.resize((side, side), Image.Resampling.BICUBIC).convert("RGB").save(out, "PNG")
    return out.getvalue()


def bomb(side: int = 12_000) -> bytes:
    """A valid PNG of side × side pixels in a few hundred kilobytes at most: one flat gray, one bit a pixel."""
    row = b"\0" + bytes(side // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
