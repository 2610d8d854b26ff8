"""Contact sheets: what is to be looked at. One for each kind, of the drawings that ours resembles least.

Two rows for each drawing: whole, and at eight times the input's size where ours differs most from the truth. The
difference is brightened three times.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dev.panels import Panel, page_of
from tests.quality.corpus import Corpus, Entry, Variant
from tests.quality.pixels import WHITE, Samples, on_page, open_picture, render_at
from tests.quality.scoring import Score, Truth
from tests.quality.scoring import page_of as page_of_variant
from tests.quality.summary import Row
from tests.quality.tracers import BASE, OURS

PANEL, ZOOM, BRIGHTER = 320, 8, 3
PART = PANEL // ZOOM
"""Side of the part that is shown close up, in pixels of the input."""


@dataclass(frozen=True, slots=True)
class Looks:
    """One input beside what was made of it, on one page: truth and traces at one size, the input at its own."""

    source: Image.Image
    truth: Image.Image
    traces: dict[str, Image.Image]

    @property
    def difference(self) -> Image.Image:
        """How far ours is from the truth, black where it is not."""
        return Image.fromarray(_difference(self.truth, self.traces[OURS]))

    def whole(self, names: dict[str, str]) -> list[Panel]:
        """Everything fitted into panels."""
        pictures = [self.source, self.truth, *self.traces.values(), self.difference]
        return [(name, _fitted(picture)) for name, picture in zip(self._captions(names), pictures, strict=True)]

    def close(self, part: int, names: dict[str, str]) -> list[Panel]:
        """The part, `part` input pixels wide, where ours differs most from the truth."""
        return self.close_at(self.worst_place(part), part, names)

    def close_at(self, place: tuple[int, int], part: int, names: dict[str, str]) -> list[Panel]:
        """A part whose left upper corner is at this pixel of the input."""
        left, top = place
        scale = self.truth.width / self.source.width
        box = tuple(round(scale * value) for value in (left, top, left + part, top + part))
        source = self.source.crop((left, top, left + part, top + part)).resize((PANEL, PANEL), Image.Resampling.NEAREST)
        others = [
            picture.crop((box[0], box[1], box[2], box[3])).resize((PANEL, PANEL), Image.Resampling.BICUBIC)
            for picture in (self.truth, *self.traces.values(), self.difference)
        ]
        return list(zip(self._captions(names), [source, *others], strict=True))

    def _captions(self, names: dict[str, str]) -> list[str]:
        keys = ["source", "truth", *self.traces, "difference"]
        return [names.get(key, key) for key in keys]

    def worst_place(self, part: int) -> tuple[int, int]:
        """Corner of the square with the largest sum of differences, from a table of sums (Crow 1984)."""
        small = Image.fromarray(_difference(self.truth, self.traces[OURS]).max(2))
        levels = np.asarray(small.resize(self.source.size, Image.Resampling.BOX), np.float64)
        rows, columns = (min(part, size) for size in levels.shape)
        sums = np.zeros((levels.shape[0] + 1, levels.shape[1] + 1))
        np.cumsum(np.cumsum(levels, 0), 1, out=sums[1:, 1:])
        found = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
        top, left = np.unravel_index(int(found.argmax()), found.shape)
        return int(left), int(top)


def _difference(truth: Image.Image, drawn: Image.Image) -> Samples:
    away = np.abs(np.asarray(truth, np.int16) - np.asarray(drawn, np.int16))
    return np.minimum(BRIGHTER * away, 255).astype(np.uint8)


def _fitted(picture: Image.Image) -> Image.Image:
    scale = PANEL / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def looks(source: Image.Image, truth: Image.Image, svgs: dict[str, str], page: int = WHITE) -> Looks:
    """Render traces at the truth's size on a page of this gray level; one that cannot be rendered is an empty page."""
    traces = dict[str, Image.Image]()
    for name, svg in svgs.items():
        try:
            traces[name] = _laid(render_at(svg, truth.size), page)
        except ValueError:
            traces[name] = Image.new("RGB", truth.size, (page, page, page))
    return Looks(_laid(source, page), _laid(truth, page), traces)


def _laid(picture: Image.Image, page: int) -> Image.Image:
    return Image.fromarray(on_page(picture, page))


def sheet(corpus: Corpus, svgs: Path, rows: list[Row], variant: Variant) -> Image.Image:
    """A contact sheet of these rows of one kind; the traces are read from the folder that the run has written."""
    entries = {(entry.kind, entry.name): entry for entry in corpus.entries}
    panels = list[list[Panel]]()
    for row in rows:
        entry = entries[row.kind, row.name]
        seen = looks(
            open_picture(corpus.folder / entry.inputs[variant]),
            Truth(corpus.folder / entry.truth).picture,
            {name: kept(svgs, name, variant, entry) for name in (BASE, OURS)},
            page_of_variant(variant),
        )
        panels += [seen.whole({"source": entry.name[:38], **_captions(row)}), seen.close(PART, {})]
    return page_of(panels, PANEL)


def kept(svgs: Path, tracer: str, variant: Variant, entry: Entry) -> str:
    """The SVG that a run has kept, or nothing."""
    path = svg_path(svgs, tracer, variant, entry)
    return path.read_text("utf-8") if path.exists() else ""


def svg_path(svgs: Path, tracer: str, variant: Variant, entry: Entry) -> Path:
    """Where a run keeps what a tracer made."""
    return svgs / tracer / variant / entry.kind / f"{entry.name}.svg"


def _captions(row: Row) -> dict[str, str]:
    return {name: f"{name}: {_facts(score)}" for name, score in row.scores.items()}


def _facts(score: Score) -> str:
    likeness = score.likeness
    return f"SSIM {likeness.ssim:.2f}, edges {likeness.edge_f1:.1f}, {score.structure.segments} segs"
