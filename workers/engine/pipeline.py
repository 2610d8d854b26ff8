"""From bytes to drawing: the stages in order, each in a module of its own."""

import gc
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from shared.errors import TooComplex
from shared.outputs import output_size
from shared.suggestions import Suggestion
from shared.tracing import TraceOptions
from workers.engine.analyse import Analysis, analyse_samples
from workers.engine.artwork import read_artwork
from workers.engine.bare import trace_bare
from workers.engine.decode import Raster, decode
from workers.engine.denoise import denoised
from workers.engine.drawing import Drawing, write_svg
from workers.engine.enlarge import doubled
from workers.engine.flatness import premultiplied
from workers.engine.formats.dxf import write_dxf
from workers.engine.method import Art, draw_art
from workers.engine.native import native
from workers.engine.paper import evened
from workers.engine.recipe import Recipe, choose_recipe, coarser
from workers.engine.rehearsal import REHEARSED, rehearsal_pictures
from workers.engine.report import Limits, Progress, Report, Traced
from workers.engine.resize import shrink
from workers.engine.samples import Samples
from workers.engine.similarity import likeness
from workers.engine.suggest import suggest

PARTS = (0.2, 0.4, 0.6, 0.75)
"""What is told of the progress before each try."""

AS_THEY_ARE = ("photo", "pixel-art")
"""Presets under which each pixel of a picture counts, though it may have been enlarged."""

SIMPLIFIED = "The image is very complex; the drawing was simplified to stay within its limits."
FELL_BACK = "The image was traced in a simpler way, on white; please tell us about it."

Method = Callable[[Samples, Recipe], Art]
"""Traces premultiplied samples by a recipe."""

ENGINE_VERSION = "1.23"
"""Part of every trace's cache key: raised whenever the same input may give another drawing."""


def trace(
    data: bytes,
    options: TraceOptions,
    *,
    page: tuple[int, int] | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Traced:
    """Trace a PNG or JPEG.

    The drawing is as large as the picture, or as `page` says (width and height in pixels) if the picture is a reduced
    copy of a larger one. Raises ImageUndecodable, UnsupportedMediaType or TooManyPixels for the input, TooComplex when
    even the simplest drawing breaks a limit, and EngineCrashed when the tracer itself fails.
    """
    limits, tell = limits or Limits(), progress or silent
    tell("decoding", 0.0)
    raster = decode(data, limits.max_pixels)
    drawing, svg = drawn_within(raster, options, limits, tell, page=page)
    tell("comparing", 0.9)
    alike = likeness(svg, raster)
    report = Report(
        paths=len(drawing.shapes),
        segments=drawing.segments(),
        colors=len(drawing.paints()),
        width=drawing.width,
        height=drawing.height,
        bytes=len(svg.encode()),
        similarity=alike.similarity,
        ssim=alike.ssim,
        color_error=alike.color_error,
        warnings=drawing.warnings,
        fault=drawing.fault,
    )
    tell("done", 1.0)
    return Traced(svg, report)


def analyse_image(data: bytes, *, max_pixels: int = 40_000_000) -> Analysis:
    """What kind of picture it is, which preset suits it, and what to warn of: free, and in milliseconds.

    Raises ImageUndecodable, UnsupportedMediaType or TooManyPixels.
    """
    return looked_at(shrunk(decode(data, max_pixels), Limits().working_pixels)).analysis


def suggest_image(data: bytes, *, max_pixels: int = 40_000_000, working_pixels: int = 4_000_000) -> Suggestion:
    """What to tell a picture's owner before anything is traced, found at the size at which it would be.

    Raises ImageUndecodable, UnsupportedMediaType or TooManyPixels.
    """
    look = looked_at(shrunk(decode(data, max_pixels), working_pixels))
    return suggest(look.samples, look.analysis)


def trace_file(path: str | Path) -> str:
    """SVG text of an image file, traced with default options and without the report: what benchmarks call."""
    return drawn_within(decode(Path(path).read_bytes()), TraceOptions(), Limits(), silent)[1]


def drawn_within(
    raster: Raster,
    options: TraceOptions,
    limits: Limits,
    tell: Progress,
    method: Method = draw_art,
    page: tuple[int, int] | None = None,
) -> tuple[Drawing, str]:
    """A drawing that keeps the limits, and its text: coarser ones are tried until one does."""
    tell("analysing", 0.1)
    page = page or (raster.width, raster.height)
    look = looked_at(shrunk(raster, limits.working_pixels), as_is=options.preset in AS_THEY_ARE)
    raster, analysis = look.raster, look.analysis
    recipe, notes = choose_recipe(options, analysis), analysis.warnings
    for part in PARTS:
        tell("tracing", part)
        art, view = draw(raster, look.samples, recipe, method)
        drawing = Drawing(*page, view, art.shapes, art.definitions, (*notes, *art.warnings), art.fault)
        svg = write_svg(drawing)
        if len(drawing.shapes) <= limits.max_paths and len(svg) <= limits.max_output_bytes:
            return drawing, svg
        recipe, notes = coarser(recipe, raster.width * raster.height), (*analysis.warnings, SIMPLIFIED)
    raise TooComplex(f"Even a coarse drawing breaks the limits of {limits.max_paths} paths or its bytes.")


@dataclass(frozen=True, slots=True)
class Look:
    """A picture at the size at which it is traced, its premultiplied samples, and what was found about it."""

    raster: Raster
    samples: Samples
    analysis: Analysis


def looked_at(raster: Raster, *, as_is: bool = False) -> Look:
    """Analyse a picture, under even light if it is on paper, and at the size that it had before it was enlarged.

    With `as_is` it is taken as it is.
    """
    samples = Samples(premultiplied(raster), raster.opaque)
    look = Look(raster, samples, analyse_samples(samples, raster))
    if as_is:
        return look
    page = evened(raster, look.analysis)
    if page is not raster:
        samples = Samples(premultiplied(page), opaque=True)
        return Look(page, samples, analyse_samples(samples, page, drawn=True))
    small = native(raster, samples, look.analysis)
    return look if small is raster else looked_at(small, as_is=True)


def draw(raster: Raster, samples: Samples, recipe: Recipe, method: Method) -> tuple[Art, tuple[int, int]]:
    """Trace premultiplied samples; give the art, and the width and height of its page in drawing units.

    Should our method fail on a picture, vtracer draws it, and a warning says so.
    """
    if raster.width * raster.height > recipe.most_pixels:
        samples = Samples(premultiplied(shrunk(raster, recipe.most_pixels)), raster.opaque)
    if recipe.double:
        samples, recipe = enlarged(samples, recipe)
    pixels = samples.pixels
    height, width = pixels.shape[:2]
    try:
        art = method(samples, recipe)
    except (ArithmeticError, LookupError, ValueError) as error:
        page = (pixels[..., :3].astype(np.uint16) + (255 - pixels[..., 3:])).clip(0, 255).astype(np.uint8)
        art = Art(tuple(trace_bare(page, units=recipe.units)), (), (FELL_BACK,), fault_of(error))
    return art, (width * recipe.units, height * recipe.units)


def fault_of(error: Exception) -> str:
    """What kind of error it was and where it was raised, and no word of it that might hold a customer's data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name} ({Path(frame.filename).name}, line {frame.lineno})"


def enlarged(samples: Samples, recipe: Recipe) -> tuple[Samples, Recipe]:
    """The samples at twice their size, without noise if the recipe says so, for noise would be made crisp as well."""
    if recipe.denoise:
        samples = Samples(denoised(samples.pixels, recipe.denoise), samples.opaque)
    return Samples(doubled(samples.pixels, samples.spreads), samples.opaque), replace(recipe, denoise=())


def shrunk(raster: Raster, most_pixels: int) -> Raster:
    """The raster with at most so many pixels."""
    if raster.width * raster.height <= most_pixels:
        return raster
    small = np.asarray(shrink(Image.fromarray(raster.rgba), most_pixels))
    return Raster(np.ascontiguousarray(small), raster.opaque, raster.lossy)


def warm() -> None:
    """Load and compile everything, so that the first customer waits no longer than the next.

    The first call ever compiles for two to three minutes and fills numba's cache; later ones load from it in about a
    second. Set-up should therefore call this once: `python -m workers.engine`.

    What is loaded by then stays for good, and the garbage collector looks at it no more. In a process that is forked
    from this one, looking would copy the memory of it all: a quarter of the time that a photo takes.
    """
    for data in rehearsal_pictures():
        suggest_image(data)
        for options in REHEARSED:
            write_dxf(read_artwork(trace(data, options).svg), output_size(options, 100, 100))
    gc.collect()
    gc.freeze()


def silent(stage: str, done: float) -> None:
    """Tell nobody."""
