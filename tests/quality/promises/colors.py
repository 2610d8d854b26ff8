"""Exactly the number of colors asked for, and the colors of a fixed palette and no others: read from the SVG."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
import numpy as np
from PIL import Image

from shared.tracing import TraceOptions
from tests.benchmarks.table import markdown
from tests.quality.corpus import Corpus, Entry, Variant, limited
from tests.quality.promises.finding import Finding
from tests.quality.promises.paints import colors_of
from workers.engine import Traced, trace

NUMBERS = (2, 3, 4, 6, 8, 12)
FOREIGN = ("#14213d", "#fca311", "#e5e5e5", "#b5179e", "#2a9d8f")
"""A palette that no picture was drawn with."""
OWN = 4
"""Colors of the palette that is taken from the picture itself."""
VARIANTS = (Variant.PNG512, Variant.RGBA512, Variant.JPG512)
SHORT = re.compile(r"gives (\d+) colors; (\d+) were asked for")


class Verdict(StrEnum):
    """Kept; kept as far as the picture allows, and said so in a warning; broken."""

    HELD = "held"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one picture and one wish."""

    variant: Variant
    wish: str
    name: str
    verdict: Verdict
    note: str = ""


def judged_number(traced: Traced, wanted: int, held: int) -> tuple[Verdict, str]:
    """Whether the file has so many colors.

    Fewer are allowed where a warning tells how many there are and the picture holds no more than `held`, which are
    fewer than asked for, too.
    """
    found = len(colors_of(traced.svg))
    if found == wanted:
        return Verdict.HELD, ""
    told = [tuple(map(int, numbers)) for text in traced.report.warnings for numbers in SHORT.findall(text)]
    if found < wanted and held < wanted and (found, wanted) in told:
        return Verdict.WARNED, ""
    said = " ".join(traced.report.warnings) or "without a warning"
    return Verdict.FAILED, f"{found} colors in the file, {held} in the picture, {wanted} asked for ({said})"


def judged_palette(traced: Traced, palette: Sequence[str]) -> tuple[Verdict, str]:
    """Whether the file has colors of the palette and no others."""
    others = colors_of(traced.svg) - set(palette)
    return (Verdict.FAILED, f"also has {', '.join(sorted(others)[:5])}") if others else (Verdict.HELD, "")


def opaque_colors(picture: Image.Image) -> Counter[bytes]:
    """The colors of the picture's opaque pixels, and how many pixels have each."""
    rgba = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
    found, counts = np.unique(rgba[rgba[:, 3] == 255][:, :3], axis=0, return_counts=True)
    return Counter({row.tobytes(): int(count) for row, count in zip(found, counts, strict=True)})


def own_palette(counted: Counter[bytes]) -> tuple[str, ...]:
    """The most frequent colors that are well apart from each other."""
    chosen = list[bytes]()
    for color, _ in counted.most_common(4000):
        if all(sum(abs(a - b) for a, b in zip(color, other, strict=True)) > 96 for other in chosen):
            chosen.append(color)
    return tuple(f"#{color.hex()}" for color in chosen[:OWN])


def outcomes_of(entry: Entry, variant: Variant, path: Path) -> Iterator[Outcome]:
    """Trace one picture with every wish."""
    data = path.read_bytes()
    counted = opaque_colors(Image.open(io.BytesIO(data)))
    for number in NUMBERS:
        judged = judged_number(trace(data, TraceOptions(colors=number)), number, len(counted))
        yield Outcome(variant, f"{number} colors", f"{entry.kind} {entry.name}", *judged)
    for wish, palette in (("palette, foreign", FOREIGN), ("palette, its own", own_palette(counted))):
        judged = judged_palette(trace(data, TraceOptions(palette=palette)), palette)
        yield Outcome(variant, wish, f"{entry.kind} {entry.name}", *judged)


def colors(found: Corpus, most: int) -> Finding:
    """Ask for numbers of colors and for palettes."""
    outcomes, pictures = list[Outcome](), 0
    for entry in limited(found.entries, most):
        click.echo(f"colors: {entry.kind} {entry.name}", err=True)
        for variant in (variant for variant in VARIANTS if variant in entry.inputs):
            outcomes += outcomes_of(entry, variant, found.folder / entry.inputs[variant])
            pictures += 1
    return Finding("Numbers of colors and palettes", f"{pictures} pictures. {table(outcomes)}", broken(outcomes))


def table(outcomes: Sequence[Outcome]) -> str:
    """How many of each wish and input held, were warned of, and failed."""
    wishes = dict.fromkeys(outcome.wish for outcome in outcomes)
    lines = [[wish, *(_counts(outcomes, wish, variant) for variant in VARIANTS)] for wish in wishes]
    lines.append(["all", *(_counts(outcomes, None, variant) for variant in VARIANTS)])
    return "Held / warned / failed:\n\n" + markdown(["asked for", *VARIANTS], lines)


def _counts(outcomes: Sequence[Outcome], wish: str | None, variant: Variant) -> str:
    of_these = [o.verdict for o in outcomes if o.variant is variant and wish in (None, o.wish)]
    return " / ".join(str(of_these.count(verdict)) for verdict in Verdict)


def broken(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """A sentence for each that failed."""
    return tuple(f"{o.name}, {o.variant}, {o.wish}: {o.note}" for o in outcomes if o.verdict is Verdict.FAILED)
