"""The files a drawing is sold as: their formats, and how large they are.

The api validates and describes them by this module, the engine makes them by it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from shared.errors import OptionsInvalid
from shared.tracing import TraceOptions, Unit

Format = Literal["svg", "pdf", "eps", "dxf", "png"]

MM_PER_INCH = 25.4
POINTS_PER_INCH = 72
LONGEST_MM = 5_080
"""200 inches: the largest page of a PDF (ISO 32000-1, annex C)."""
SHORTEST_MM = 0.1
MOST_PNG_PIXELS = 40_000_000
LARGEST_FILE_BYTES = 50_000_000
"""No object in storage may be larger: a result in any format, a preview, a resized raster."""


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """What a format is for, in a sentence, and its content type."""

    content_type: str
    description: str


FORMATS: Final[dict[Format, FormatFacts]] = {
    "svg": FormatFacts("image/svg+xml", "For browsers, Inkscape, Illustrator and most other programs."),
    "pdf": FormatFacts("application/pdf", "For print: vector, with gradients and transparency, at the exact size."),
    "eps": FormatFacts("application/postscript", "For older print work; what is translucent is laid over white."),
    "dxf": FormatFacts("image/vnd.dxf", "For cutters, plotters and CAD: outlines in millimeters, a layer a color."),
    "png": FormatFacts("image/png", "Pixels, with transparency, at the size and dpi asked for."),
}


@dataclass(frozen=True, slots=True)
class OutputSize:
    """How large an output is, in its unit, and how many pixels make an inch."""

    width: float
    height: float
    unit: Unit
    dpi: int

    def mm(self) -> tuple[float, float]:
        """Width and height in millimeters."""
        return measured(self, MM_PER_INCH)

    def points(self) -> tuple[float, float]:
        """Width and height in points, 72 to an inch."""
        return measured(self, POINTS_PER_INCH)

    def pixels(self) -> tuple[int, int]:
        """Width and height in whole pixels, at least one."""
        width, height = measured(self, self.dpi)
        return max(1, round(width)), max(1, round(height))


def measured(size: OutputSize, per_inch: float) -> tuple[float, float]:
    """Width and height in a measure that has so many to an inch."""
    in_unit = {"px": float(size.dpi), "mm": MM_PER_INCH, "in": 1.0}[size.unit]
    return size.width * per_inch / in_unit, size.height * per_inch / in_unit


def output_size(options: TraceOptions, image_width: int, image_height: int) -> OutputSize:
    """How large the output of an image of so many pixels is under these options; its proportions are the image's."""
    per_unit = {"px": 1.0, "mm": options.dpi / MM_PER_INCH, "in": float(options.dpi)}[options.unit]
    width, height = image_width / per_unit, image_height / per_unit
    wanted = [asked / side for asked, side in ((options.width, width), (options.height, height)) if asked]
    scale = min(wanted, default=1.0)
    return OutputSize(width * scale, height * scale, options.unit, options.dpi)


def check_output(options: TraceOptions, image_width: int, image_height: int, *, png: bool) -> None:
    """Raises OptionsInvalid when the output would be too large or too small to be any use."""
    if not (options.width or options.height):
        return  # as large as the image, which was let in
    size = output_size(options, image_width, image_height)
    width, height = size.mm()
    if max(width, height) > LONGEST_MM:
        raise _refused(options, f"the output would be {width:.0f} × {height:.0f} mm; at most {LONGEST_MM} can be made")
    if min(width, height) < SHORTEST_MM:
        raise _refused(options, f"the output would be {width:.2g} × {height:.2g} mm; at least {SHORTEST_MM} is needed")
    across, down = size.pixels()
    if png and across * down > MOST_PNG_PIXELS:
        raise _refused(
            options, f"the PNG would have {across} × {down} pixels; at most {MOST_PNG_PIXELS:,} in all can be made"
        )


def _refused(options: TraceOptions, why: str) -> OptionsInvalid:
    pointer = "/options/width" if options.width else "/options/height"
    return OptionsInvalid(f"{pointer}: {why}.", errors=[{"pointer": pointer, "detail": why}])
