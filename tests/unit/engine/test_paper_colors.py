"""What white paper shows of translucent areas, for formats without transparency."""

from collections.abc import Sequence

import pytest

from workers.engine.artwork import read_artwork
from workers.engine.flatness import Mask
from workers.engine.formats import paper
from workers.engine.formats.paper import Points, colors_on_paper

SVG = '<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="900" height="900" viewBox="0 0 900 900">{}</svg>'


def sheet(x: int, y: int, side: int, fill: str = "#000", opacity: str = ".5") -> str:
    return f'<path fill="{fill}" fill-opacity="{opacity}" d="M{x} {y}h{side}v{side}h-{side}z"/>'


def shades(*sheets: str) -> list[int]:
    """The red that paper shows of each area."""
    return [round(channels[0]) for channels in colors_on_paper(read_artwork(SVG.format("".join(sheets))).areas)]


def test_a_sheet_lies_on_the_last_one_that_holds_most_of_it() -> None:
    large, on_it = sheet(0, 0, 400), sheet(100, 100, 200)
    on_both, half_off, apart = sheet(150, 150, 50), sheet(390, 0, 100), sheet(600, 600, 100)
    assert shades(large, on_it, on_both, half_off, apart) == [128, 64, 32, 128, 128]


def test_a_sheet_in_the_hole_of_another_lies_on_paper() -> None:
    frame = '<path fill="#000" fill-opacity=".5" d="M0 0h400v400h-400zM100 100v200h200v-200z"/>'
    assert shades(frame, sheet(150, 150, 100)) == [128, 128]


def test_thousands_of_small_sheets_are_compared_with_their_neighbors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, inside = list[Points](), paper.inside

    def counted(points: Points, outlines: Sequence[Points]) -> Mask:
        asked.append(points)
        return inside(points, outlines)

    monkeypatch.setattr(paper, "inside", counted)
    side = 30
    sheets = [sheet(30 * x, 30 * y, 20) for y in range(side) for x in range(side)]
    assert shades(*sheets, sheet(2, 2, 10)) == [128] * side * side + [64]
    assert len(asked) < 4 * side * side
