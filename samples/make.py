"""Draw the sample pictures: `python samples/make.py` writes them beside this file.

Both were made for this project and are under its licence. `logo.svg` is the truth the PNG logo is rendered from, so
that a trace of the PNG can be measured; `harbor.svg` is the truth of the JPEG, which adds paper grain and a soft
light on top and is saved with ordinary compression.
"""

import io
import math
import random
from pathlib import Path

import resvg_py
from PIL import Image, ImageChops

HERE = Path(__file__).parent
LOGO_SIDE = 640
HARBOR_SIZE = (900, 600)


def leaf(angle: float, color: str) -> str:
    """One leaf of the logo, turned around the middle of the page."""
    return (
        f'<path transform="rotate({angle} 320 320)" fill="{color}"'
        ' d="M320 320c-64-38-92-104-84-196 66 14 106 56 84 196z"/>'
    )


def logo() -> str:
    """A compass flower: leaves in two greens, one of coral, a ring with twelve ticks and a needle."""
    colors = ["#0f7b6c", "#18a389"] * 4
    colors[3] = "#f2644b"
    leaves = "".join(leaf(45 * k, color) for k, color in enumerate(colors))
    ticks = "".join(
        f'<rect x="315" y="22" width="10" height="{44 if k % 3 == 0 else 26}" rx="5" fill="#12343b"'
        f' transform="rotate({30 * k} 320 320)"/>'
        for k in range(12)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640" viewBox="0 0 640 640">'
        '<path fill="#12343b" fill-rule="evenodd"'
        ' d="M320 8a312 312 0 1 0 0 624 312 312 0 1 0 0-624zm0 14a298 298 0 1 1 0 596 298 298 0 1 1 0-596z"/>'
        f'{ticks}{leaves}<circle cx="320" cy="320" r="62" fill="#fff8ec"/>'
        '<path fill="#12343b" d="M320 268l18 52-18 52-18-52z"/><path fill="#f2644b" d="M320 268l18 52h-36z"/>'
        '<circle cx="320" cy="320" r="7" fill="#fff8ec"/></svg>'
    )


def wave(y: float, height: float, color: str, phase: float) -> str:
    """One band of water from edge to edge."""
    points = [(x, y + height * math.sin(x / 70 + phase)) for x in range(-60, 961, 30)]
    line = "".join(f"L{x} {round(level, 1)}" for x, level in points)
    return f'<path fill="{color}" d="M-60 620{line}L960 620z"/>'


def boat(x: int, y: int, scale: float, hull: str, sail: str) -> str:
    """A sailing boat."""
    return (
        f'<g transform="translate({x} {y}) scale({scale})"><path fill="{hull}" d="M-90 0h180c-10 34-30 52-62 56h-70'
        f'c-30-6-44-28-48-56z"/><path fill="#5b3a29" d="M-4-190h8v192h-8z"/>'
        f'<path fill="{sail}" d="M8-186c52 42 78 98 82 170h-82z"/>'
        '<path fill="#fdf3dd" d="M-8-160c-40 42-60 90-64 144h64z"/></g>'
    )


def stripe(y: float) -> str:
    """One red band of the lighthouse, 22 high, as wide as the tower is there."""
    inset = [12 * (396 - level) / 176 for level in (y, y + 22)]
    left, right = [round(704 + i, 1) for i in inset], [round(766 - i, 1) for i in inset]
    return f'<path fill="#c8443c" d="M{left[0]} {y}H{right[0]}L{right[1]} {y + 22}H{left[1]}z"/>'


def harbor() -> str:
    """Evening at a harbor: a sky that fades, a sun, hills, a lighthouse, two boats and waves."""
    stripes = "".join(stripe(y) for y in (250, 294, 338))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600" viewBox="0 0 900 600"><defs>'
        '<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2f4a7c"/>'
        '<stop offset=".55" stop-color="#e78f6b"/><stop offset="1" stop-color="#f9d29a"/></linearGradient></defs>'
        '<path fill="url(#sky)" d="M0 0h900v600H0z"/><circle cx="300" cy="300" r="74" fill="#ffe9b0"/>'
        '<path fill="#6d5a86" d="M0 360c90-70 170-90 260-40 80 44 150-60 260-40 90 16 150 70 380 30v290H0z"/>'
        '<path fill="#4c4a72" d="M540 400c80-60 200-84 360-60v260H540z"/>'
        f'<path fill="#fdf3dd" d="M704 396l12-176h38l12 176z"/>{stripes}'
        '<path fill="#33344f" d="M708 200h54v22h-54zM716 172h38v30h-38zM735 146l26 28h-52z"/>'
        '<circle cx="735" cy="187" r="10" fill="#ffe9b0"/>'
        + wave(420, 7, "#35608a", 0)
        + boat(230, 440, 0.9, "#8c2f39", "#f4b860")
        + wave(470, 9, "#2b4f77", 2)
        + boat(520, 498, 1.15, "#12343b", "#f2644b")
        + wave(530, 11, "#223f63", 4)
        + "</svg>"
    )


def rendered(svg: str) -> Image.Image:
    """The drawing as RGBA pixels."""
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)))).convert("RGBA")


def grained(picture: Image.Image) -> Image.Image:
    """The picture with the grain of paper and light falling off toward the corners."""
    dice = random.Random(20261122)  # noqa: S311 - grain, not a secret
    width, height = picture.size
    small = Image.new("L", (width // 2, height // 2))
    small.putdata([max(0, min(255, round(dice.gauss(128, 4)))) for _ in range(small.width * small.height)])
    grain = small.resize(picture.size, Image.Resampling.BICUBIC)
    light = Image.radial_gradient("L").resize(picture.size).point(lambda value: 255 - value // 8)
    soft = Image.blend(picture, ImageChops.overlay(picture, Image.merge("RGB", [grain] * 3)), 0.5)
    return ImageChops.multiply(soft, Image.merge("RGB", [light] * 3))


def main() -> None:
    """Write the samples."""
    (HERE / "logo.svg").write_text(logo() + "\n", encoding="utf-8")
    (HERE / "harbor.svg").write_text(harbor() + "\n", encoding="utf-8")
    rendered(logo()).save(HERE / "logo.png", optimize=True)
    grained(rendered(harbor()).convert("RGB")).save(HERE / "harbor.jpg", quality=86)


if __name__ == "__main__":
    main()
