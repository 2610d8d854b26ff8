"""Pictures with alpha: what is seen through is drawn so that it looks right on any page."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from shared.tracing import Stacking, TraceOptions
from tests.pixels import encoded
from workers.engine import trace
from workers.engine.artwork import read_artwork
from workers.engine.formats.paper import colors_on_paper
from workers.engine.similarity import rendered

SIDE = 320
RED, BLUE = (224, 48, 48), (32, 80, 208)
Box = tuple[int, int, int, int]


def layer(
    color: tuple[int, int, int], opacity: float, box: Box, *, blur: float = 0, round_: bool = True
) -> Image.Image:
    """A disc, or a box with round corners, of one color on a clear page."""
    cover = Image.new("L", (4 * SIDE, 4 * SIDE))
    pen, sides = ImageDraw.Draw(cover), tuple(4 * side for side in box)
    if round_:
        pen.ellipse(sides, fill=round(255 * opacity))
    else:
        pen.rounded_rectangle(sides, 60, fill=round(255 * opacity))
    cover = cover.resize((SIDE, SIDE), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(blur))
    picture = Image.new("RGBA", cover.size, color)
    picture.putalpha(cover)
    return picture


def stacked(*layers: Image.Image) -> Image.Image:
    page = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    for one in layers:
        page = Image.alpha_composite(page, one)
    return page


def discs() -> Image.Image:
    """Two half clear discs that overlap."""
    return stacked(layer(RED, 0.5, (30, 40, 190, 200)), layer(BLUE, 0.5, (110, 100, 290, 280)))


def window() -> Image.Image:
    """A tinted pane in an opaque frame, with a dot on it."""
    page = layer(RED, 1, (40, 40, 280, 280), round_=False)
    pane = Image.new("RGBA", (120, 140), (64, 160, 255, 90))
    page.paste(pane, (100, 90))
    return stacked(page, layer((20, 20, 20), 1, (140, 130, 180, 170)))


def shadow() -> Image.Image:
    """An opaque card over its soft shadow."""
    blurred = layer((0, 0, 0), 0.45, (70, 84, 254, 244), blur=10, round_=False)
    return stacked(blurred, layer((255, 204, 51), 1, (64, 64, 248, 224), round_=False))


def glow() -> Image.Image:
    """A color that fades to nothing all around."""
    down, across = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    alpha = np.clip(1 - np.hypot(down, across) / 130, 0, 1)
    colors = np.broadcast_to(np.array([255, 140, 0]), (SIDE, SIDE, 3))
    return Image.fromarray(np.dstack([colors, 255 * alpha]).astype(np.uint8), "RGBA")


def on_page(picture: Image.Image, gray: int) -> np.ndarray:
    page = Image.new("RGBA", picture.size, (gray, gray, gray, 255))
    return np.asarray(Image.alpha_composite(page, picture).convert("RGB")).astype(float)


def error(svg: str, picture: Image.Image) -> float:
    """The mean error in levels on a white page or a black one, whichever is larger."""
    drawn = rendered(svg, SIDE)
    return max(float(np.abs(on_page(drawn, gray) - on_page(picture, gray)).mean()) for gray in (0, 255))


@pytest.mark.parametrize(("made", "most"), [(discs, 0.15), (window, 0.15), (shadow, 0.6), (glow, 0.6)])
@pytest.mark.parametrize("stacking", ["stacked", "cutout"])
def test_what_is_seen_through_looks_right_on_any_page(
    made: Callable[[], Image.Image], most: float, stacking: Stacking
) -> None:
    picture = made()
    assert error(trace(encoded(picture), TraceOptions(stacking=stacking)).svg, picture) < most


def test_nothing_opaque_lies_under_what_is_seen_through() -> None:
    svg = trace(encoded(window()), TraceOptions()).svg
    fills = re.findall(r'fill="([^"]*)"( fill-opacity="[^"]*")?', svg)
    assert fills[0][1] == ' fill-opacity=".353"'
    assert not any(opacity for _, opacity in fills[1:])


def test_the_steps_of_a_shadow_add_up_to_it() -> None:
    svg = trace(encoded(shadow()), TraceOptions()).svg
    clear = 1.0
    for opacity in re.findall(r'fill="#000" fill-opacity="([^"]*)"', svg):
        assert float(opacity) < 0.06
        clear *= 1 - float(opacity)
    assert clear == pytest.approx(0.6, abs=0.05)


def test_a_fading_color_keeps_its_hue_to_the_end() -> None:
    svg = trace(encoded(glow()), TraceOptions()).svg
    stops = re.findall(r'stop-color="#(\w+)"', svg)
    assert stops
    assert "000" not in stops
    assert svg.count("<path") == 1


@pytest.mark.parametrize("background", ["remove", "#20c040"])
def test_a_background_shows_through(background: str) -> None:
    """Half clear over an opaque page it was not; removing the page or coloring it changes what is behind only."""
    svg = trace(encoded(discs()), TraceOptions(background=background)).svg
    drawn = rendered(svg, SIDE).convert("RGBA")
    middle = drawn.getpixel((80, 100))
    page = (0, 0, 0, 0) if background == "remove" else (32, 192, 64, 255)
    half = Image.new("RGBA", (1, 1), (*RED, 128))
    wanted = Image.alpha_composite(Image.new("RGBA", (1, 1), page), half).getpixel((0, 0))
    assert middle == pytest.approx(wanted, abs=2)


def abutting(*parts: tuple[tuple[int, int, int], list[tuple[int, int]]]) -> Image.Image:
    """Polygons with common edges, each drawn with its own coverage: there the page shines through a little."""
    drawn = list[Image.Image]()
    for color, corners in parts:
        cover = Image.new("L", (8 * SIDE, 8 * SIDE))
        ImageDraw.Draw(cover).polygon(corners, fill=255)
        drawn.append(Image.new("RGBA", (SIDE, SIDE), color))
        drawn[-1].putalpha(cover.resize((SIDE, SIDE), Image.Resampling.BOX))
    return stacked(*drawn)


def test_a_seam_that_a_renderer_left_between_opaque_shapes_is_none() -> None:
    left, right = (
        [(320, 320), (1100, 320), (1480, 2240), (320, 2240)],
        [(1100, 320), (2240, 320), (2240, 2240), (1480, 2240)],
    )
    svg = trace(encoded(abutting(((220, 60, 0), left), ((10, 20, 30), right))), TraceOptions()).svg
    assert "opacity" not in svg
    assert svg.count("<path") == 2


def test_seams_between_like_colors_take_no_third_color_of_the_picture() -> None:
    """Less opaque, orange looks like a darker orange that is in the picture as well."""
    fan = [(400, 300), (1000, 260), (1700, 500), (2200, 1200), (2000, 1900), (1200, 2300), (400, 2000)]
    colors = [(245, 130, 40), (242, 105, 58), (248, 153, 33), (206, 78, 40), (243, 106, 40), (246, 175, 92)]
    parts = [(color, [(1201, 1203), *fan[k : k + 2]]) for k, color in enumerate(colors)]
    svg = trace(encoded(abutting(*parts)), TraceOptions()).svg
    assert "opacity" not in svg
    fills = re.findall(r'fill="(#\w+)" d="([^"]*)"', svg)
    assert len(fills) == len(colors)
    assert all(data.lower().count("m") == 1 for _, data in fills)


def test_exact_colors_and_palettes_stay_exact() -> None:
    data = encoded(discs())
    assert trace(data, TraceOptions(colors=2)).report.colors == 2
    svg = trace(data, TraceOptions(palette=("#e03030", "#ffffff"))).svg
    assert set(re.findall(r'fill="(#\w+)"', svg)) <= {"#e03030", "#fff"}
    assert "fill-opacity" not in svg


def test_paper_shows_the_shadow_that_its_layers_make() -> None:
    """Formats without transparency get the color of all layers on white, not of the topmost alone."""
    seen = colors_on_paper(read_artwork(trace(encoded(shadow()), TraceOptions()).svg).areas)
    grays = [channels[0] for channels in seen if channels[0] == channels[1] == channels[2]]
    assert len(grays) > 5
    assert grays == sorted(grays, reverse=True)
    assert grays[-1] == pytest.approx(255 * 0.6, abs=14)


def test_a_picture_of_one_color_of_glass_is_that() -> None:
    output = io.BytesIO()
    Image.new("RGBA", (64, 64), (10, 200, 90, 100)).save(output, "PNG")
    (fill, opacity), *others = re.findall(
        r'fill="#(\w+)" fill-opacity="([^"]*)"', trace(output.getvalue(), TraceOptions()).svg
    )
    assert not others
    assert opacity == ".392"
    assert tuple(bytes.fromhex(fill)) == pytest.approx((10, 200, 90), abs=2)


def shaded(cover: Image.Image, turns: int) -> Image.Image:
    """An opaque shape whose color changes across the picture, so many times over."""
    y, x = np.mgrid[:SIDE, :SIDE] * turns * 255 // SIDE % 256
    picture = Image.fromarray(np.dstack([y, x, np.full((SIDE, SIDE), 90)]).astype(np.uint8))
    picture.putalpha(cover.resize((SIDE, SIDE), Image.Resampling.BOX))
    return picture


def opacities(picture: Image.Image) -> set[float]:
    svg = trace(encoded(picture), TraceOptions()).svg
    return {float(found) for found in re.findall(r'opacity="([^"]+)"', svg)}


def test_an_opaque_crescent_lets_nothing_through_though_its_edges_do() -> None:
    cover = Image.new("L", (4 * SIDE, 4 * SIDE))
    ImageDraw.Draw(cover).ellipse((80, 80, 1200, 1200), fill=255)
    ImageDraw.Draw(cover).ellipse((200, 40, 1360, 1160), fill=0)
    assert opacities(shaded(cover, 3)) <= {1.0}


def test_opaque_strokes_let_nothing_through_though_their_edges_do() -> None:
    cover = Image.new("L", (4 * SIDE, 4 * SIDE))
    for k in range(6):
        ImageDraw.Draw(cover).line((100, 150 + k * 180, 1180, 90 + k * 190), fill=255, width=32)
    assert opacities(shaded(cover, 1)) <= {1.0}
