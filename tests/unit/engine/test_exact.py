import re

from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace


def test_a_picture_of_few_flat_colors_gives_the_shades_of_its_edges_for_the_rest() -> None:
    traced = trace(encoded(two_discs()), TraceOptions(colors=7))
    assert len(set(re.findall(r'fill="(#[0-9a-f]+)"', traced.svg))) == 7
    assert traced.report.warnings == ()


def two_discs() -> Image.Image:
    """Two colors and white, anti-aliased."""
    picture = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((20, 30, 210, 220), fill="#204080")
    pen.ellipse((180, 150, 380, 350), fill="#d08020")
    return picture.resize((100, 100), Image.Resampling.BOX)
