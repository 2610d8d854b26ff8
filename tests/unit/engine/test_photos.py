"""Photos: regions from the pixels themselves, each in its own color."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from shared.tracing import TraceOptions
from tests.pixels import color_at, encoded
from workers.engine import analyse_image, trace
from workers.engine.background import background_regions
from workers.engine.blends import LEFT, RIGHT, find_blends
from workers.engine.color import Floats
from workers.engine.decode import Pixels
from workers.engine.gradients import LINEAR
from workers.engine.planes import merge_even
from workers.engine.regions import Borders, Regions
from workers.engine.segmentation import segmented
from workers.engine.similarity import rendered
from workers.engine.stacking import SOFT_STEP, stack_regions

PHOTO = TraceOptions(preset="photo")


def grain(width: int, height: int, seed: int, spread: float) -> Floats:
    """What a camera adds to each channel of a picture: fine grain, a little blurred."""
    noise = np.random.default_rng(seed).normal(128, 60, (height, width, 3)).clip(0, 255).astype(np.uint8)
    soft = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1))).astype(float)
    return (soft - soft.mean()) / soft.std() * spread


def wall() -> Image.Image:
    """A photo of a brown wall in uneven light, on it a small yellow tin, a purple badge and a red stripe."""
    picture = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * k).resize((300, 300)) for k in range(3)])
    picture = Image.blend(picture, Image.new("RGB", picture.size, (120, 84, 60)), 0.8)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((200, 60, 206, 68), fill=(228, 190, 40))
    pen.ellipse((80, 200, 87, 207), fill=(112, 44, 160))
    pen.rectangle((20, 40, 50, 41), fill=(200, 30, 60))
    samples = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.5))).astype(float) + grain(300, 300, 3, 9)
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8))


def opaque(samples: Floats) -> Pixels:
    """RGBA samples of gray or colored ones."""
    channels = samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, 2)
    return np.dstack([channels, np.full(samples.shape[:2], 255)]).clip(0, 255).astype(np.uint8)


def drawn(svg: str, width: int) -> Floats:
    """The channels of a drawing's pixels."""
    return np.asarray(rendered(svg, width)).astype(float)[..., :3]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_small_area_of_a_rare_color_keeps_its_hue(kind: str) -> None:
    source = wall()
    data = encoded(source, kind, **({"quality": 85} if kind == "JPEG" else {}))
    seen, true = drawn(trace(data, PHOTO).svg, 300), np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    for box in ((slice(62, 67), slice(202, 205)), (slice(202, 206), slice(82, 86)), (slice(40, 42), slice(25, 45))):
        assert np.abs(seen[box].mean((0, 1)) - true[box].mean((0, 1))).max() < 25


def test_grain_is_no_color_of_its_own() -> None:
    assert len(segmented(opaque(120 + grain(80, 80, 4, 4)), 400, 5, 1000).areas) == 1


def test_a_region_has_the_mean_color_of_its_own_pixels() -> None:
    samples = np.full((40, 40), 60.0)
    samples[:, 20:] = 180
    noisy = samples + np.random.default_rng(1).integers(-4, 5, samples.shape).astype(float)
    segments = segmented(opaque(noisy), 400, 5, 100)
    assert len(segments.areas) == 2
    for number, half in enumerate((noisy[:, :20], noisy[:, 20:])):
        assert segments.colors[number, 0] == pytest.approx(half.mean(), abs=0.5)
    assert segments.areas.tolist() == [800, 800]


def test_a_border_stays_where_it_saves_more_than_its_price() -> None:
    samples = np.full((40, 40), 100.0)
    samples[10:15, 10:15] = 118  # 25 pixels with an error of 18 levels in each channel, and 20 pixels of border
    price = 25 * 3 * 18**2 / 20
    assert len(segmented(opaque(samples), 0.9 * price, 5, 100).areas) == 2
    assert len(segmented(opaque(samples), 1.1 * price, 5, 100).areas) == 1


def test_what_is_smaller_than_asked_for_joins_its_closest_neighbor() -> None:
    samples = np.full((20, 20), 40.0)
    samples[:, 10:] = 200
    samples[5:7, 9:11] = 120
    samples[12:14, 14:16] = 130
    segments = segmented(opaque(samples), 1, 5, 100)
    assert len(segments.areas) == 2
    assert int(segments.areas.sum()) == 400
    assert segments.ids[12, 14] == segments.ids[0, 19]


def test_regions_are_never_more_than_asked_for() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (60, 60, 3)).astype(float)
    free, bounded = segmented(opaque(noise), 400, 1, 10_000), segmented(opaque(noise), 400, 1, 50)
    assert len(free.areas) > 200
    assert not free.coarse
    assert len(bounded.areas) <= 50
    assert bounded.coarse


def test_pixels_on_an_edge_are_blends_of_both_sides() -> None:
    samples = np.full((6, 12), 40.0)
    samples[:, 5], samples[:, 6], samples[:, 7:] = 80, 170, 200
    weights, links = np.empty((6, 12)), np.empty((6, 12), np.uint8)
    find_blends(opaque(samples), weights, links)
    assert links[2, 4:8].tolist() == [0, LEFT, RIGHT, 0]
    assert (weights[:, 5:7] < 0.5).all()
    assert weights[2, 4] == weights[2, 7] == 1
    segments = segmented(opaque(samples), 400, 5, 100)
    assert segments.areas.tolist() == [36, 36]
    assert segments.colors[:, 0] == pytest.approx([40, 200], abs=2)


def test_what_is_clear_joins_nothing_that_shows() -> None:
    samples = np.zeros((30, 30, 4), np.uint8)
    samples[8:22, 8:22] = (12, 8, 4, 24)
    samples[0, 0] = (6, 5, 4, 12)
    segments = segmented(samples, 1e6, 1, 100)
    assert sorted(segments.colors[:, 3].tolist()) == [0, 12, 24]


def test_a_clear_page_stays_clear_around_a_photo() -> None:
    picture = wall().convert("RGBA")
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((40, 40, 260, 260), fill=255)
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(0.7)))
    shown = rendered(trace(encoded(picture), PHOTO).svg, 300)
    assert color_at(shown, (10, 10))[3] == 0
    assert color_at(shown, (150, 150))[3] == 255


def test_an_even_slope_becomes_one_gradient() -> None:
    y, x = np.mgrid[:60, :90]
    samples = np.dstack([60 + x, 40 + 0.5 * x + 0 * y, 200 - x])
    pixels = opaque(samples)
    segments = segmented(pixels, 400, 5, 1000)
    assert len(segments.areas) > 2
    ids, colors, paints = merge_even(segments, pixels, 400, 30)
    assert ids.max() == 0
    assert colors.shape == (1, 4)
    paint = paints[0]
    assert paint.kind == LINEAR
    assert np.abs(paint.shape[2:4]).tolist() == pytest.approx([1, 0], abs=1e-6)
    ends = paint.profile[np.argsort(paint.profile[:, 1])]
    assert ends[:, 1:].tolist() == [
        pytest.approx([60, 40, 200, 255], abs=1),
        pytest.approx([149, 84.5, 111, 255], abs=1),
    ]


def test_a_gradient_must_pay_for_itself() -> None:
    y, x = np.mgrid[:8, :10]
    pixels = opaque(100.0 + x + 0 * y)
    segments = segmented(pixels, 400, 5, 1000)
    assert merge_even(segments, pixels, 400, 30)[2] == {}
    assert list(merge_even(segments, pixels, 400, 0.1)[2]) == [0]


def test_a_photo_has_no_gradients_if_none_are_wanted() -> None:
    y, x = np.mgrid[:300, :300]
    sky = Image.fromarray(opaque(np.dstack([0.3 * x + 40, 0.2 * x + 0.3 * y, 250 - 0.3 * y]) + grain(300, 300, 1, 2)))
    assert "Gradient" in trace(encoded(sky), PHOTO).svg
    assert "Gradient" not in trace(encoded(sky), TraceOptions(preset="photo", gradients=False)).svg


def test_more_detail_means_more_regions() -> None:
    data = encoded(wall())
    counts = [trace(data, TraceOptions(preset="photo", detail=detail)).svg.count("<path") for detail in (20, 50, 80)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


def test_like_colors_at_the_edge_are_one_background() -> None:
    ids = np.zeros((20, 20), np.int32)
    ids[:, 10:], ids[5:15, 5:15] = 1, 2
    palette = np.array([[200, 200, 200, 255], [210, 205, 200, 255], [90, 20, 20, 255]], float)
    regions = Regions(ids, 3, np.bincount(ids.ravel()), np.arange(3, dtype=np.int16))
    assert background_regions(regions, palette).tolist() == [0, 1]
    assert background_regions(regions).tolist() == [0]


def ground_of_smallest(step: float, *, by_color: bool) -> int:
    """On which of two others a small region lies: 1 borders on it for 8 pixels with this step, 2 for 12 with 120."""
    areas = np.array([10, 500, 900])
    first, second, steps = np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([step, 120.0, 120.0])
    ids = np.repeat(np.arange(3, dtype=np.int32), 4).reshape(3, 4)
    regions, hidden = Regions(ids, 3, areas, np.arange(3, dtype=np.int16)), np.zeros(3, np.bool_)
    borders = Borders(first, second, np.array([8, 12, 40]), steps)
    return stack_regions(regions, borders, hidden, np.full((3, 4), 255.0), {}, by_color=by_color).parents[0]


def test_a_shape_lies_on_the_neighbor_of_like_color() -> None:
    assert ground_of_smallest(20.0, by_color=False) == 2
    assert ground_of_smallest(20.0, by_color=True) == 1


def test_a_band_lies_on_the_band_beside_it() -> None:
    assert ground_of_smallest(SOFT_STEP - 1, by_color=False) == 1
    assert ground_of_smallest(SOFT_STEP, by_color=False) == 2


def test_a_gray_photo_of_few_shades_is_a_photo() -> None:
    y = np.mgrid[:300, :300][0]
    spread = np.where(y < 150, 1.0, 9.0)[..., None]
    gray = opaque((110 + 0.1 * y[..., None] + grain(300, 300, 6, 1) * spread)[..., 0])
    analysis = analyse_image(encoded(Image.fromarray(gray)))
    assert analysis.colors < 100
    assert 0.1 < analysis.flat < 0.8
    assert analysis.suggested == "photo"
    assert analyse_image(encoded(Image.fromarray(gray[50:250, 50:250]))).suggested != "photo"


@pytest.mark.parametrize(("shown", "kind"), [(0.3, "photo"), (0.36, "illustration")])
def test_a_jpeg_may_have_more_even_places_and_be_a_photo(shown: float, kind: str) -> None:
    y, x = np.mgrid[:320, :320]
    channels = np.dstack([90 + 0.3 * x, 60 + 0.4 * y, 200 - 0.3 * x]) + grain(320, 320, 8, 5)
    channels[: int(320 * shown)] = (70, 90, 140)
    data = encoded(Image.fromarray(opaque(channels)).convert("RGB"), "JPEG", quality=95)
    assert analyse_image(data).suggested == kind
