"""What the owner of a picture is told of it before anything is traced."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shared.suggestions import Caution, ContentClass, Noise
from shared.tracing import TraceOptions
from tests.pixels import encoded
from workers.engine import suggest_image, trace

SAMPLES = Path(__file__).parents[3] / "samples"


def flat(colors: int, ground: str = "white") -> Image.Image:
    """Discs in so many colors, well apart, on a ground of another, smooth at their edges."""
    picture = Image.new("RGBA", (1280, 1280), ground)
    pen = ImageDraw.Draw(picture)
    for k in range(colors):
        x, y = 40 + 300 * (k % 4), 40 + 300 * (k // 4)
        pen.ellipse((x, y, x + 240, y + 240), fill=f"hsl({(k * 137) % 360}, {60 + 40 * (k % 2)}%, {30 + 9 * (k % 5)}%)")
    return picture.resize((320, 320), Image.Resampling.LANCZOS)


def strokes() -> Image.Image:
    """Thin dark lines on paper."""
    picture = Image.new("L", (1600, 1200), 255)
    pen = ImageDraw.Draw(picture)
    for k in range(0, 1200, 80):
        pen.line((0, k, 1600, 1200 - k), fill=20, width=12)
    return picture.resize((400, 300), Image.Resampling.LANCZOS)


def photo() -> Image.Image:
    """Colors that change everywhere, smoothly and with some grain."""
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize(
        (480, 360), Image.Resampling.BICUBIC
    )
    grained = np.asarray(coarse).astype(int) + rng.integers(-5, 6, (360, 480, 3))
    return Image.fromarray(grained.clip(0, 255).astype(np.uint8))


def gradient() -> Image.Image:
    """One color flowing into another."""
    y, x = np.mgrid[0:300, 0:300]
    return Image.fromarray(np.dstack([x * 255 // 299, y * 255 // 299, np.full_like(x, 90)]).astype(np.uint8))


def squares() -> Image.Image:
    """Pixel art, enlarged."""
    rng = np.random.default_rng(3)
    tones = np.array([[20, 20, 60], [200, 40, 40], [240, 220, 90]], np.uint8)
    return Image.fromarray(tones[rng.integers(0, 3, (16, 16))]).resize((256, 256), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (flat(3), ("logo", ContentClass.LOGO, 4, Noise.NONE, "#ffffff", ())),
        (flat(14), ("illustration", ContentClass.ILLUSTRATION, 15, Noise.NONE, "#ffffff", ())),
        (strokes(), ("line-art", ContentClass.LINE_ART, 2, Noise.NONE, "#ffffff", ())),
        (gradient(), ("illustration", ContentClass.GRADIENT_ART, None, Noise.NONE, None, ())),
        (squares(), ("pixel-art", ContentClass.PIXEL_ART, 3, Noise.NONE, None, ())),
        (photo(), ("photo", ContentClass.PHOTO, None, Noise.TEXTURE, None, (Caution.NOISE,))),
        (flat(3).resize((24, 24)), ("logo", ContentClass.LOGO, None, Noise.NONE, "#ffffff", (Caution.TOO_SMALL,))),
    ],
)
def test_a_picture_is_known_by_its_pixels(picture: Image.Image, expected: tuple[object, ...]) -> None:
    told = suggest_image(encoded(picture))
    assert expected == (
        told.preset,
        told.content_class,
        told.colors,
        told.noise,
        told.background,
        told.warnings,
    )


def test_a_jpeg_of_a_drawing_is_the_same_drawing_with_its_noise_told() -> None:
    told = suggest_image(encoded(flat(3).convert("RGB"), "JPEG", quality=80))
    assert ("logo", ContentClass.LOGO, 4, Noise.COMPRESSION, False) == (
        told.preset,
        told.content_class,
        told.colors,
        told.noise,
        told.has_transparency,
    )


def test_what_is_transparent_is_a_ground_and_no_color() -> None:
    told = suggest_image(encoded(flat(3, ground="#00000000")))
    assert (3, "transparent", True) == (told.colors, told.background, told.has_transparency)


def test_every_flat_color_is_counted_however_little_there_is_of_it() -> None:
    assert list(range(2, 17)) == [suggest_image(encoded(flat(number))).colors for number in range(1, 16)]


@pytest.mark.parametrize("picture", [flat(3), strokes(), squares()])
def test_what_is_suggested_draws_what_auto_draws(picture: Image.Image) -> None:
    data = encoded(picture)
    assert trace(data, TraceOptions()) == trace(data, TraceOptions(preset=suggest_image(data).preset))


def test_a_picture_of_one_pixel_has_a_suggestion_too() -> None:
    told = suggest_image(encoded(Image.new("RGBA", (1, 1), (255, 0, 0, 0))))
    assert (None, "transparent", (Caution.TOO_SMALL,)) == (told.colors, told.background, told.warnings)
