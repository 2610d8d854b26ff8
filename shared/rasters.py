"""What an uploaded picture is, told from its own bytes and without decoding it.

The type comes from the content, never from a file name or a header of the request. The size comes from the
PNG's IHDR chunk (PNG specification, third edition, section 11.2.1) or the JPEG's frame header (ITU-T T.81,
section B.2.2), so a picture of 144 megapixels packed into 140 kB is judged in microseconds.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from shared.errors import (
    AnimatedImage,
    ImageUndecodable,
    TooManyPixels,
    UnsupportedMediaType,
    UploadTooLarge,
)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
MOST_CHUNKS = 50_000
"""More chunks than any honest PNG has; walking them would cost the api a noticeable part of a second."""

FULL_CHECK_PIXELS = 4_000_000
"""Up to this many pixels `verify_image` decodes the picture; above it reads checksums and markers only."""

SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Type and size of a picture. Width and height are pixels as displayed, after EXIF orientation."""

    format: Literal["png", "jpeg"]
    width: int
    height: int
    has_alpha: bool
    bits: int
    channels: int
    animated: bool
    orientation: int

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a PNG: where its data lies in the file."""

    name: bytes
    start: int
    length: int


def inspect_image(data: bytes) -> ImageHeader:
    """Read type and size from the header. Raises UnsupportedMediaType or ImageUndecodable."""
    if data.startswith(PNG_SIGNATURE):
        return inspect_png(data)
    if data.startswith(JPEG_SIGNATURE):
        return inspect_jpeg(data)
    raise UnsupportedMediaType("The file is neither a PNG nor a JPEG; its first bytes say so.")


def check_image(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageHeader:
    """Read the header and refuse what is too large, animated or of another type, without decoding anything."""
    if len(data) > max_bytes:
        raise UploadTooLarge(f"The file has {len(data)} bytes; the limit is {max_bytes}.")
    header = inspect_image(data)
    if header.pixels > max_pixels:
        raise TooManyPixels(
            f"The image is {header.width} × {header.height} = {header.pixels} pixels; the limit is {max_pixels}."
        )
    if header.animated:
        raise AnimatedImage("The PNG is animated; send a still image.")
    return header


def verify_image(data: bytes, *, decode_up_to: int = FULL_CHECK_PIXELS) -> ImageHeader:
    """Make sure that the file is whole. Raises ImageUndecodable for a truncated or damaged one.

    Every PNG chunk's checksum and the JPEG's end marker are read, which finds truncation and bit rot at the speed
    of memory. Pictures of up to `decode_up_to` pixels are decoded as well (about 15 ms a megapixel); larger ones
    are decoded by the resize task, which reports damage the same way.
    """
    header = inspect_image(data)
    if header.format == "png":
        verify_chunks(data)
    else:
        verify_jpeg_end(data)
    if header.pixels <= decode_up_to:
        load_fully(data, header)
    return header


def load_fully(data: bytes, header: ImageHeader) -> Image.Image:
    """Decode the picture with Pillow, every pixel of it. Raises ImageUndecodable and nothing else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "MPO"])
            picture.load()
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"The image is {header.width} × {header.height} pixels.") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error) as error:
        raise ImageUndecodable("The image data is damaged or cut off; open it, save it again and retry.") from error
    return picture


def inspect_png(data: bytes) -> ImageHeader:
    """Read IHDR, and the chunks that change its meaning: transparency, animation, orientation."""
    if len(data) < 33 or data[12:16] != b"IHDR" or data[8:12] != b"\0\0\0\x0d":
        raise ImageUndecodable("The PNG has no valid IHDR chunk.")
    width, height, bits, color_type = struct.unpack(">IIBB", data[16:26])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color_type)
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31 or channels is None or bits not in (1, 2, 4, 8, 16):
        raise ImageUndecodable("The PNG's IHDR chunk holds impossible values.")
    has_alpha, animated, orientation = color_type in (4, 6), False, 1
    for chunk in png_chunks(data):
        if chunk.name == b"tRNS":
            has_alpha = True
        elif chunk.name == b"acTL":
            animated = True
        elif chunk.name == b"eXIf":
            orientation = exif_orientation(data[chunk.start : chunk.start + chunk.length])
    if orientation in SIDEWAYS:
        width, height = height, width
    return ImageHeader("png", width, height, has_alpha, bits, channels, animated, orientation)


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """Every whole chunk, in order; stops without complaint where the file is cut off."""
    at = len(PNG_SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            return
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return
        yield Chunk(data[at + 4 : at + 8], at + 8, length)
        at += 12 + length
    raise ImageUndecodable(f"The PNG has more than {MOST_CHUNKS} chunks.")


def verify_chunks(data: bytes) -> None:
    """Check every chunk's CRC-32 and that the file ends with IEND after at least one IDAT."""
    view, names = memoryview(data), set[bytes]()
    for chunk in png_chunks(data):
        names.add(chunk.name)
        end = chunk.start + chunk.length
        if zlib.crc32(view[chunk.start - 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            name = chunk.name.decode("latin-1")
            raise ImageUndecodable(f"The PNG is damaged: the checksum of its {name!r} chunk is wrong.")
        if chunk.name == b"IEND":
            break
    if not {b"IDAT", b"IEND"} <= names:
        raise ImageUndecodable("The PNG is cut off: its end is missing.")


def inspect_jpeg(data: bytes) -> ImageHeader:
    """Walk the markers up to the frame header; the EXIF segment on the way gives the orientation."""
    orientation = 1
    for marker, start, length in jpeg_segments(data):
        body = data[start : start + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body[6:])
        elif marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            if len(body) < 6:
                break
            bits, height, width, channels = struct.unpack(">BHHB", body[:6])
            if not width or not height or channels not in (1, 3, 4):
                break
            if orientation in SIDEWAYS:
                width, height = height, width
            return ImageHeader("jpeg", width, height, False, bits, channels, False, orientation)
    raise ImageUndecodable("The JPEG has no readable frame header; it is damaged or cut off.")


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and length of every segment before the first scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or marker == 0xD9:
            return
        yield marker, at + 4, length - 2
        if marker == 0xDA:
            return
        at += 2 + length


def verify_jpeg_end(data: bytes) -> None:
    """Look for the end marker after the first scan.

    Inside a scan 0xFF is always followed by 0x00 or a restart marker (ITU-T T.81, B.1.1.5), so 0xFFD9 there can
    only be the end of the image; the thumbnails that cameras embed lie before the scan.
    """
    scan = next((start for marker, start, _ in jpeg_segments(data) if marker == 0xDA), None)
    if scan is None or data.find(b"\xff\xd9", scan) < 0:
        raise ImageUndecodable("The JPEG is cut off: its end is missing.")


def exif_orientation(tiff: bytes) -> int:
    """Orientation (tag 0x0112) of the first EXIF directory, 1 to 8; 1 when it is absent or nonsense."""
    tiff = tiff.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    if tiff[:2] not in (b"II", b"MM") or len(tiff) < 10:
        return 1
    at = int.from_bytes(tiff[4:8], order)
    for entry in range(min(int.from_bytes(tiff[at : at + 2], order), 512)):
        field = tiff[at + 2 + 12 * entry : at + 14 + 12 * entry]
        if len(field) == 12 and int.from_bytes(field[:2], order) == 0x0112:
            value = int.from_bytes(field[8:10], order)
            return value if 1 <= value <= 8 else 1
    return 1
