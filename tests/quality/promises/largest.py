"""The pictures that ask most of the engine: photos of 12 megapixels and noise. They end within its budget."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from PIL import Image

from dev.home import CHECKOUT
from tests.benchmarks.table import markdown
from tests.pixels import encoded
from tests.quality.corpus import Corpus, Variant
from tests.quality.page import HOME
from tests.quality.pixels import open_picture
from tests.quality.promises.finding import Finding
from tests.quality.promises.heavy import budget
from tests.quality.running import ONE_CORE
from tests.quality.sources import SEED, Kind

WIDE, HIGH = 4000, 3000
NOISE = 2048
GRAIN = 6.0
"""Standard deviation of a sensor's noise at middle gray, in levels of 255."""
LARGEST_SVG = 5_000_000


def heavy_pictures(found: Corpus) -> Iterator[tuple[str, Image.Image, int]]:
    """What it is, the picture, and the quality of its JPEG; 0 for a PNG."""
    photos = [entry for entry in found.entries if entry.kind is Kind.PHOTO]
    for entry in photos[:2]:
        picture = sensed(open_picture(found.folder / entry.inputs[Variant.PNG512]), entry.name)
        yield f"photo, 12 megapixels, JPEG ({entry.name})", picture, 90
    noise = np.random.default_rng(SEED)
    for title, channels in (("uniform noise in color", 3), ("uniform noise, gray", 1)):
        samples = noise.integers(0, 256, (NOISE, NOISE, channels), np.uint8)
        whole = np.repeat(samples, 3 // channels, 2)
        yield f"{title}, {NOISE} × {NOISE}, PNG", Image.fromarray(whole), 0


def sensed(photo: Image.Image, name: str) -> Image.Image:
    """The photo enlarged to 4000 × 3000 as a sensor would see it: more noise where there is more light."""
    large = np.asarray(photo.convert("RGB").resize((WIDE, HIGH), Image.Resampling.BICUBIC), np.float32)
    grain = np.random.default_rng([SEED, *name.encode()]).standard_normal(large.shape, np.float32)
    return Image.fromarray((large + GRAIN * np.sqrt(large / 128 + 0.1) * grain).clip(0, 255).astype(np.uint8))


def largest(found: Corpus, most: int) -> Finding:
    """Trace each in a process with the limits of a worker's engine; `most` bounds nothing here."""
    seconds, memory = budget()
    lines, broken = list[list[str]](), list[str]()
    for title, picture, quality in heavy_pictures(found):
        click.echo(f"largest: {title}", err=True)
        cells, wrong = measured(title, picture, quality)
        lines.append([title, *cells])
        broken += [f"{title}: {sentence}" for sentence in wrong]
    header = ["picture", "CPU, s", "memory, MB", "paths", "kB", "warnings"]
    bounds = (
        f"At most {seconds:g} s of processor time, {memory / 1e6:.0f} MB of address space, {LARGEST_SVG / 1e6:g} MB."
    )
    return Finding("The largest pictures", f"{bounds}\n\n{markdown(header, lines)}", tuple(broken))


def measured(title: str, picture: Image.Image, quality: int) -> tuple[list[str], list[str]]:
    """The cells of its row, and sentences about what is not kept."""
    target = HOME / "promises" / "largest" / f"{'-'.join(re.findall(r'[a-z0-9]+', title))}.svg"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tovector-promises-") as folder:
        source = Path(folder) / f"picture.{'jpg' if quality else 'png'}"
        source.write_bytes(encoded(picture, "JPEG" if quality else "PNG", **({"quality": quality} if quality else {})))
        command = [sys.executable, "-m", "tests.quality.promises.heavy", str(source), str(target)]
        done = subprocess.run(
            command, cwd=CHECKOUT, env=os.environ | ONE_CORE, capture_output=True, text=True, check=False
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended by {done.returncode}"])[-1]
        return ["–", "–", "–", "–", last[:120]], [last[:200]]
    answer, size = json.loads(done.stdout), target.stat().st_size
    told = " ".join(answer["warnings"]) or "none"
    cells = [f"{answer['seconds']:.1f}", f"{answer['memory'] / 1e6:.0f}", str(answer["paths"]), f"{size / 1000:.0f}"]
    return [*cells, told], [f"the SVG has {size} bytes"] if size >= LARGEST_SVG else []
