"""The tracers that are compared, each with the settings that it comes with.

A tracer takes the path of a picture and gives SVG text and the seconds of processor time it took. What is loaded once
and kept in a service (Python, its modules, compiled kernels) does not count; for a program that is started for each
picture its start does.
"""

import io
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtracer
from PIL import Image

from tests.quality.fetching import SourceMissing, npm_package
from tests.quality.pixels import on_page
from tests.quality.sources import Kind

Trace = Callable[[Path], tuple[str, float]]
ALL = frozenset(Kind)
IMAGETRACER = ("imagetracerjs", "1.2.6")


@dataclass(frozen=True, slots=True)
class Tracer:
    """A tracer, the kinds of picture it is made for, and what may be missing for it: None, or a sentence."""

    trace: Trace
    kinds: frozenset[Kind]
    missing: Callable[[Path], str | None] = lambda home: None


def timed(function: Callable[[Path], str]) -> Trace:
    """A tracer in this process."""

    def trace(path: Path) -> tuple[str, float]:
        started = time.process_time()
        svg = function(path)
        return svg, time.process_time() - started

    return trace


def trace_by_us(path: Path) -> str:
    """Our engine with its default options. Raises RuntimeError if it had to leave the picture to vtracer."""
    from workers.engine import pipeline  # loaded by our own child alone

    raster = pipeline.decode(path.read_bytes())
    drawing, svg = pipeline.drawn_within(raster, pipeline.TraceOptions(), pipeline.Limits(), pipeline.silent)
    if drawing.fault:
        raise RuntimeError(drawing.fault)
    return svg


def trace_by_vtracer(path: Path) -> str:
    """vtracer's defaults, by the function of its package that reads a file's bytes."""
    return vtracer.convert_raw_image_to_svg(path.read_bytes())


def trace_by_potrace(path: Path) -> tuple[str, float]:
    """potrace on the picture's black parts (luma below one half): it knows no other color."""
    with Image.open(path) as picture:
        luma = np.asarray(Image.fromarray(on_page(picture)).convert("L"))
        black = Image.fromarray(luma >= 128)
    bitmap = io.BytesIO()
    black.save(bitmap, "PPM")
    return _program(["potrace", "--svg", "--output", "-"], bitmap.getvalue())


def trace_by_imagetracer(path: Path) -> tuple[str, float]:
    """imagetracerjs on Node, given decoded pixels, so that no decoder of PNG or JPEG counts."""
    with Image.open(path) as picture:
        rgba = picture.convert("RGBA")
    script = (
        "const tracer = require(process.argv[1]); const data = require('fs').readFileSync(0);"
        "const [width, height] = process.argv.slice(2).map(Number);"
        "process.stdout.write(tracer.imagedataToSVG({ width, height, data: new Uint8ClampedArray(data) }));"
    )
    module = os.environ["QUALITY_IMAGETRACER"]
    return _program(["node", "-e", script, module, *map(str, rgba.size)], rgba.tobytes())


def _program(command: list[str], data: bytes) -> tuple[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout.decode("utf-8"), spent


def no_potrace(home: Path) -> str | None:
    """What is missing for potrace."""
    return None if shutil.which("potrace") else "potrace is not installed (Debian and Ubuntu: apt install potrace)"


def no_imagetracer(home: Path) -> str | None:
    """What is missing for imagetracerjs; if nothing, its package is unpacked and its child will find it."""
    if shutil.which("node") is None:
        return "node is not installed, so imagetracerjs is left out"
    try:
        package = npm_package(*IMAGETRACER, home / "packages")
    except SourceMissing as error:
        return f"{error}, so imagetracerjs is left out"
    folder = home / "packages" / "imagetracerjs"
    shutil.unpack_archive(package, folder, filter="data")
    os.environ["QUALITY_IMAGETRACER"] = str(folder / "package" / "imagetracer_v1.2.6.js")
    return None


OURS, BASE = "ours", "vtracer"
TRACERS: Mapping[str, Tracer] = {
    BASE: Tracer(timed(trace_by_vtracer), ALL),
    OURS: Tracer(timed(trace_by_us), ALL),
    "potrace": Tracer(trace_by_potrace, frozenset({Kind.MONO}), no_potrace),
    "imagetracerjs": Tracer(trace_by_imagetracer, ALL, no_imagetracer),
}


def warm_up(trace: Trace) -> None:
    """Trace one small picture, so that nothing is loaded for the first time while it is measured."""
    with tempfile.TemporaryDirectory(prefix="tovector-quality-") as folder:
        picture = Image.radial_gradient("L").convert("RGB")
        picture.paste((200, 30, 40), (20, 20, 120, 90))
        for name in ("warm.png", "warm.jpg"):
            picture.save(Path(folder) / name)
            trace(Path(folder) / name)
