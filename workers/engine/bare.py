"""vtracer, kept on a short lead: it serves photos, and everything else when our own method declines.

It validates nothing itself (it panics, flattens or explodes on odd options), so only settings known to be sound
ever reach it; its panics, which derive from BaseException, become one typed error. Its SVG has 15 decimals and no
viewBox, so its paths are read back and written anew.
"""

import re

import numpy as np
import vtracer

from shared.errors import EngineCrashed
from workers.engine.decode import Pixels
from workers.engine.drawing import Shape

PATH = re.compile(r'<path d="([^"]*)" fill="(#[0-9A-Fa-f]{6})" transform="translate\(([-\d.]+),([-\d.]+)\)"/>')
TOKEN = re.compile(r"([MLCZ])|(-?\d+(?:\.\d+)?)")


def trace_bare(
    rgb: Pixels, *, units: int, speckle: int = 4, color_bits: int = 6, layer_step: int = 16, cutout: bool = False
) -> list[Shape]:
    """Trace opaque RGB samples (height, width, 3) with vtracer; coordinates in whole drawing units.

    `speckle` is the side in pixels of the largest spot left out (0 to 128), `color_bits` the bits kept of each
    channel (1 to 8), `layer_step` the color difference between layers (0 to 255). Raises EngineCrashed.
    """
    height, width = rgb.shape[:2]
    portable = b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(rgb).tobytes()
    try:
        text = vtracer.convert_raw_image_to_svg(
            portable,
            img_format="ppm",
            colormode="color",
            hierarchical="cutout" if cutout else "stacked",
            mode="spline",
            filter_speckle=min(128, max(0, speckle)),
            color_precision=min(8, max(1, color_bits)),
            layer_difference=min(255, max(0, layer_step)),
            corner_threshold=60,
            length_threshold=4.0,
            max_iterations=10,
            splice_threshold=45,
            path_precision=3,
        )
    except (Exception, BaseException) as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise EngineCrashed("The tracer stopped on this image.") from error
    shapes = list[Shape]()
    for path, fill, x, y in PATH.findall(text):
        data, segments = rewritten(path, float(x), float(y), units)
        shapes.append(Shape(data, fill.lower(), segments))
    return shapes


def rewritten(data: str, x: float, y: float, units: int) -> tuple[str, int]:
    """vtracer's absolute path as relative whole units, and the number of its segments."""
    out, segments = list[str](), 0
    at_x = at_y = 0
    command, numbers = "", list[int]()
    for letter, number in TOKEN.findall(data):
        if letter:
            command, numbers = letter, []
            if letter == "Z":
                out.append("z")
            continue
        offset = x if len(numbers) % 2 == 0 else y
        numbers.append(round((float(number) + offset) * units))
        if len(numbers) < (6 if command == "C" else 2):
            continue
        relative = [value - (at_x, at_y)[index % 2] for index, value in enumerate(numbers)]
        out.append(("M" if command == "M" else command.lower()) + joined(numbers if command == "M" else relative))
        segments += command != "M"
        at_x, at_y, numbers = numbers[-2], numbers[-1], []
    return "".join(out), segments


def joined(numbers: list[int]) -> str:
    """Numbers with a space only where the next one has no sign to part them."""
    return "".join((" " if index and value >= 0 else "") + str(value) for index, value in enumerate(numbers))
