"""Scans and screenshots: about as many segments as the clean page has, no specks, no edges on the page."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image

from dev.panels import Panel, page_of
from tests.benchmarks.table import markdown
from tests.quality.corpus import Corpus, Entry, limited
from tests.quality.metrics import color_error
from tests.quality.page import HOME
from tests.quality.pixels import on_page, open_picture, render_at
from tests.quality.promises.finding import Finding
from tests.quality.promises.scanning import Take, scanned, shot
from tests.quality.promises.speckles import page_edges, speckles
from tests.quality.structure import structure_of
from tests.quality.summary import FLAT
from tests.quality.tracers import BASE, OURS, TRACERS

TAKES: dict[str, Take] = {"scan": scanned, "screenshot": shot}
MOST_RATIO = 1.5
"""About as many segments as the clean page."""
PANEL = 400
SHEETS = HOME / "promises" / "scans"


@dataclass(frozen=True, slots=True)
class Look:
    """A tracer's drawing of a page: segments, those of the clean page, error of 255, specks, edges on the page."""

    segments: int
    clean: int
    error: float
    speckles: int
    page: float

    @property
    def ratio(self) -> float:
        """Segments here to those of the clean page."""
        return self.segments / max(1, self.clean)


Looks = dict[str, dict[str, Look]]
"""Of each page, of each tracer."""


def scans(found: Corpus, most: int) -> Finding:
    """Take drawings of each class with a scanner and from a screen, and trace them."""
    parts, broken = list[str](), list[str]()
    for title, take in TAKES.items():
        looks = Looks()
        for number, entry in enumerate(limited([e for e in found.entries if e.kind in FLAT], most)):
            click.echo(f"{title}: {entry.kind} {entry.name}", err=True)
            looks[f"{entry.kind} {entry.name}"] = looked_at(found, entry, number, title, take)
        parts.append(table(title, looks))
        broken += [
            f"{title}, {name}: {look.ratio:.2f} × the segments, {look.speckles} specks"
            for name, of_tracers in looks.items()
            for look in (of_tracers[OURS],)
            if look.ratio > MOST_RATIO or look.speckles
        ]
    return Finding("Scans and screenshots", "\n\n".join(parts), tuple(broken))


def looked_at(found: Corpus, entry: Entry, number: int, title: str, take: Take) -> dict[str, Look]:
    """Both tracers' drawings of one page, kept with a picture of them."""
    taken = take((found.folder / entry.truth).read_text("utf-8"), number)
    folder = SHEETS / title / f"{entry.kind}-{entry.name}"
    folder.mkdir(parents=True, exist_ok=True)
    ending = "png" if taken.data.startswith(b"\x89PNG") else "jpg"
    source, clean = folder / f"{title}.{ending}", folder / "clean.png"
    source.write_bytes(taken.data)
    clean.write_bytes(taken.clean)
    truth = np.asarray(taken.truth)
    seen, panels = dict[str, Look](), [(f"{title}, {ending}", open_picture(source)), ("clean", taken.truth)]
    for name in (OURS, BASE):
        svg = TRACERS[name].trace(source)[0]
        (folder / f"{name}.svg").write_text(svg, "utf-8")
        drawn = on_page(render_at(svg, taken.truth.size))
        segments, of_clean = (structure_of(text).segments for text in (svg, TRACERS[name].trace(clean)[0]))
        error = color_error(truth, drawn)
        spots, page = speckles(truth, drawn), page_edges(truth, drawn, taken.paper)
        seen[name] = Look(segments, of_clean, error, spots, page)
        panels.append((f"{name}: {segments} segments ({of_clean}), {spots} specks", Image.fromarray(drawn)))
    write_sheet(folder, panels)
    return seen


def write_sheet(folder: Path, panels: Sequence[Panel]) -> None:
    """Source, clean page and drawings side by side, whole and four times larger in the middle."""
    whole = [(name, picture.resize((PANEL, PANEL * picture.height // picture.width))) for name, picture in panels]
    close = list[Panel]()
    for name, picture in panels:
        left, top = (picture.width - PANEL // 4) // 2, (picture.height - PANEL // 4) // 2
        part = picture.crop((left, top, left + PANEL // 4, top + PANEL // 4))
        close.append((name.partition(":")[0], part.resize((PANEL, PANEL), Image.Resampling.NEAREST)))
    page_of([whole, close], PANEL).save(folder / "sheet.png")


def table(title: str, looks: Looks) -> str:
    """Every page, and what both tracers make of all of them."""
    lines = [[name, *_cells(of_tracers[OURS]), *_cells(of_tracers[BASE])] for name, of_tracers in looks.items()]
    ours, base = ([of_tracers[name] for of_tracers in looks.values()] for name in (OURS, BASE))
    lines.append(["all (geometric mean of ratios)", *_means(ours), *_means(base)])
    header = ["segments", "× clean", "error", "specks", "page edges, ‰"]
    titles = [f"{name}: {column}" if column == "segments" else column for name in (OURS, BASE) for column in header]
    return markdown([title, *titles], lines)


def _cells(look: Look) -> list[str]:
    return [str(look.segments), f"{look.ratio:.2f}", f"{look.error:.2f}", str(look.speckles), f"{look.page:.2f}"]


def _means(looks: Sequence[Look]) -> list[str]:
    ratio = statistics.geometric_mean([max(look.ratio, 0.01) for look in looks])
    segments, error, spots, page = (
        statistics.fmean(values)
        for values in zip(*((k.segments, k.error, k.speckles, k.page) for k in looks), strict=True)
    )
    return [f"{segments:.0f}", f"{ratio:.2f}", f"{error:.2f}", f"{spots:.1f}", f"{page:.2f}"]
