"""Drawings made here by a seeded script: the corpus where no package can be had. They need no network.

Each kind has what makes it hard for a tracer: emoji dark outlines and small lights, flags long straight borders and
stars, mono icons thin strokes and holes, logos letter-like shapes with sharp corners, gradients soft light,
illustrations many thin lines beside large pale areas; the photos are clouds of noise under uneven light.
"""

import colorsys
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFilter

from tests.quality.sources import Kind

EACH = 8
SIDE = 512

Art = str | Image.Image
"""An SVG, or for a photo its pixels."""


def drawn(seed: int) -> Iterator[tuple[Kind, str, Art]]:
    """Kind, name and drawing, always the same for a seed."""
    for kind, make in MAKERS.items():
        for number in range(EACH):
            yield kind, f"{kind}-{number}", make(random.Random(f"{seed} {kind} {number}"))


def page(body: str, defs: str = "", height: int = SIDE) -> str:
    """A drawing of this body."""
    view = f'width="{SIDE}" height="{height}" viewBox="0 0 {SIDE} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{f"<defs>{defs}</defs>" if defs else ""}{body}</svg>'


def color(dice: random.Random, lightness: float | None = None) -> str:
    """A color, of some lightness between 0 and 1 if asked."""
    light = dice.uniform(0.25, 0.75) if lightness is None else lightness
    channels = colorsys.hls_to_rgb(dice.random(), light, dice.uniform(0.4, 0.95))
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def star(x: float, y: float, radius: float, points: int, paint: str, *, inner: float = 0.4, turn: float = 0) -> str:
    """A star with this many points."""
    corners = [
        (radius * (inner if k % 2 else 1), math.pi * k / points - math.pi / 2 + math.radians(turn))
        for k in range(2 * points)
    ]
    path = "L".join(f"{x + r * math.cos(a):.2f} {y + r * math.sin(a):.2f}" for r, a in corners)
    return f'<path fill="{paint}" d="M{path}z"/>'


def blob(dice: random.Random, x: float, y: float, radius: float, paint: str, **more: str) -> str:
    """A smooth closed shape around a point: cubics through points at even angles, tangents from their neighbors."""
    count = dice.randint(5, 8)
    radii = [radius * dice.uniform(0.7, 1.15) for _ in range(count)]
    at = [(x + r * math.cos(math.tau * k / count), y + r * math.sin(math.tau * k / count)) for k, r in enumerate(radii)]
    path = f"M{at[0][0]:.2f} {at[0][1]:.2f}"
    for k in range(count):
        before, here, after, beyond = (at[(k + step) % count] for step in (-1, 0, 1, 2))
        first = [here[i] + (after[i] - before[i]) / 6 for i in (0, 1)]
        second = [after[i] - (beyond[i] - here[i]) / 6 for i in (0, 1)]
        path += "C" + " ".join(f"{value:.2f}" for value in (*first, *second, *after))
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<path fill="{paint}"{extra} d="{path}z"/>'


def emoji(dice: random.Random) -> str:
    """A face: a disc with an outline, two eyes with lights in them, a mouth, sometimes cheeks."""
    skin, ink = color(dice, 0.6), color(dice, 0.15)
    eye, apart, smile = dice.randint(18, 46), dice.randint(60, 100), dice.randint(30, 110)
    body = f'<circle cx="256" cy="256" r="{dice.randint(200, 236)}" fill="{skin}" stroke="{ink}" stroke-width="12"/>'
    for x in (256 - apart, 256 + apart):
        body += f'<ellipse cx="{x}" cy="200" rx="{eye}" ry="{eye * 1.3:.1f}" fill="{ink}"/>'
        body += f'<circle cx="{x + eye / 3:.1f}" cy="{200 - eye / 2}" r="{eye / 4:.1f}" fill="#fff"/>'
    body += f'<path fill="{ink}" d="M140 310Q256 {310 + 2 * smile} 372 310Q256 {310 + smile} 140 310z"/>'
    if dice.random() < 0.6:
        body += "".join(f'<circle cx="{x}" cy="300" r="30" fill="{color(dice, 0.65)}"/>' for x in (110, 402))
    return page(body)


def flag(dice: random.Random) -> str:
    """Bands across or down, a triangle or a cross, and stars."""
    height, bands, across = 340, dice.randint(2, 7), dice.random() < 0.6
    colors = [color(dice), "#ffffff", color(dice)]
    body = ""
    for k in range(bands):
        size = (height if across else SIDE) / bands
        box = (0, k * size, SIDE, size) if across else (k * size, 0, size, height)
        body += '<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"'.format(*box) + f' fill="{colors[k % 3]}"/>'
    if dice.random() < 0.5:
        body += f'<path fill="{color(dice)}" d="M0 0L{dice.randint(150, 256)} 170L0 {height}z"/>'
    else:
        body += f'<path stroke="{color(dice)}" stroke-width="{dice.randint(6, 50)}" d="M0 0L512 340M512 0L0 340"/>'
    for k in range(dice.randint(1, 6)):
        body += star(
            60 + 78 * k, dice.randint(60, 280), dice.randint(14, 48), dice.choice((5, 5, 7, 8)), color(dice, 0.8)
        )
    return page(body, height=height)


def mono(dice: random.Random) -> str:
    """An icon in black: a ring, strokes of one width with round or sharp ends, holes."""
    width = dice.choice((6, 10, 16, 24, 32))
    ends, joins = dice.choice((("round", "round"), ("butt", "miter")))
    strokes = ""
    for _ in range(dice.randint(2, 5)):
        points = [(dice.randint(60, 452), dice.randint(60, 452)) for _ in range(dice.randint(2, 4))]
        strokes += "M" + "L".join(f"{x} {y}" for x, y in points)
    ring = f'<circle cx="256" cy="256" r="{dice.randint(140, 220)}"/>' if dice.random() < 0.7 else ""
    pen = f'fill="none" stroke="#000" stroke-width="{width}" stroke-linecap="{ends}" stroke-linejoin="{joins}"'
    x, y, r = dice.randint(100, 400), dice.randint(100, 400), dice.randint(24, 70)
    hole = f"M{x - r} {y}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
    side = r / 2
    hole += f"M{x - side} {y - side}h{r}v{r}h{-r}z"
    return page(f'<g {pen}>{ring}<path d="{strokes}"/></g><path fill-rule="evenodd" d="{hole}"/>')


def logo(dice: random.Random) -> str:
    """A badge with a turned pattern, and three signs of bars and bows below."""
    first, second, ink = color(dice, 0.4), color(dice, 0.6), color(dice, 0.15)
    count, body = dice.randint(3, 9), ""
    for k in range(count):
        turn = 360 * k / count
        body += (
            f'<path transform="rotate({turn:.2f} 256 180)" fill="{second if k % 2 else first}"'
            f' d="M256 180L{dice.choice((216, 226))} 70Q256 10 300 70z"/>'
        )
    body += f'<circle cx="256" cy="180" r="{dice.randint(20, 46)}" fill="#fff"/>'
    for k in range(3):
        x = 116 + 100 * k
        body += f'<rect x="{x}" y="360" width="{dice.randint(12, 26)}" height="110" fill="{ink}"/>'
        pen = f'fill="none" stroke="{ink}" stroke-width="{dice.randint(8, 22)}"'
        body += f'<path {pen} d="M{x + 8} 370h20a30 45 0 0 1 0 90h-20"/>'
    return page(body)


def gradient(dice: random.Random) -> str:
    """Soft shapes of linear and radial gradients on each other."""
    defs, body = "", ""
    for k in range(4):
        stops = f'<stop offset="0" stop-color="{color(dice, 0.7)}"/><stop offset="1" stop-color="{color(dice, 0.35)}"/>'
        if k % 2:
            defs += (
                f'<radialGradient id="g{k}" cx="{dice.uniform(0.2, 0.6):.2f}" cy=".3" r=".8">{stops}</radialGradient>'
            )
        else:
            defs += (
                f'<linearGradient id="g{k}" x2="{dice.random():.2f}" y2="{dice.random():.2f}">{stops}</linearGradient>'
            )
        at = (dice.randint(150, 360), dice.randint(150, 360))
        body += blob(dice, *at, 200 - 40 * k, f"url(#g{k})")
    return page(body, defs)


def illustration(dice: random.Random) -> str:
    """A pale scene: a backdrop, hills, a table of thin lines, plants, small signs."""
    pale, ink = color(dice, 0.92), color(dice, 0.25)
    body = blob(dice, 256, 240, 220, pale) + blob(dice, 180, 330, 120, color(dice, 0.8))
    body += f'<rect x="150" y="150" width="230" height="160" rx="10" fill="#fff" stroke="{ink}" stroke-width="3"/>'
    for k in range(dice.randint(4, 8)):
        body += f'<path stroke="{color(dice, 0.7)}" stroke-width="3" d="M168 {176 + 16 * k}h{dice.randint(40, 190)}"/>'
    for k in range(dice.randint(3, 6)):
        x = 60 + 80 * k
        body += f'<path fill="none" stroke="{ink}" stroke-width="2" d="M{x} 430q{dice.randint(-30, 30)}-60 6-110"/>'
        body += blob(dice, x + 6, 310, dice.randint(14, 30), color(dice, 0.5))
        body += star(x + 30, dice.randint(60, 130), dice.randint(5, 12), 4, color(dice, 0.55), inner=0.3)
    return page(body + f'<path stroke="{ink}" stroke-width="2" d="M20 430h472"/>')


def photo(dice: random.Random) -> Image.Image:
    """Clouds: noise at every scale, colored, with blurred objects before them and light from one side."""
    source = np.random.default_rng(dice.getrandbits(32))
    clouds = np.zeros((SIDE, SIDE, 3), np.float32)
    for level in range(2, 9):
        noise = Image.fromarray(source.integers(0, 256, (2**level, 2**level, 3), np.uint8))
        clouds += np.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) * 0.5 ** (level - 1)
    light = np.linspace(0.5, 1.15, SIDE, dtype=np.float32)[None, :, None]
    picture = Image.fromarray((clouds * light).clip(0, 255).astype(np.uint8))
    for _ in range(5):
        x, y, side = dice.randint(0, 420), dice.randint(0, 420), dice.randint(40, 160)
        patch = Image.new("L", (SIDE, SIDE))
        patch.paste(255, (x, y, x + side, y + side))
        picture.paste(color(dice), mask=patch.rotate(dice.randint(0, 90)).filter(ImageFilter.GaussianBlur(2)))
    return picture


MAKERS: dict[Kind, Callable[[random.Random], Art]] = {
    Kind.EMOJI: emoji,
    Kind.FLAGS: flag,
    Kind.MONO: mono,
    Kind.LOGOS: logo,
    Kind.GRADIENT: gradient,
    Kind.ILLUSTRATION: illustration,
    Kind.PHOTO: photo,
}
