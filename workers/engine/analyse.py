"""What kind of picture it is, measured from its pixels; `auto` and the editor's suggestion (suggest.py) rest on it."""

from dataclasses import dataclass

import numpy as np

from shared.suggestions import CAUTIONS, Caution
from shared.tracing import Preset
from workers.engine.decode import Raster
from workers.engine.flatness import Mask
from workers.engine.kernels import kernel
from workers.engine.palette import Histogram
from workers.engine.samples import Samples
from workers.engine.squares import block_side

FLAT = 10
NOISE = 0.1
"""A picture with less than this share of flat pixels is noise, as far as shapes are concerned."""

CLOSE_SHARE, CLOSE_OF_EDGES = 0.005, 0.15
"""A picture is finely drawn if more than the first share of its pixels, and the second of those that are not flat, lie
among strokes and edges so close that no pixel within two is flat. Of 120 drawings of 512 px, eight were: coats of arms
and the finest line drawings. Edges far from each other leave nearly none."""

MOST_FINE = 1_000_000
"""Pictures with more pixels would have more than the working size at twice their size; their strokes are wider, too."""

EVEN, EVEN_LOSSY = 0.25, 0.3
"""A photo has less than this share of pixels around which nothing varies at all; JPEG files make more of them. Of 960
drawings one had less than 0.33, a sunrise of 128 px with 0.22."""

TEXTURED = 0.05
"""With less, a picture that is not small is a photo even if its colors are few, as in a gray one."""

SMALL_SIDE = 256
TINY_SIDE = 48


@dataclass(frozen=True, slots=True)
class Analysis:
    """Facts about a picture.

    `flat` is the share of pixels inside flat areas, `constant` of those inside areas of one exact color;
    `colors` is how many colors make up 95 % of the flat pixels; `block` is the side of pixel art's squares, or 0;
    `gray` says that all colors are shades of gray, `noisy` that flat areas carry compression noise, `soft` that
    colors change smoothly, `fine` that strokes and edges lie too close to have flat pixels between them, and `noise`
    that hardly anything is flat at all.
    """

    suggested: Preset
    flat: float
    constant: float
    colors: int
    block: int
    gray: bool
    noisy: bool
    opaque: bool
    small: bool
    soft: bool
    fine: bool
    noise: bool
    cautions: tuple[Caution, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the picture's owner."""
        return tuple(CAUTIONS[caution] for caution in self.cautions)


def analyse_samples(samples: Samples, raster: Raster, *, drawn: bool = False) -> Analysis:
    """Measure a picture whose premultiplied samples are at hand; one known to be `drawn` is no photo."""
    flat_share, constant = float(samples.flat(FLAT).mean()), float(samples.flat(0).mean())
    histogram = samples.histogram(FLAT)
    colors = frequent_colors(histogram)
    block = block_side(samples.pixels, samples.square)
    noise = flat_share < NOISE and not block
    side = max(raster.width, raster.height)
    textured = constant < TEXTURED and side > SMALL_SIDE and not block
    colorful = colors > 150 and constant < (EVEN_LOSSY if raster.lossy else EVEN)
    photo = noise or (not drawn and flat_share < 0.8 and (textured or colorful))
    soft = colors > 30
    cautions = list[Caution]()
    if photo:
        cautions.append(Caution.NOISE if noise else Caution.PHOTO)
    if side < TINY_SIDE and not block:
        cautions.append(Caution.TOO_SMALL)
    gray = is_gray(histogram)
    return Analysis(
        suggested=kind_of(photo=photo, block=block, soft=soft, colors=colors, gray=gray, flat=flat_share),
        flat=round(flat_share, 4),
        constant=round(constant, 4),
        colors=colors,
        block=block,
        gray=gray,
        noisy=raster.lossy and not photo,
        opaque=raster.opaque,
        small=side <= SMALL_SIDE,
        soft=soft,
        fine=raster.width * raster.height <= MOST_FINE and is_fine(samples.flat(FLAT)),
        noise=noise,
        cautions=tuple(cautions),
    )


def kind_of(*, photo: bool, block: int, soft: bool, colors: int, gray: bool, flat: float) -> Preset:
    """The preset whose settings suit these measurements."""
    if block:
        return "pixel-art"
    if photo:
        return "photo"
    if gray and colors <= 4:
        return "line-art" if flat < 0.8 else "logo"
    return "logo" if colors <= 8 and not soft else "illustration"


def frequent_colors(histogram: Histogram) -> int:
    """How many keys, most frequent first, hold 95 % of the pixels."""
    if not len(histogram.counts):
        return KEYS_OF_NOISE
    shares = np.cumsum(np.sort(histogram.counts)[::-1]) / histogram.counts.sum()
    return int(np.searchsorted(shares, 0.95)) + 1


KEYS_OF_NOISE = 1 << 18
"""Stands for "no flat area at all"."""


def is_fine(flat: Mask) -> bool:
    """Whether much lies among strokes and edges so close that no pixel within two is flat."""
    edges, close = count_edges(flat)
    return close > max(CLOSE_SHARE * flat.size, CLOSE_OF_EDGES * edges)


@kernel
def count_edges(flat: Mask) -> tuple[int, int]:
    """How many pixels are not flat, and how many of these have no flat one within two."""
    height, width = flat.shape
    edges = close = 0
    for y in range(height):
        for x in range(width):
            if flat[y, x]:
                continue
            edges += 1
            close += not is_near(flat, y, x)
    return edges, close


@kernel
def is_near(flat: Mask, y: int, x: int) -> bool:
    """Whether a pixel within two of this one is flat."""
    height, width = flat.shape
    for ny in range(max(0, y - 2), min(height, y + 3)):
        for nx in range(max(0, x - 2), min(width, x + 3)):
            if flat[ny, nx]:
                return True
    return False


def is_gray(histogram: Histogram) -> bool:
    """Whether nearly all flat pixels have equal red, green and blue."""
    if not len(histogram.counts):
        return False
    means = histogram.sums / histogram.counts[:, None]
    off = np.abs(means[:, :3] - means[:, :3].mean(1, keepdims=True)).max(1) > 8
    return bool(histogram.counts[off].sum() < 0.01 * histogram.counts.sum())
