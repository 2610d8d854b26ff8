"""Bytes of a PNG or JPEG to upright 8-bit sRGB samples with alpha.

Every picture leaves here in one form, so that no later stage has to know where it came from: EXIF orientation
applied, ICC profile converted to sRGB, CMYK, gray, palette and 16-bit samples turned into 8-bit RGB, metadata gone.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms

from shared.errors import TooManyPixels
from shared.rasters import ImageHeader, inspect_image, load_fully

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (CIPA DC-008, tag 0x0112)."""

Pixels = NDArray[np.uint8]

STRIP = 128
"""Rows that are copied at once."""


@dataclass(frozen=True, slots=True)
class Raster:
    """Upright sRGB samples: `rgba` has shape (height, width, 4) and straight, not premultiplied, alpha.

    Nobody can write to `rgba`: to numba, arrays that can be written to have a type of their own, and compile anew.
    """

    rgba: Pixels
    opaque: bool
    lossy: bool

    def __post_init__(self) -> None:
        self.rgba.setflags(write=False)

    @property
    def width(self) -> int:
        """Columns."""
        return self.rgba.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.rgba.shape[0]


def decode(data: bytes, max_pixels: int = 40_000_000) -> Raster:
    """Decode a picture. Raises UnsupportedMediaType, TooManyPixels or ImageUndecodable."""
    picture, header = decode_picture(data, max_pixels)
    rgba = samples_of(picture)
    opaque = picture.mode == "RGB" or int(rgba[..., 3].min()) == 255
    return Raster(rgba, opaque, header.format == "jpeg")


def samples_of(picture: Image.Image) -> Pixels:
    """The samples of a picture in mode RGB or RGBA, strip by strip: Pillow copies each of them three times."""
    width, height = picture.size
    rgba = np.empty((height, width, 4), np.uint8)
    for top in range(0, height, STRIP):
        strip = picture.crop((0, top, width, min(height, top + STRIP)))
        rgba[top : top + STRIP] = np.asarray(strip if strip.mode == "RGBA" else strip.convert("RGBA"))
    return rgba


def decode_picture(data: bytes, max_pixels: int) -> tuple[Image.Image, ImageHeader]:
    """The picture upright in sRGB, mode RGB or RGBA, with no metadata left."""
    header = inspect_image(data)
    if header.pixels > max_pixels:
        raise TooManyPixels(f"The image is {header.width} × {header.height} pixels; the limit is {max_pixels}.")
    picture = to_srgb(to_eight_bits(load_fully(data, header)))
    if header.orientation in UPRIGHT:
        picture = picture.transpose(UPRIGHT[header.orientation])
    picture.info.clear()
    return picture, header


def to_eight_bits(picture: Image.Image) -> Image.Image:
    """Turn palette, bilevel and 16-bit gray into L, LA, RGB or RGBA; CMYK stays CMYK, in its true polarity."""
    if picture.mode.startswith("I"):
        return from_sixteen_bits(picture)
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode in ("1", "L", "RGB") and "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode == "CMYK" and "adobe" not in picture.info:
        # Pillow takes every CMYK JPEG for Adobe's inverted kind; only those with Adobe's marker are.
        return with_profile_of(picture, ImageChops.invert(picture))
    return picture


def from_sixteen_bits(picture: Image.Image) -> Image.Image:
    """Round 16-bit gray to 8 bits; the one gray value named transparent, if any, becomes alpha 0."""
    samples = np.asarray(picture).astype(np.int64).clip(0, 65_535)
    gray = Image.fromarray(((samples * 255 + 32_767) // 65_535).astype(np.uint8), "L")
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        gray.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8), "L"))
    return with_profile_of(picture, gray)


def with_profile_of(source: Image.Image, target: Image.Image) -> Image.Image:
    """Carry the ICC profile over to a picture made from another."""
    if "icc_profile" in source.info:
        target.info["icc_profile"] = source.info["icc_profile"]
    return target


def to_srgb(picture: Image.Image) -> Image.Image:
    """Convert colors to sRGB by the embedded ICC profile (littleCMS); a profile that makes no sense is ignored."""
    if picture.mode in ("RGB", "RGBA") and "icc_profile" not in picture.info:
        return picture
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    colors = picture.convert({"LA": "L", "RGBA": "RGB"}.get(picture.mode, picture.mode))
    converted = (by_profile(colors, picture.info.get("icc_profile")) or colors).convert("RGB")
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def by_profile(colors: Image.Image, profile: object) -> Image.Image | None:
    """Colors in sRGB by way of the profile, or None when there is none, it is sRGB already, or it does not fit."""
    if not isinstance(profile, bytes) or not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        return ImageCms.profileToProfile(
            colors,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
