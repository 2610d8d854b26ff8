"""The picture of the README: parts of the samples as pixels, as vtracer draws them, and as we do, eight times larger.

The samples were drawn for this project, so they may be shown; the drawings of the corpus are not shipped.
"""

import tempfile
from pathlib import Path

from PIL import Image

from dev.home import CHECKOUT
from dev.panels import Panel, page_of
from tests.quality.pixels import TRUTH_SIDE, on_page, render
from tests.quality.sheets import PANEL, looks
from tests.quality.structure import structure_of
from tests.quality.tracers import BASE, OURS, TRACERS

TARGET = CHECKOUT / "docs" / "pictures" / "quality.png"
COLORS = 128
EXAMPLES = (("harbor", (398, 80), 40), ("logo", (236, 0), 40))
"""A sample, rendered to 512 pixels; the corner and the side of the part of it that is shown, in those pixels."""


def write_picture() -> Path:
    """Draw the picture and write it, with a palette, so that it stays small."""
    page = page_of([_row(*example) for example in EXAMPLES], PANEL)
    page.quantize(COLORS, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    return TARGET


def _row(sample: str, place: tuple[int, int], part: int) -> list[Panel]:
    svg = (CHECKOUT / "samples" / f"{sample}.svg").read_text("utf-8")
    source = Image.fromarray(on_page(render(svg, 512)))
    with tempfile.TemporaryDirectory(prefix="tovector-quality-") as folder:
        path = Path(folder) / "sample.png"
        source.save(path)
        traces = {name: TRACERS[name].trace(path)[0] for name in (BASE, OURS)}
    names = {name: f"{title}: {_facts(traces[name])}" for name, title in ((BASE, "vtracer"), (OURS, "tovector"))}
    seen = looks(source, render(svg, TRUTH_SIDE), traces)
    panels = seen.close_at(place, part, {"source": f"{sample}, 512 px", **names})
    return [panels[0], *panels[2:4]]


def _facts(svg: str) -> str:
    return f"{structure_of(svg).segments} segments, {len(svg.encode()) / 1024:.1f} kB"
