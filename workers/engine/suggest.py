"""What the owner of a picture is told before anything is traced: its class, colors, noise, background, cautions.

It rests on the analysis that also chooses the settings, so that what is suggested is what `auto` does.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from shared.suggestions import NO_COLOR, Caution, ContentClass, Noise, Suggestion
from shared.tracing import MOST_COLORS, Preset
from workers.engine.analyse import FLAT, Analysis
from workers.engine.background import LEAST_SHARE
from workers.engine.drawing import hex_color
from workers.engine.labels import LabelSettings
from workers.engine.palette import Histogram
from workers.engine.samples import Samples

PRESET_OF: Final[Mapping[ContentClass, Preset]] = {
    ContentClass.LOGO: "logo",
    ContentClass.LINE_ART: "line-art",
    ContentClass.ILLUSTRATION: "illustration",
    ContentClass.GRADIENT_ART: "illustration",
    ContentClass.PIXEL_ART: "pixel-art",
    ContentClass.PHOTO: "photo",
}

THIN_INK = 0.5
"""Where less than this share of what lies on the paper is flat, it is strokes rather than shapes."""

MOST_INKS = 4
"""Line art is drawn in at most so many shades of gray, the paper's included."""

COLORED, MOST_COLORED = 32, 0.05
"""Ink whose channels differ by more levels than the first is colored; line art has less of it than the second share."""

LOGO_COLORS = 8
"""A logo has at most so many flat colors; with more it is an illustration."""

SHADES_OF_NOISE = 60
"""So many frequent colors a JPEG of flat art may have; JPEGs of gradients were seen to have more, flat art fewer."""

SHOWN_COLOR = 0.0005
"""A color is counted if it holds this share of the picture; less is a speck."""

CLEAR, HALF_CLEAR = 16, 128
"""A color with less alpha than the first, of 255, is none; with less than the second it is no ground to stand on."""


def suggest(samples: Samples, analysis: Analysis) -> Suggestion:
    """What to tell of a picture that was analysed."""
    shows = content_class(samples, analysis)
    return Suggestion(
        preset=PRESET_OF[shows],
        content_class=shows,
        colors=flat_colors(samples, analysis),
        noise=Noise.TEXTURE if analysis.noise else Noise.COMPRESSION if analysis.noisy else Noise.NONE,
        background=background_color(samples),
        has_transparency=not analysis.opaque,
        warnings=analysis.cautions,
    )


def content_class(samples: Samples, analysis: Analysis) -> ContentClass:
    """What the picture shows."""
    match analysis.suggested:
        case "pixel-art":
            return ContentClass.PIXEL_ART
        case "photo":
            return ContentClass.PHOTO
        case _ if is_shaded(analysis):
            return ContentClass.GRADIENT_ART
        case _ if is_line_art(samples, analysis):
            return ContentClass.LINE_ART
        case _:
            counted = flat_colors(samples, analysis)
            few = counted <= LOGO_COLORS if counted is not None else analysis.suggested != "illustration"
            return ContentClass.LOGO if few else ContentClass.ILLUSTRATION


def is_shaded(analysis: Analysis) -> bool:
    """Whether colors change smoothly; a JPEG's noise alone makes some dozen shades of flat colors."""
    return analysis.soft and not (analysis.noisy and analysis.colors <= SHADES_OF_NOISE)


def is_line_art(samples: Samples, analysis: Analysis) -> bool:
    """Whether the picture is strokes on paper: gray, and most of the ink too thin to be flat anywhere."""
    counts = samples.histogram(FLAT).counts
    if not analysis.gray or analysis.colors > MOST_INKS or not len(counts):
        return False
    red, green, blue = (samples.pixels[..., c] for c in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    paper = counts.max()
    ink = spread.size - paper
    return bool(counts.sum() - paper < THIN_INK * ink and np.count_nonzero(spread > COLORED) < MOST_COLORED * ink)


def flat_colors(samples: Samples, analysis: Analysis) -> int | None:
    """How many flat colors there are, those the method would take for one counted as one and what is transparent not
    at all; None if they run into each other, have no room to be flat, or are more than options can name.
    """
    if analysis.suggested == "photo" or is_shaded(analysis) or Caution.TOO_SMALL in analysis.cautions:
        return None
    pixels = samples.pixels.shape[0] * samples.pixels.shape[1]
    if analysis.block:
        found = np.count_nonzero(np.unique(samples.pixels.view(np.uint32)))
    else:
        settings = LabelSettings()
        fewest = max(settings.fewest_pixels, SHOWN_COLOR * pixels)
        palette = samples.histogram(FLAT).palette(MOST_COLORS + 2, settings.radius, fewest, peaks=settings.peaks)
        found = np.count_nonzero(palette[:, 3] >= CLEAR)
    return int(found) if 0 < found <= MOST_COLORS else None


def background_color(samples: Samples) -> str | None:
    """The color that rules the picture's edge, as `#rrggbb`, `transparent`, or None if none does."""
    pixels = samples.pixels
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])[None]
    seen = Histogram(np.ascontiguousarray(edge), np.ones(edge.shape[:2], np.bool_))
    ruler = seen.palette(1, LabelSettings().radius, 1)[0]
    near = np.abs(edge[0].astype(float) - ruler).max(1) <= 2 * FLAT
    if near.mean() < LEAST_SHARE:
        return None
    red, green, blue, alpha = (float(value) for value in ruler)
    if alpha < HALF_CLEAR:
        return NO_COLOR
    return hex_color(*(255 * value / alpha for value in (red, green, blue)))
