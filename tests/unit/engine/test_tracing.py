import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from shared.errors import ProblemError, TooComplex
from shared.tracing import TraceOptions
from tests.pixels import color_at, encoded
from workers.engine import ENGINE_VERSION, Limits, analyse_image, render_preview, trace, trace_file
from workers.engine.decode import Pixels, decode
from workers.engine.method import Art
from workers.engine.pipeline import FELL_BACK, SIMPLIFIED, drawn_within, silent
from workers.engine.preview import check_drawing
from workers.engine.recipe import Recipe
from workers.engine.samples import Samples
from workers.engine.similarity import rendered

SAMPLES = Path(__file__).parents[3] / "samples"
ALLOWED = {"svg", "defs", "path", "linearGradient", "radialGradient", "stop"}


def patches(colors: int) -> bytes:
    """A page of squares in so many well separated colors."""
    picture = Image.new("RGB", (320, 320), "white")
    pen = ImageDraw.Draw(picture)
    for k in range(colors - 1):
        x, y = 10 + 50 * (k % 6), 10 + 50 * (k // 6)
        pen.ellipse((x, y, x + 41, y + 41), fill=f"hsl({(k * 137) % 360}, {50 + 50 * (k % 2)}%, {30 + 9 * (k % 5)}%)")
    return encoded(picture)


def fills(svg: str) -> set[str]:
    return set(re.findall(r'fill="(#[0-9a-f]+)"', svg))


@pytest.mark.parametrize("sample", ["logo.png", "harbor.jpg"])
def test_the_samples_trace_to_good_likenesses(sample: str) -> None:
    traced = trace((SAMPLES / sample).read_bytes(), TraceOptions())
    assert traced.report.similarity > 0.93
    assert traced.report.bytes < 25_000
    assert traced.report.warnings == ()


def test_the_logo_traces_to_the_drawing_it_was_rendered_from() -> None:
    truth = np.asarray(rendered((SAMPLES / "logo.svg").read_text(), 1280)).astype(int)
    drawn = np.asarray(rendered(trace_file(SAMPLES / "logo.png"), 1280)).astype(int)
    assert np.abs(truth - drawn).mean() < 0.6


def test_the_same_bytes_give_the_same_drawing() -> None:
    data = (SAMPLES / "logo.png").read_bytes()
    assert trace(data, TraceOptions()) == trace(data, TraceOptions())


def test_the_report_counts_what_is_in_the_file() -> None:
    traced = trace(patches(7), TraceOptions())
    assert traced.report.paths == traced.svg.count("<path ")
    assert traced.report.colors == len(fills(traced.svg)) == 7
    assert (traced.report.width, traced.report.height) == (320, 320)
    commands = re.findall(r"[chlv][^a-zA-Z]+", traced.svg.split("<path", 1)[1])
    assert traced.report.segments >= len(commands) > 0


def test_progress_goes_from_decoding_to_done() -> None:
    told: list[tuple[str, float]] = []
    trace(patches(3), TraceOptions(), progress=lambda stage, part: told.append((stage, part)))
    assert [stage for stage, _ in told] == ["decoding", "analysing", "tracing", "comparing", "done"]
    assert [part for _, part in told] == sorted(part for _, part in told)


@pytest.mark.parametrize("wanted", [2, 3, 4, 6, 9, 12])
def test_the_number_of_colors_asked_for_is_the_number_in_the_file(wanted: int) -> None:
    for data in (patches(14), (SAMPLES / "harbor.jpg").read_bytes()):
        traced = trace(data, TraceOptions(colors=wanted))
        assert len(fills(traced.svg)) == wanted


def test_more_colors_than_there_are_is_said_in_a_warning() -> None:
    flat = encoded(Image.new("RGB", (50, 50), "red"))
    assert any("were asked for" in warning for warning in trace(flat, TraceOptions(colors=5)).report.warnings)


def test_a_given_palette_is_all_that_is_used() -> None:
    wanted = ["#102030", "#F80", "#ffffff"]
    for sample in ("logo.png", "harbor.jpg"):
        svg = trace((SAMPLES / sample).read_bytes(), TraceOptions.model_validate({"palette": wanted})).svg
        assert fills(svg) <= {"#102030", "#f80", "#fff"}
        assert "Gradient" not in svg


def test_gradients_are_used_for_smooth_areas_and_can_be_refused() -> None:
    ramp = np.tile(np.linspace(20, 235, 300), (200, 1)).astype(np.uint8)
    picture = Image.fromarray(np.dstack([ramp, np.full_like(ramp, 60), ramp[:, ::-1]]))
    smooth = trace(encoded(picture), TraceOptions())
    assert smooth.report.paths == smooth.svg.count("<linearGradient") == 1
    assert np.abs(np.asarray(rendered(smooth.svg, 300).convert("RGB")).astype(int) - np.asarray(picture)).max() <= 4
    assert "Gradient" not in trace(encoded(picture), TraceOptions(gradients=False)).svg


@pytest.mark.parametrize(
    ("picture", "suggested"),
    [
        (patches(6), "logo"),
        ((SAMPLES / "logo.png").read_bytes(), "logo"),
        ((SAMPLES / "harbor.jpg").read_bytes(), "illustration"),
        (encoded(Image.radial_gradient("L")), "illustration"),
        (encoded(Image.effect_noise((200, 200), 90)), "photo"),
    ],
)
def test_the_analysis_suggests_a_preset(picture: bytes, suggested: str) -> None:
    assert analyse_image(picture).suggested == suggested


def test_a_tiny_image_is_warned_of() -> None:
    picture = Image.open(SAMPLES / "logo.png").resize((30, 30))
    assert any("very small" in warning for warning in analyse_image(encoded(picture)).warnings)


def test_colors_are_counted_alike_on_a_clear_page_and_on_white() -> None:
    down, across = np.mgrid[:256, :256]
    colors = np.dstack([80 + down // 2, 200 - across // 2, 120 + 0 * down]).astype(np.uint8)
    alpha = 255 * ((down > 40) & (down < 216) & (across > 40) & (across < 216)).astype(np.uint8)
    clear = Image.fromarray(np.dstack([colors, alpha]), "RGBA")
    white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    seen = [analyse_image(encoded(picture)) for picture in (clear, white)]
    assert seen[0].colors == seen[1].colors
    assert seen[0].soft
    assert seen[1].soft


def test_the_background_can_be_removed_and_replaced() -> None:
    removed = rendered(trace(patches(4), TraceOptions(background="remove")).svg, 320)
    assert color_at(removed, (300, 300))[3] == 0
    assert color_at(removed, (30, 30))[3] == 255
    replaced = rendered(trace(patches(4), TraceOptions(background="#123456")).svg, 320)
    assert color_at(replaced, (300, 300)) == (0x12, 0x34, 0x56, 255)


def test_cut_out_shapes_do_not_overlap() -> None:
    picture = Image.new("RGB", (200, 200), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 20, 179, 179), fill="navy")
    pen.ellipse((60, 60, 140, 140), fill="gold")
    cut = trace(encoded(picture), TraceOptions(stacking="cutout")).svg
    areas = []
    for path in re.findall(r"<path [^>]*/>", cut):
        alone = re.sub(r"<path [^>]*/>", "", cut).replace("</svg>", path + "</svg>")
        areas.append(np.asarray(rendered(alone, 200))[..., 3] > 250)
    assert len(areas) == 3
    assert np.sum(areas, 0).max() == 1


def test_pixel_art_becomes_exact_squares() -> None:
    small = np.random.default_rng(4).integers(0, 4, (12, 16))
    colors = np.array([[255, 255, 255], [200, 30, 40], [20, 40, 160], [0, 0, 0]], np.uint8)
    large = np.kron(small, np.ones((10, 10), int))
    traced = trace(encoded(Image.fromarray(colors[large])), TraceOptions())
    assert (np.asarray(rendered(traced.svg, 160))[..., :3] == colors[large]).all()
    assert "c" not in "".join(re.findall(r' d="([^"]*)"', traced.svg))


def test_a_one_pixel_line_keeps_its_width() -> None:
    picture = Image.new("RGB", (1600, 1600), "white")
    pen = ImageDraw.Draw(picture)
    pen.line((100, 200, 1500, 700), fill="black", width=9)
    pen.arc((300, 500, 1300, 1500), 20, 300, fill="black", width=9)
    small = picture.resize((200, 200), Image.Resampling.BOX)
    drawn = rendered(trace(encoded(small), TraceOptions()).svg, 1600).convert("L")
    ink, truth = (255 - np.asarray(drawn)).sum() / 255, (255 - np.asarray(picture.convert("L"))).sum() / 255
    assert ink == pytest.approx(truth, rel=0.12)


def test_neighbors_leave_no_gap() -> None:
    picture = Image.new("RGB", (1200, 1200), "white")
    pen = ImageDraw.Draw(picture)
    for k in range(12):
        pen.pieslice((100, 100, 1100, 1100), 30 * k, 30 * k + 30, fill=f"hsl({30 * k}, 70%, 35%)")
    svg = trace(encoded(picture.resize((300, 300), Image.Resampling.BOX)), TraceOptions()).svg
    brightest = np.asarray(rendered(svg, 2400).convert("RGB")).min(2)
    y, x = np.mgrid[:2400, :2400]
    away = np.hypot(x - 1200, y - 1200)
    assert brightest[(away > 20) & (away < 960)].max() < 110


def test_noise_is_bounded_and_said() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    traced = trace(encoded(Image.fromarray(noise), compress_level=1), TraceOptions())
    assert traced.report.bytes < 5_000_000
    assert any("noise" in warning for warning in traced.report.warnings)


def test_a_drawing_over_the_limits_is_simplified() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise))
    traced = trace(data, TraceOptions(), limits=Limits(max_output_bytes=60_000))
    assert traced.report.bytes <= 60_000
    assert SIMPLIFIED in traced.report.warnings
    with pytest.raises(TooComplex):
        trace(data, TraceOptions(), limits=Limits(max_output_bytes=100))


def test_vtracer_draws_what_our_method_cannot() -> None:
    def failing(samples: Samples, recipe: Recipe) -> Art:
        raise IndexError

    raster = decode(patches(5))
    drawing, svg = drawn_within(raster, TraceOptions(), Limits(), silent, failing)
    assert FELL_BACK in drawing.warnings
    assert re.fullmatch(r"IndexError in failing \(test_tracing\.py, line \d+\)", drawing.fault)
    difference = np.asarray(rendered(svg, 320)).astype(int) - raster.rgba
    assert np.abs(difference).mean() < 6


def test_dials_do_what_they_say() -> None:
    data = (SAMPLES / "logo.png").read_bytes()

    def report(**options: object) -> tuple[int, int, int]:
        facts = trace(data, TraceOptions.model_validate(options)).report
        return facts.paths, facts.segments, facts.bytes

    assert report(detail=0)[0] < report(detail=100)[0]
    assert report(minimum_area=2000)[0] < report()[0]
    assert report(smoothness=100)[1] < report()[1] < report(smoothness=0)[1]
    assert report(precision=0)[2] < report()[2] < report(precision=3)[2]


def test_a_preview_is_the_result_under_a_watermark_everywhere() -> None:
    svg = trace((SAMPLES / "logo.png").read_bytes(), TraceOptions()).svg
    preview = Image.open(io.BytesIO(render_preview(svg, max_side=600, label="preview")))
    assert preview.size == (600, 600)
    plain = rendered(svg, 600)
    changed = np.abs(np.asarray(preview).astype(int) - np.asarray(plain)).max(2) > 8
    for y in range(0, 600, 100):
        for x in range(0, 600, 100):
            assert changed[y : y + 100, x : x + 100].any(), (x, y)


@pytest.mark.parametrize(
    "svg",
    [
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/hostname"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="x()"></svg>',
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
)
def test_a_preview_is_made_of_our_own_drawings_only(svg: str) -> None:
    with pytest.raises(ValueError, match="drawing of ours"):
        render_preview(svg, max_side=100, label="preview")


OPTIONS = st.builds(
    TraceOptions,
    preset=st.sampled_from(["auto", "logo", "line-art", "illustration", "pixel-art", "cut"]),
    colors=st.sampled_from([0, 2, 3, 7, 64]),
    gradients=st.booleans(),
    detail=st.integers(0, 100),
    smoothness=st.integers(0, 100),
    corners=st.integers(0, 100),
    minimum_area=st.sampled_from([0, 1, 50, 10_000]),
    background=st.sampled_from(["keep", "remove", "#00ff00"]),
    stacking=st.sampled_from(["auto", "stacked", "cutout"]),
    precision=st.integers(0, 3),
)
PICTURES = st.tuples(st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3, 4])).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 90, 128, 254, 255]))
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PICTURES, OPTIONS, st.sampled_from(["PNG", "JPEG"]))
def test_whatever_comes_in_a_valid_drawing_comes_out(samples: Pixels, options: TraceOptions, kind: str) -> None:
    picture = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    data = encoded(picture.convert("RGB") if kind == "JPEG" else picture, kind)
    traced = trace(data, options)
    names = {element.tag.split("}")[1] for element in ElementTree.fromstring(traced.svg).iter()}
    assert names <= ALLOWED
    assert "nan" not in traced.svg
    assert 0 <= traced.report.similarity <= 1
    assert check_drawing(traced.svg) == (picture.width, picture.height)
    assert rendered(traced.svg, picture.width).size == picture.size


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]))
def test_bytes_that_are_no_picture_are_a_typed_problem(data: bytes, start: bytes) -> None:
    with pytest.raises(ProblemError):
        trace(start + data, TraceOptions())


def test_the_engine_says_its_version() -> None:
    assert re.fullmatch(r"\d+\.\d+", ENGINE_VERSION)
