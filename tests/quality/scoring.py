"""A trace against its truth: every metric, kept by the text of the SVG so that nothing is compared twice."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from tests.quality import edges, metrics, pixels
from tests.quality.corpus import Variant
from tests.quality.edges import Mask, edge_f1, edge_map
from tests.quality.pixels import GRAY, TRUTH_SIDE, WHITE, Samples, alpha, on_page, open_picture, render, render_at
from tests.quality.structure import Structure, structure_of


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near a drawing comes: mean color error of 255, SSIM and edge F1 of 100, gaps per mille."""

    color_error: float
    ssim: float
    edge_f1: float
    gaps: float


@dataclass(frozen=True, slots=True)
class Score:
    """All that is known of one trace: its likeness, its parts, bytes, milliseconds of processor time.

    A tracer that failed is scored as an empty page.
    """

    likeness: Likeness
    structure: Structure
    bytes: int
    milliseconds: float
    failure: str


class Truth:
    """What a drawing should look like: rendered and analysed once for all its traces."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages: dict[int, tuple[Samples, Mask]] = {}

    @cached_property
    def picture(self) -> Image.Image:
        """The truth in pixels; a photo's is the photo."""
        if self._path.suffix == ".svg":
            return render(self._path.read_text("utf-8"), TRUTH_SIDE)
        return open_picture(self._path)

    @cached_property
    def digest(self) -> str:
        """Tells this truth from any other."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()

    def on(self, page: int) -> tuple[Samples, Mask]:
        """Samples and edges on a page of this gray level."""
        if page not in self._pages:
            samples = on_page(self.picture, page)
            self._pages[page] = samples, edge_map(samples)
        return self._pages[page]

    def likeness(self, svg: str, page: int) -> Likeness:
        """Compare a drawing with this truth. Raises ValueError if it cannot be rendered."""
        drawn = render_at(svg, self.picture.size)
        (wanted, wanted_edges), samples = self.on(page), on_page(drawn, page)
        return Likeness(
            metrics.color_error(wanted, samples),
            metrics.structural_similarity(wanted, samples),
            edge_f1(wanted_edges, edge_map(samples)),
            metrics.gaps(alpha(self.picture), alpha(drawn)),
        )


def page_of(variant: Variant) -> int:
    """The page a variant is judged on: gray where transparency counts, so that white and black halos both show."""
    return GRAY if variant is Variant.RGBA512 else WHITE


EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}"/>'


class Scores:
    """The scores of a run; likenesses are remembered in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def score(self, truth: Truth, variant: Variant, svg: str | None, seconds: float, failure: str) -> Score:
        """Score a trace, or none."""
        try:
            likeness, parts = self._likeness(truth, svg or "", page_of(variant)), structure_of(svg or "")
        except ValueError as error:
            empty = EMPTY.format(*truth.picture.size)
            likeness, parts = self._likeness(truth, empty, page_of(variant)), structure_of(empty)
            failure = failure or str(error)
        return Score(likeness, parts, len((svg or "").encode()), 1000 * seconds, failure)

    def _likeness(self, truth: Truth, svg: str, page: int) -> Likeness:
        key = hashlib.sha256(f"{METRICS} {page} {truth.digest} {svg}".encode()).hexdigest()[:32]
        kept = self._folder / key[:2] / f"{key}.json"
        if kept.exists():
            return Likeness(**json.loads(kept.read_text("utf-8")))
        likeness = truth.likeness(svg, page)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(asdict(likeness)), "utf-8")
        return likeness


def _sources() -> Iterator[bytes]:
    for module in (edges, metrics, pixels):
        yield Path(str(module.__file__)).read_bytes()


METRICS = hashlib.sha256(b"".join([*_sources(), np.__version__.encode()])).hexdigest()
"""Tells these metrics from what they were: their own source."""
