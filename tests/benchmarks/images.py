"""Pictures that keep the engine busy for a known time, and that no two jobs share."""

import io
import time
from collections.abc import Callable

from PIL import Image, PngImagePlugin

from dev.home import CHECKOUT
from workers import engine

SAMPLE = CHECKOUT / "samples" / "harbor.jpg"
SIDES = (280, 330, 380, 420, 480, 560, 650, 760, 900, 1050, 1250, 1500)


def sample_of(width: int) -> Image.Image:
    """The shipped photograph, this wide."""
    image = Image.open(SAMPLE).convert("RGB")
    return image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)


def engine_seconds(data: bytes) -> float:
    """How long the engine computes for a picture, waiting left out; the best of three."""
    return min(_cpu_seconds(lambda: engine.trace(data, engine.TraceOptions())) for _ in range(3))


def width_for(seconds: float) -> int:
    """The first width whose picture takes the engine at least so long on this machine."""
    engine.warm()
    return next(width for width in SIDES if engine_seconds(as_png(sample_of(width), 0)) >= seconds)


def as_png(image: Image.Image, number: int) -> bytes:
    """The picture as a file that differs from every other number's, so that no trace is kept for it."""
    text, out = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("Comment", f"bench {number}")
    image.save(out, "PNG", pnginfo=text, compress_level=6)
    return out.getvalue()


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
