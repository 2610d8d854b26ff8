"""What a trace gives back, and the bounds it must stay within."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, float], None]
"""Called with the stage's name and the part done, 0 to 1, as a trace goes on."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one trace. A picture that breaks one is simplified until it fits, and said so in a warning."""

    max_pixels: int = 40_000_000
    working_pixels: int = 4_000_000
    max_output_bytes: int = 5_000_000
    max_paths: int = 20_000


@dataclass(frozen=True, slots=True)
class Report:
    """Facts about a drawing. Size is in pixels of the source; similarity and SSIM are 0 (nothing alike) to 1 (equal).

    `color_error` is the mean difference of a channel from the source, in levels of 255. `fault` is empty, or tells the
    operators what made our own method fail.
    """

    paths: int
    segments: int
    colors: int
    width: int
    height: int
    bytes: int
    similarity: float
    ssim: float
    color_error: float
    warnings: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Traced:
    """A drawing as SVG text, and the report about it."""

    svg: str
    report: Report
