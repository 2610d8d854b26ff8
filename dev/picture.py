"""The picture of the README: the samples beside what the demo made of them, whole and close up.

`make demo` writes demo-output/, then `.venv/bin/python -m dev.picture` writes docs/pictures/demo.png from it.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from dev.demo import OUTPUT, SAMPLES
from dev.home import CHECKOUT
from dev.panels import Panel, page_of
from dev.render import render

TARGET = CHECKOUT / "docs" / "pictures" / "demo.png"
PANEL = 300
COLORS = 256


@dataclass(frozen=True, slots=True)
class Example:
    """A sample, and the part of it that is shown close up: its corner and its size in pixels of the source."""

    sample: str
    left: int
    top: int
    width: int
    height: int

    def panels(self) -> list[Panel]:
        """Source and drawing, whole and close up, with what each is."""
        source = Image.open(SAMPLES / self.sample).convert("RGBA")
        svg = (OUTPUT / self.sample).with_suffix(".svg").read_bytes()
        zoom = PANEL // self.width
        left, top, right, bottom = self.left, self.top, self.left + self.width, self.top + self.height
        close = source.crop((left, top, right, bottom))
        drawn = render(svg, source.width * zoom, source.height * zoom)
        return [
            (self.sample, fitted(source)),
            ("its drawing (SVG)", fitted(drawn)),
            (f"{self.sample}, {zoom} times larger", ImageOps.scale(close, zoom, Image.Resampling.NEAREST)),
            (f"its drawing, {zoom} times larger", drawn.crop((left * zoom, top * zoom, right * zoom, bottom * zoom))),
        ]


EXAMPLES = (Example("logo.png", 283, 262, 75, 75), Example("harbor.jpg", 698, 160, 75, 50))


def fitted(image: Image.Image) -> Image.Image:
    """The image as large as a panel takes it."""
    scale = PANEL / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def picture() -> Image.Image:
    """Every example in a row of its own, on white."""
    return page_of([example.panels() for example in EXAMPLES], PANEL)


def write(target: Path) -> None:
    """Write the picture with a palette, so that it stays small."""
    target.parent.mkdir(parents=True, exist_ok=True)
    picture().quantize(COLORS, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)


if __name__ == "__main__":
    write(TARGET)
