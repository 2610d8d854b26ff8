"""Files of every format in independent readers: opened, of the right physical size, and looking like the SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import click

from shared.outputs import FORMATS
from shared.tracing import TraceOptions
from tests.benchmarks.table import markdown
from tests.quality.corpus import Corpus, Entry, Variant, limited
from tests.quality.promises.finding import Finding
from tests.quality.promises.programs import READERS, Reader, Unreadable, away
from tests.readers import DPI, error
from workers.engine import trace, write_format

WIDTH_MM = 120.0
MOST_BYTES = 50_000_000
SIZE_MM = 25.4 / DPI
"""How far a size may be off: a pixel, for readers that give nothing but pixels."""
MOST_ERROR = 1.5
"""Mean color error, of 255, that two renderers' smoothing of the same edges may amount to."""
SHAPES = TraceOptions(width=WIDTH_MM, unit="mm", dpi=DPI)
CUT = TraceOptions(preset="cut", gradients=False, width=WIDTH_MM, unit="mm", dpi=DPI)
"""For DXF, which knows outlines and no gradients."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a reader saw one file: its color error against the SVG, and what was wrong."""

    reader: Reader
    drawing: str
    error: float
    opened: bool = True
    sized: bool = True
    wrong: str = ""


def formats(found: Corpus, most: int) -> Finding:
    """Write and read drawings of each class, with transparency and without in turns."""
    readings = list[Reading]()
    for number, entry in enumerate(limited(found.entries, most)):
        click.echo(f"formats: {entry.kind} {entry.name}", err=True)
        readings += readings_of(found, entry, Variant.RGBA512 if number % 2 else Variant.PNG512)
    told = "".join(f" {sentence}" for sentence in away())
    drawings = len({reading.drawing for reading in readings})
    text = f"{drawings} drawings, {WIDTH_MM:g} mm wide, at {DPI} dpi; at most {MOST_ERROR} of 255 off.{told}"
    broken = tuple(f"{r.reader.format} in {r.reader.name}, {r.drawing}: {r.wrong}" for r in readings if r.wrong)
    return Finding("Every format in other programs", f"{text}\n\n{table(readings)}", broken)


def readings_of(found: Corpus, entry: Entry, wanted: Variant) -> Iterator[Reading]:
    """Have every reader that is here read its file of one drawing."""
    variant = wanted if wanted in entry.inputs else Variant.PNG512
    data = (found.folder / entry.inputs[variant]).read_bytes()
    shapes, cut = trace(data, SHAPES).svg, trace(data, CUT).svg
    files = {
        name: write_format(svg, name, options, most_bytes=MOST_BYTES)
        for name in FORMATS
        for svg, options in ((cut, CUT) if name == "dxf" else (shapes, SHAPES),)
    }
    for reader in (reader for reader in READERS if reader.is_here()):
        svg = cut if reader.format == "dxf" else shapes
        yield read_by(reader, f"{entry.kind} {entry.name} ({variant})", files[reader.format], svg)


def read_by(reader: Reader, drawing: str, data: bytes, svg: str) -> Reading:
    """How a reader sees a file that was written from this SVG."""
    try:
        picture, (width, height) = reader.read(data)
    except (Unreadable, OSError, ValueError, LookupError) as problem:
        return Reading(reader, drawing, 0.0, opened=False, sized=False, wrong=f"{type(problem).__name__}: {problem}")
    off, view = error(svg, picture), ET.fromstring(svg).get("viewBox", "").split()
    high = WIDTH_MM * float(view[3]) / float(view[2])
    sized = max(abs(width - WIDTH_MM), abs(height - high)) <= SIZE_MM
    wrong = [] if sized else [f"{width:.2f} × {height:.2f} mm"]
    wrong += [f"{off:.2f} of 255 off"] if off > MOST_ERROR else []
    return Reading(reader, drawing, off, sized=sized, wrong=", ".join(wrong))


def table(readings: Sequence[Reading]) -> str:
    """A row for each reader."""
    lines = list[list[str]]()
    for reader in (reader for reader in READERS if reader.is_here()):
        seen = [reading for reading in readings if reading.reader is reader]
        errors = [reading.error for reading in seen if reading.opened]
        counts = [len(seen), sum(r.opened for r in seen), sum(r.sized for r in seen), sum(not r.wrong for r in seen)]
        mean, largest = (f"{value:.2f}" for value in (sum(errors) / max(1, len(errors)), max(errors, default=0.0)))
        lines.append([reader.format, reader.name, *map(str, counts), mean, largest])
    return markdown(["format", "reader", "files", "opened", "right size", "all kept", "mean error", "largest"], lines)
