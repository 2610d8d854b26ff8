"""Pictures whose drawing ends a fraction of a pixel before they do: a line thinner than a pixel runs along the edge."""

import numpy as np
import pytest
from PIL import Image

from shared.tracing import TraceOptions
from tests.pixels import color_at, encoded
from workers.engine import trace
from workers.engine.similarity import rendered

SCALE = 20


def framed(cover: float) -> Image.Image:
    """Two triangles and a white square; the outermost pixels are covered by so much, and the rest of them is white."""
    size = 300
    fine = np.zeros((size, size, 3))
    rows, columns = np.mgrid[0 : 4 * size, 0 : 4 * size]
    upper = (columns > rows).reshape(size, 4, size, 4).mean((1, 3))[..., None]
    fine[:] = upper * np.array([0, 122, 61]) + (1 - upper) * np.array([20, 20, 20])
    fine[120:180, 20:80] = 255
    edge = np.ones((size, size))
    edge[[0, -1]] *= cover
    edge[:, [0, -1]] *= cover
    return Image.fromarray(np.rint(255 + edge[..., None] * (fine - 255)).astype(np.uint8))


@pytest.mark.parametrize("cover", [0.25, 0.5])
def test_a_frame_thinner_than_a_pixel_is_as_wide_in_the_corner_as_anywhere(cover: float) -> None:
    picture = framed(cover)
    drawn = rendered(trace(encoded(picture), TraceOptions()).svg, picture.width * SCALE).convert("RGB")
    inside, outside = round((1 - cover + 0.2) * SCALE), round((1 - cover - 0.2) * SCALE)
    last = drawn.width - 1
    for x, y in ((inside, last - inside), (last - inside, inside)):
        assert max(color_at(drawn, (x, y))) < 150, (x, y)
    for along in (2, 10, 30, 100, 400, 2000):
        assert min(color_at(drawn, (along, outside))) > 200, along
        assert min(color_at(drawn, (outside, along))) > 200, along
