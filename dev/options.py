"""The pictures of docs/reference/options.md: what each option does to a sample, side by side.

`.venv/bin/python -m dev.options` writes them to docs/pictures/options/.
"""

import io
import re
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from dev.demo import SAMPLES
from dev.home import CHECKOUT
from dev.panels import INK
from dev.render import render
from shared.tracing import TraceOptions
from workers.engine import trace

FOLDER = CHECKOUT / "docs" / "pictures" / "options"
PANEL = 200
GAP = 10
CAPTION = 24
COLORS = 64
CHECKS = ("#ffffff", "#e3e6ea")
CHECK = 10


@dataclass(frozen=True, slots=True)
class Strip:
    """A square of a sample (left, top and side in pixels) traced with different options.

    It may be made `pixels` small before, so that every pixel counts, laid on white, and shown as outlines only.
    """

    sample: str
    place: tuple[int, int, int]
    panels: dict[str, dict[str, object]]
    pixels: int = 0
    on_white: bool = False
    outlines: bool = False


BOAT = ("harbor.jpg", (400, 260, 240))
TOWER = ("harbor.jpg", (640, 120, 200))
LEAVES = ("logo.png", (160, 160, 320))
NEEDLE = ("logo.png", (264, 264, 112))

STRIPS: dict[str, Strip] = {
    "preset": Strip(*BOAT, {name: {"preset": name} for name in ("logo", "illustration", "photo", "pixel-art", "cut")}),
    "colors": Strip(*BOAT, {"2": {"colors": 2}, "4": {"colors": 4}, "8": {"colors": 8}, "16": {"colors": 16}}),
    "palette": Strip(
        *LEAVES,
        {
            "empty": {},
            "#000000 #ffffff": {"palette": ["#000000", "#ffffff"]},
            "#22577a #c7f9cc #ff6b6b": {"palette": ["#22577a", "#c7f9cc", "#ff6b6b"]},
        },
    ),
    "gradients": Strip("harbor.jpg", (0, 0, 300), {"true": {}, "false": {"gradients": False}}),
    "detail": Strip(*TOWER, {str(value): {"detail": value} for value in (0, 50, 100)}),
    "smoothness": Strip(*LEAVES, {str(value): {"smoothness": value} for value in (0, 50, 75, 100)}, pixels=80),
    "corners": Strip(*LEAVES, {str(value): {"corners": value} for value in (0, 25, 50, 100)}, pixels=80),
    "minimum_area": Strip(*TOWER, {str(value): {"minimum_area": value} for value in (0, 300, 3_000)}),
    "background": Strip(
        *LEAVES,
        {"keep": {}, "remove": {"background": "remove"}, "#ffd166": {"background": "#ffd166"}},
        on_white=True,
    ),
    "stacking": Strip(*NEEDLE, {"stacked": {"stacking": "stacked"}, "cutout": {"stacking": "cutout"}}, outlines=True),
}


def drawn(strip: Strip, options: dict[str, object]) -> Image.Image:
    """One panel."""
    left, top, side = strip.place
    piece = Image.open(SAMPLES / strip.sample).convert("RGBA").crop((left, top, left + side, top + side))
    if strip.on_white:
        piece = Image.alpha_composite(Image.new("RGBA", piece.size, "white"), piece)
    if strip.pixels:
        piece = piece.resize((strip.pixels, strip.pixels), Image.Resampling.BOX)
    data = io.BytesIO()
    piece.save(data, "PNG")
    svg = trace(data.getvalue(), TraceOptions.model_validate(options)).svg
    if strip.outlines:
        line = f'<path fill="none" stroke="{INK}" stroke-width="{side * 10 / PANEL:.0f}"'
        svg = re.sub(r'<path fill="[^"]*"', line, svg)
    return render(svg.encode(), PANEL, PANEL)


def checkered(size: int) -> Image.Image:
    """What shows where a drawing is clear."""
    page = Image.new("RGB", (size, size), CHECKS[0])
    pen = ImageDraw.Draw(page)
    for x in range(0, size, CHECK):
        for y in range(x // CHECK % 2 * CHECK, size, 2 * CHECK):
            pen.rectangle((x, y, x + CHECK - 1, y + CHECK - 1), fill=CHECKS[1])
    return page


def picture(strip: Strip) -> Image.Image:
    """The panels in a row, each under what was asked for."""
    page = Image.new("RGB", (len(strip.panels) * (PANEL + GAP) - GAP, PANEL + CAPTION), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=14)
    for column, (caption, options) in enumerate(strip.panels.items()):
        left = column * (PANEL + GAP)
        pen.text((left, 2), caption, fill=INK, font=font)
        page.paste(checkered(PANEL), (left, CAPTION))
        panel = drawn(strip, options)
        page.paste(panel, (left, CAPTION), panel)
    return page


def write_pictures() -> None:
    """Write them all with a palette each, so that they stay small."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, strip in STRIPS.items():
        small = picture(strip).quantize(COLORS, dither=Image.Dither.NONE)
        small.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    write_pictures()
