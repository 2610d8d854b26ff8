import re

import pytest
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace

DISC = (300, 300, 480, 480)


def drawn_small(*boxes: tuple[int, int, int, int]) -> bytes:
    """Black discs on white, drawn at eight times the size of the picture."""
    picture = Image.new("RGB", (64 * 8, 64 * 8), "white")
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        pen.ellipse(box, fill="black")
    return encoded(picture.resize((64, 64), Image.Resampling.BOX))


@pytest.mark.parametrize("size", [14, 17, 20])
def test_a_dot_of_a_few_pixels_stays_round(size: int) -> None:
    svg = trace(drawn_small((243, 243, 243 + size, 243 + size), DISC), TraceOptions(preset="logo")).svg
    dot = re.split("[Mm]", svg.split("z")[-2])[-1]
    assert re.findall("[a-z]", dot) == ["a"]
