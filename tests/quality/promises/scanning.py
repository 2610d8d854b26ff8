"""Drawings as they come from a scanner and from a screen, beside what they should have been.

A scan is print on tinted paper: turned a little, blurred by the optics, lit unevenly, with the grain of paper and
sensor. A screenshot is a window with signs, words and the drawing, scaled by the screen or compressed by a messenger.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.pixels import encoded
from tests.quality.pixels import on_page, render
from tests.quality.sources import SEED

SIDE, DRAWING = 700, 560
"""Pixels of the page and of the drawing on it: 200 dots to an inch on a page of 9 centimeters."""
PAPERS = ((250, 247, 240), (244, 241, 232), (238, 236, 230))
BLUR, GRAIN, SHADE = 0.8, 4.0, 0.05
"""Sigma of the optics in pixels; standard deviation of grain, in levels; how much darker than its middle a side is."""
QUALITY = 85
SCREEN = 1.25
"""How much larger than its pixels a program is shown that knows nothing of the screen's density."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The bytes of a file, those of the same page without any flaw, and that page's samples."""

    data: bytes
    clean: bytes
    truth: Image.Image
    paper: tuple[int, int, int]


Take = Callable[[str, int], Taken]
"""Takes an SVG; the number decides what varies from one to the next."""


def scanned(svg: str, number: int) -> Taken:
    """Print and scan a drawing; every other one becomes a JPEG."""
    dice, paper = np.random.default_rng([SEED, number]), PAPERS[number % len(PAPERS)]
    picture = render(svg, 2 * DRAWING)
    page = Image.new("RGBA", (2 * SIDE, 2 * SIDE))
    page.paste(picture, ((2 * SIDE - picture.width) // 2, (2 * SIDE - picture.height) // 2))
    turned = page.rotate(dice.uniform(-2.0, 2.0), Image.Resampling.BICUBIC)
    printed = np.asarray(Image.fromarray(on_page(turned)).resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    truth = Image.fromarray((printed * (np.array(paper, np.float32) / 255)).round().astype(np.uint8))
    return Taken((jpeg if number % 2 else encoded)(flawed(truth, dice)), encoded(truth), truth, paper)


def flawed(page: Image.Image, dice: np.random.Generator) -> Image.Image:
    """The page as a scanner sees it."""
    seen = np.asarray(page.filter(ImageFilter.GaussianBlur(BLUR)), np.float32)
    down, across = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    turn = dice.uniform(0, 2 * np.pi)
    light = 1 - SHADE * (0.5 + 0.5 * (np.cos(turn) * across + np.sin(turn) * down)) * np.hypot(across, down)
    grain = dice.standard_normal((SIDE, SIDE, 1)) + 0.5 * dice.standard_normal((SIDE, SIDE, 3))
    return Image.fromarray((seen * light[..., None] + GRAIN * grain).clip(0, 255).round().astype(np.uint8))


def shot(svg: str, number: int) -> Taken:
    """A screenshot of a window that shows the drawing: enlarged by the screen, or every other one as a JPEG."""
    truth = window(svg, 1.0 if number % 2 else SCREEN)
    if number % 2:
        return Taken(jpeg(truth), encoded(truth), truth, (255, 255, 255))
    large = window(svg, 1.0).resize(truth.size, Image.Resampling.BICUBIC)
    return Taken(encoded(large), encoded(truth), truth, (255, 255, 255))


def window(svg: str, scale: float) -> Image.Image:
    """A window with a bar, three buttons, a list of words and the drawing."""

    def at(*places: float) -> list[float]:
        return [4 * scale * place for place in places]

    large = Image.new("RGB", (round(3200 * scale), round(2000 * scale)), "white")
    pen, words = ImageDraw.Draw(large), ImageFont.load_default(4 * 15 * scale)
    pen.rectangle(at(0, 0, 800, 40), fill="#2b3a55")
    pen.rectangle(at(0, 40, 200, 500), fill="#eef1f6")
    for place, color in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        pen.ellipse(at(14 + 24 * place, 13, 28 + 24 * place, 27), fill=color)
    for place, word in enumerate(("Overview", "Drawings", "Settings", "Sign out")):
        pen.text((96 * scale, 4 * scale * (64 + 40 * place)), word, fill="#2b3a55", font=words)
    pen.rounded_rectangle(at(24, 440, 176, 476), 4 * 8 * scale, fill="#2f6fed")
    page = large.resize((round(800 * scale), round(500 * scale)), Image.Resampling.BOX)
    drawing = Image.fromarray(on_page(render(svg, round(400 * scale))))
    page.paste(drawing, (round(500 * scale) - drawing.width // 2, round(270 * scale) - drawing.height // 2))
    return page


def jpeg(page: Image.Image) -> bytes:
    """The page as people send it."""
    return encoded(page, "JPEG", quality=QUALITY)
