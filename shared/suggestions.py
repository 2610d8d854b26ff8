"""What a look at a picture tells: what kind it is, which preset suits it, and what its owner had better know.

The engine finds it (workers/engine/analyse.py), Postgres keeps it, the editor shows it before anything is paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.tracing import Preset


class ContentClass(StrEnum):
    """What a picture shows, as far as drawing it goes."""

    LOGO = "logo"
    LINE_ART = "line-art"
    ILLUSTRATION = "illustration"
    GRADIENT_ART = "gradient-art"
    PIXEL_ART = "pixel-art"
    PHOTO = "photo"


class Noise(StrEnum):
    """none: flat areas are flat; compression: a JPEG's blocks and ripples; texture: hardly anything is flat."""

    NONE = "none"
    COMPRESSION = "compression"
    TEXTURE = "texture"


class Caution(StrEnum):
    """Why the drawing may disappoint."""

    PHOTO = "photo"
    NOISE = "noise"
    TOO_SMALL = "too_small"


CAUTIONS: Final[Mapping[Caution, str]] = {
    Caution.PHOTO: (
        "This looks like a photo; a vector of it is a likeness in soft shapes, not a copy."
        " Look at a preview first, or upload the logo or drawing by itself."
    ),
    Caution.NOISE: (
        "This is mostly noise or fine texture; the vector shows its larger shapes only."
        " A cleaner original gives a better one."
    ),
    Caution.TOO_SMALL: "The image is very small; a larger original would give a better vector.",
}
"""What each caution says to the image's owner, and what to do."""

NO_COLOR: Final = "transparent"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a look at a picture told.

    `colors` is the number of flat colors, None where none can be counted; `background` is a color such as
    `#ffffff` that rules the picture's edge, `transparent`, or None.
    """

    preset: Preset
    content_class: ContentClass
    colors: int | None
    noise: Noise
    background: str | None
    has_transparency: bool
    warnings: tuple[Caution, ...]
