import numpy as np
from PIL import Image, ImageDraw

from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.flatness import spreads_of
from workers.engine.regions import find_borders, find_regions
from workers.engine.similarity import rendered
from workers.engine.softness import Softness, merge_soft


def off(source: Image.Image, data: bytes) -> np.ndarray:
    """By how many levels the drawing of the file misses the picture, pixel by pixel."""
    drawn = np.asarray(rendered(trace(data, TraceOptions()).svg, source.width))[..., :3].astype(int)
    return np.abs(drawn - np.asarray(source)).max(2)


def two_greens(side: int) -> Image.Image:
    """Two flat disks that cover each other in part, in three greens, with white bars through them."""
    unit = 4 * side / 400
    picture, upper, lower = (Image.new(mode, (4 * side, 4 * side), "white") for mode in ("RGB", "L", "L"))
    for mask, box in ((upper, (130, 40, 350, 260)), (lower, (50, 115, 270, 335))):
        ImageDraw.Draw(mask).rectangle((0, 0, *mask.size), fill=0)
        ImageDraw.Draw(mask).ellipse([value * unit for value in box], fill=255)
    picture.paste((0, 175, 164), mask=upper)
    picture.paste((5, 241, 164), mask=lower)
    picture.paste((1, 213, 163), mask=Image.fromarray(np.minimum(np.asarray(upper), np.asarray(lower))))
    for bar in ((140, 150, 190, 105, 350, 130, 350, 155, 200, 155), (260, 215, 210, 270, 50, 240, 50, 215, 200, 215)):
        ImageDraw.Draw(picture).polygon([value * unit for value in bar], fill="white")
    return picture.resize((side, side), Image.Resampling.BOX)


def test_flat_colors_that_touch_in_a_jpeg_stay_apart() -> None:
    source = two_greens(400)
    assert (off(source, encoded(source, "JPEG", quality=60)) > 8).mean() < 0.015  # 0.044 as one gradient


def test_a_bar_that_fades_on_black_leaves_no_glow_beside_it() -> None:
    y, x = np.mgrid[:200, :200] * 2.0
    levels = np.where(np.hypot(x - 200, y - 200) > 200, 255.0, 0.0)
    fading = np.clip(1 - (y - 120) / 160, 0, 1) * 255
    levels = np.where((x >= 255) & (x < 315) & (y >= 120), np.maximum(levels, fading), levels)
    source = Image.fromarray(np.dstack([levels] * 3).astype(np.uint8))
    assert (off(source, encoded(source)) > 3).mean() < 0.02  # 0.042 with the glow


def merged_with_page(body: int) -> bool:
    """Whether a flat shape of this level becomes one gradient with a white page on which some light falls."""
    pixels = np.full((256, 256, 4), 255, np.uint8)
    pixels[20:60, 200:240, :3] = 240
    pixels[96:176, 80:176, :3] = body
    pixels[95:177, [79, 176], :3] = pixels[[95, 176], 79:177, :3] = (255 + body) // 2
    labels = np.zeros((256, 256), np.int16)
    labels[96:176, 80:176] = 1
    regions = find_regions(labels)
    borders = find_borders(regions, pixels)
    into, _ = merge_soft(regions, borders, pixels, spreads_of(pixels) <= 10, Softness())
    return bool(into[0] == into[1])


def test_a_pale_shape_casts_no_glow_on_a_page_that_is_not_all_white() -> None:
    assert not merged_with_page(230)
