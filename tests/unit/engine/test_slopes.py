"""Color that changes across narrow bands, all of whose parts look alike, is a gradient still."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.color import Floats
from workers.engine.gradients import CONSTANT
from workers.engine.patches import Patch, is_slope
from workers.engine.similarity import rendered
from workers.engine.softness import Merger, Softness

SIDE, EDGE = 400, 50


def lit(top: int, height: int, turned: bool) -> Image.Image:
    """A black square on white that a light of so many levels falls on from one side, so many pixels deep."""
    light = np.clip(top * (1 - np.arange(SIDE - 2 * EDGE) / height), 0, top)
    page = np.full((SIDE, SIDE), 255.0)
    page[EDGE : SIDE - EDGE, EDGE : SIDE - EDGE] = light[:, None]
    return Image.fromarray((page.T if turned else page).round().astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("top", "height"), [(60, 30), (80, 40), (120, 50), (200, 50), (60, 110)])
def test_a_light_along_one_side_is_one_gradient_beside_the_flat_color(top: int, height: int, turned: bool) -> None:
    picture = lit(top, height, turned)
    traced = trace(encoded(picture), TraceOptions())
    assert traced.report.paths <= 3
    drawn = np.asarray(rendered(traced.svg, SIDE).convert("RGB")).astype(int)
    off = np.abs(drawn - np.asarray(picture)).max(2)[EDGE + 2 : SIDE - EDGE - 2, EDGE + 2 : SIDE - EDGE - 2]
    assert off.max() <= 8
    assert off.mean() < 0.6


def test_a_steep_gradient_in_a_rounded_frame_is_one_shape() -> None:
    picture = Image.new("RGB", (512, 512), "white")
    shape = Image.new("L", (2048, 2048))
    ImageDraw.Draw(shape).rounded_rectangle((240, 200, 1810, 440), 90, fill=255)
    part = np.clip((np.arange(512) - 50) / 60, 0, 1)[:, None, None]
    colors = np.array((74, 144, 226)) * (1 - part) + np.array((0, 51, 102)) * part
    ramp = Image.fromarray(np.broadcast_to(colors.round(), (512, 512, 3)).astype(np.uint8))
    picture.paste(ramp, (0, 0), shape.resize((512, 512), Image.Resampling.BOX))
    report = trace(encoded(picture), TraceOptions()).report
    assert report.paths == 2
    assert report.color_error < 0.1


def samples(left: int, wide: int, *, slope: float = 0.0, noise: float = 0.0) -> Floats:
    """Pixels of a strip, in rows: x, y, four channels."""
    y, x = np.mgrid[0:20, left : left + wide] + 0.5
    level = 20 + slope * (x - left) + noise * np.random.default_rng(5).standard_normal(x.shape)
    return np.stack([x, y, level, level, level, np.full(x.shape, 255.0)], -1).reshape(-1, 6)


@pytest.mark.parametrize(
    ("strip", "slope"),
    [
        (samples(0, 16, slope=0.6), True),
        (samples(0, 16, slope=0.6, noise=1.0), True),
        (samples(0, 16, noise=2.0), False),  # an even area of a file with loss
        (samples(0, 16), False),
        (np.concatenate([samples(0, 90), samples(90, 6, slope=1.0)]), False),  # flat but for a rim
    ],
)
def test_a_slope_is_told_from_flat_color_with_noise_or_a_rim(strip: Floats, slope: bool) -> None:
    assert slope == is_slope(strip)


@pytest.mark.parametrize(("steep", "apart"), [(3.0, True), (0.1, False)])
def test_a_large_flat_area_takes_no_gradient_that_its_color_would_spoil(steep: float, apart: bool) -> None:
    """The error of one paint for both is small, for it is taken over both; where the gradient is it is large."""
    flat, soft = samples(0, 30), samples(0, 4, slope=steep)
    patches = {
        0: Patch(flat, 6000, flat[0, 2:], flat=True),
        1: Patch(soft, 80, soft[:, 2:].mean(0), flat=False, version=1),
    }
    merger = Merger(patches, Softness())
    merger.profile[0, 1:] = flat[0, 2:]
    assert merger.spoils(patches[0], patches[1], CONSTANT, 1) is apart
    patches[1].version = 0  # a band that is no gradient yet: it may become part of one
    assert not merger.spoils(patches[0], patches[1], CONSTANT, 1)
