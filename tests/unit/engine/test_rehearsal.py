import ast
import gc
import importlib
import io
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import workers.engine
from shared.tracing import TraceOptions
from workers.engine import trace, warm, write_format
from workers.engine.decode import Raster
from workers.engine.samples import Samples


def signatures() -> dict[str, set[object]]:
    """Every compiled kernel of the engine that Python calls, with the types it was compiled for."""
    found = dict[str, set[object]]()
    for module in pkgutil.iter_modules(workers.engine.__path__):
        if module.name != "__main__":
            for name, value in vars(importlib.import_module(f"workers.engine.{module.name}")).items():
                if hasattr(value, "signatures"):
                    found[f"{module.name}.{name}"] = set(value.signatures)
    return found


def called_by_python() -> Iterator[str]:
    """Every kernel that a function of the engine calls which is none itself, and not merely a variable of that name."""
    for module in pkgutil.walk_packages(workers.engine.__path__, "workers.engine."):
        if module.ispkg or module.name.endswith("__main__"):
            continue
        found = importlib.import_module(module.name)
        for statement in ast.parse(Path(str(found.__file__)).read_text("utf-8")).body:
            if isinstance(statement, ast.FunctionDef) and hasattr(getattr(found, statement.name), "signatures"):
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    kernel: Any = getattr(found, node.func.id, None)
                    if hasattr(kernel, "signatures"):
                        yield f"{kernel.__module__}.{kernel.__name__}"


def unrehearsed() -> list[str]:
    """The kernels that Python calls and that warming the engine leaves to be compiled."""
    warm()
    named = [(name, *name.rpartition(".")) for name in sorted(set(called_by_python()))]
    return [name for name, module, _, own in named if not getattr(importlib.import_module(module), own).signatures]


def test_every_kernel_that_python_calls_is_rehearsed() -> None:
    assert len(set(called_by_python())) > 80
    command = "from tests.unit.engine.test_rehearsal import unrehearsed; print(*unrehearsed())"
    done = subprocess.run((sys.executable, "-c", command), capture_output=True, text=True, check=True)
    assert [] == done.stdout.split()


def pictures() -> list[Image.Image]:
    """Flat, smooth, shaded, transparent, scanned and noisy ones, none of which was rehearsed."""
    flat = Image.new("RGB", (220, 160), "white")
    pen = ImageDraw.Draw(flat)
    pen.ellipse((20, 20, 120, 120), fill="navy")
    pen.line((10, 150, 210, 30), fill="red", width=3)
    shaded = flat.filter(ImageFilter.GaussianBlur(9))
    shaded.paste(Image.radial_gradient("L").resize((90, 90)).convert("RGB"), (120, 60))
    clear = shaded.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    noise = np.random.default_rng(7).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    small = [flat, shaded, clear]
    large = [picture.resize((440, 320), Image.Resampling.BICUBIC) for picture in small]  # those are not enlarged
    page = np.asarray(flat.resize((440, 320)), np.float32) * np.linspace(1, 0.9, 440)[None, :, None]
    grain = np.random.default_rng(7).normal(0, 4, (320, 440, 1))
    scan = Image.fromarray((page + grain).clip(0, 255).astype(np.uint8))
    return [*small, *large, scan, Image.fromarray(noise)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_no_request_ever_compiles(kind: str) -> None:
    warm()
    before = signatures()
    for picture in pictures():
        data = io.BytesIO()
        (picture.convert("RGB") if kind == "JPEG" else picture).save(data, kind)
        for stacking in ("stacked", "cutout"):
            for more in ({}, {"colors": 4}, {"palette": ["#000", "#fff"]}, {"gradients": False}, {"preset": "cut"}):
                options = TraceOptions.model_validate({"stacking": stacking} | more)
                svg = trace(data.getvalue(), options).svg
                write_format(svg, "dxf", options, most_bytes=50_000_000)
    after = signatures()
    assert after == before
    assert len(before) > 30


def test_the_collector_leaves_alone_what_warming_up_has_loaded() -> None:
    gc.unfreeze()
    warm()
    assert gc.get_freeze_count() > 50_000


def test_nobody_can_write_to_a_picture_whoever_made_it() -> None:
    """To numba an array that can be written to is of another type, so kernels would be compiled for it too."""
    raster, samples = (np.zeros((2, 2, 4), np.uint8) for _ in range(2))
    kept = Raster(raster, opaque=True, lossy=False).rgba, Samples(samples, opaque=True).pixels
    assert [False, False] == [array.flags.writeable for array in kept]
